"""How far a graph's moments are from the float64 encoder's, and what is accepted."""
import torch

from encoder import LOGVAR_RANGE

# of the latent's standard deviation: twice what a random encoder shows in torch (fp16 0.18–0.19 %, bf16 1.4–1.6 %);
# tf32 rounds its operands to as many bits as fp16
RMSE_LIMITS = {"tf32": 0.004, "fp16": 0.004, "bf16": 0.03}


def fp32_limit(width, height):
    """Of the latent's standard deviation, the largest error: two right float32 implementations differ by as much."""
    if width * height <= 256 * 256:
        return 5e-5
    return 2e-4 if width * height <= 384 * 512 else 2e-3


def compare(moments, mean, logvar):
    """`moments` (1, 8, h, w) as a graph gives them; the others are right. PSNR: the peak is the right mean's range."""
    got_mean, got_logvar = moments.double().chunk(2, dim=1)
    bad = int((~torch.isfinite(moments)).sum())
    if bad > 0:
        return {"non_finite": bad, "values": moments.numel()}
    error = got_mean - mean
    mse = float(error.square().mean())
    deviation = float(mean.std())
    spread = float(mean.max() - mean.min())
    return {
        "non_finite": 0,
        "values": moments.numel(),
        "max_abs": float(error.abs().max()),
        "rmse": mse**0.5,
        "rmse_of_deviation": mse**0.5 / deviation,
        "max_of_deviation": float(error.abs().max()) / deviation,
        "psnr_db": 10 * float(torch.log10(torch.tensor(spread**2 / mse, dtype=torch.float64))) if mse > 0 else None,
        "logvar_max_abs": float((got_logvar.clamp(*LOGVAR_RANGE) - logvar).abs().max()),
        "deviation": deviation,
    }


def verdict(found, own, precision, width, height):
    """`own` is what torch's encoder showed for that image; an image that is harder for it may be harder for the graph."""
    if found["non_finite"] > 0:
        return "NOT FINITE"
    if precision == "fp32":
        return "ok" if found["max_of_deviation"] <= fp32_limit(width, height) else "BEYOND"
    limits = [RMSE_LIMITS[precision], 0 if own is None else own.get("rmse_of_deviation", 0)]
    return "ok" if found["rmse_of_deviation"] <= max(limits) else "BEYOND"
