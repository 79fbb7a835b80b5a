"""What a GPU gives at most, and what torch makes of the encoder on it without any of our code."""
import gc

import torch

from arithmetic import set_arithmetic
from encoder import Encoder
from timing import median_seconds

TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "tf32": torch.float32, "fp32": torch.float32}
MATRIX_SIDES = (4096, 8192, 16384)
COPY_BYTES = 4 * 2**30
WARM_UP = 2
SECONDS = 0.6


def matrix_rate(device, precision, sides=MATRIX_SIDES):
    """The best of some sizes, FLOP/s: products of square matrices of normal random numbers; a multiply-add is two."""
    set_arithmetic(allow_tf32=precision == "tf32")
    best = {"flops": 0.0}
    for side in sides:
        # takes a while, and is no faster
        if precision == "fp32" and side > 8192:
            continue
        a, b = (torch.randn(side, side, device=device).to(TYPES[precision]) for _ in range(2))
        out = torch.empty_like(a)
        for _ in range(WARM_UP):
            torch.mm(a, b, out=out)
        seconds, repeats = median_seconds(lambda: torch.mm(a, b, out=out), device, SECONDS)
        if 2 * side**3 / seconds > best["flops"]:
            best = {"flops": 2 * side**3 / seconds, "side": side, "repeats": repeats}
    return best


def copy_rate(device, count=COPY_BYTES):
    """Bytes read and written a second by a copy on the device."""
    source, target = (torch.ones(count, dtype=torch.uint8, device=device) for _ in range(2))
    for _ in range(WARM_UP):
        target.copy_(source)
    seconds, repeats = median_seconds(lambda: target.copy_(source), device, SECONDS)
    return {"bytes_per_second": 2 * count / seconds, "repeats": repeats}


class EncoderSpeed:
    """torch without compilation; 16-bit types in channels_last. Images lie on the device, in the encoder's type."""

    def __init__(self, weights, device, precision):
        set_arithmetic(allow_tf32=precision == "tf32")
        torch.backends.cudnn.benchmark = True
        self.device = device
        self.encoder = Encoder(weights, device, TYPES[precision], channels_last=precision in ("fp16", "bf16"))

    def measure(self, batch, width, height):
        try:
            return self._measure(batch, width, height)
        finally:
            gc.collect()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _measure(self, batch, width, height):
        images = torch.rand(batch, 3, height, width, device=self.device).mul(2).sub(1).to(self.encoder.dtype)
        for _ in range(WARM_UP):
            mean, _ = self.encoder(images)
        if not bool(torch.isfinite(mean).all()):
            raise ArithmeticError("the latents are not finite")
        del mean
        if self.device.type == "cuda":
            # the search for the quickest kernels took more
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        seconds, repeats = median_seconds(lambda: self.encoder(images), self.device, SECONDS)
        peak = torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None
        rate = batch / seconds
        return {"batch": batch, "seconds": seconds, "images_per_second": rate, "peak_bytes": peak, "repeats": repeats}
