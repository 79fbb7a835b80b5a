"""Every VAE encoder in plain torch, written from the papers' and trainers' modules, one tensor name at a time.

Nothing here knows the graphs or the name tables of the package: encoders read the names that a program stores, from a
safetensors file with a reader of its own, and complain about tensors that they did not use. Encoders over time (Wan 2.1,
Qwen-Image, Anima) run in three dimensions on one frame.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F

DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64}


class Weights:
    """The tensors of a file, by name; `unused` are those that nobody asked for."""

    def __init__(self, path, dtype, prefix=""):
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            data = file.read()
        header.pop("__metadata__", None)
        self.dtype, self.tensors = dtype, {}
        for name, info in header.items():
            begin, end = info["data_offsets"]
            values = np.frombuffer(data[begin:end], DTYPES[info["dtype"]]).reshape(info["shape"])
            self.tensors[name.removeprefix(prefix)] = values
        self.unused = set(self.tensors)

    def has(self, name):
        return name in self.tensors

    def __getitem__(self, name):
        self.unused.discard(name)
        return torch.from_numpy(self.tensors[name].copy()).to(self.dtype)


def conv(w, name, x, stride=1, padding=None, bias=True):
    weight = w[f"{name}.weight"]
    if weight.dim() == 2:
        weight = weight[:, :, None, None]
    padding = weight.shape[2] // 2 if padding is None else padding
    return F.conv2d(x, weight, w[f"{name}.bias"] if bias else None, stride=stride, padding=padding)


def group_norm(w, name, x):
    return F.group_norm(x, 32, w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)


def attend(q, k, v):
    """Each (n, channels, height, width): one head over all pixels."""
    n, channels, height, width = q.shape
    q, k, v = (value.flatten(2) for value in (q, k, v))
    scores = torch.einsum("nci,ncj->nij", q, k) / channels**0.5
    return torch.einsum("nij,ncj->nci", torch.softmax(scores, dim=2), v).reshape(n, channels, height, width)


def residual(w, name, x, shortcut):
    h = conv(w, f"{name}.conv1", F.silu(group_norm(w, f"{name}.norm1", x)))
    h = conv(w, f"{name}.conv2", F.silu(group_norm(w, f"{name}.norm2", h)))
    return h + (conv(w, f"{name}.{shortcut}", x) if w.has(f"{name}.{shortcut}.weight") else x)


def attention(w, name, x, norm, query, key, value, output):
    y = group_norm(w, f"{name}.{norm}", x)
    q, k, v = (conv(w, f"{name}.{part}", y) for part in (query, key, value))
    return x + conv(w, f"{name}.{output}", attend(q, k, v))


# --- SD, SDXL, SD3, FLUX.1, FLUX.2

LDM_ATTENTION = ("norm", "q", "k", "v", "proj_out")
DIFFUSERS_ATTENTION = ("group_norm", "to_q", "to_k", "to_v", "to_out.0")
OLD_ATTENTION = ("group_norm", "query", "key", "value", "proj_attn")


def kl_ldm(w, x):
    x = conv(w, "encoder.conv_in", x)
    level = 0
    while w.has(f"encoder.down.{level}.block.0.conv1.weight"):
        block = 0
        while w.has(f"encoder.down.{level}.block.{block}.conv1.weight"):
            x = residual(w, f"encoder.down.{level}.block.{block}", x, "nin_shortcut")
            block += 1
        if w.has(f"encoder.down.{level}.downsample.conv.weight"):
            x = conv(w, f"encoder.down.{level}.downsample.conv", F.pad(x, (0, 1, 0, 1)), stride=2, padding=0)
        level += 1
    x = residual(w, "encoder.mid.block_1", x, "nin_shortcut")
    x = attention(w, "encoder.mid.attn_1", x, *LDM_ATTENTION)
    x = residual(w, "encoder.mid.block_2", x, "nin_shortcut")
    x = conv(w, "encoder.conv_out", F.silu(group_norm(w, "encoder.norm_out", x)))
    for name in ("quant_conv", "encoder.quant_conv"):
        x = conv(w, name, x) if w.has(f"{name}.weight") else x
    return x


def kl_diffusers(w, x, names=DIFFUSERS_ATTENTION):
    x = conv(w, "encoder.conv_in", x)
    level = 0
    while w.has(f"encoder.down_blocks.{level}.resnets.0.conv1.weight"):
        block = 0
        while w.has(f"encoder.down_blocks.{level}.resnets.{block}.conv1.weight"):
            x = residual(w, f"encoder.down_blocks.{level}.resnets.{block}", x, "conv_shortcut")
            block += 1
        if w.has(f"encoder.down_blocks.{level}.downsamplers.0.conv.weight"):
            x = conv(w, f"encoder.down_blocks.{level}.downsamplers.0.conv", F.pad(x, (0, 1, 0, 1)), stride=2, padding=0)
        level += 1
    x = residual(w, "encoder.mid_block.resnets.0", x, "conv_shortcut")
    x = attention(w, "encoder.mid_block.attentions.0", x, *names)
    x = residual(w, "encoder.mid_block.resnets.1", x, "conv_shortcut")
    x = conv(w, "encoder.conv_out", F.silu(group_norm(w, "encoder.conv_norm_out", x)))
    return conv(w, "quant_conv", x) if w.has("quant_conv.weight") else x


def kl_diffusers_old(w, x):
    return kl_diffusers(w, x, OLD_ATTENTION)


# --- HunyuanImage-2.1


def space_to_depth(x):
    """2×2 pixels into channels, in the order (row, column, channel)."""
    return torch.cat([x[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)], dim=1)


def group_mean(x, channels):
    n, given, height, width = x.shape
    return x.reshape(n, channels, given // channels, height, width).mean(dim=2)


def hunyuan_down(w, name, x):
    h = space_to_depth(conv(w, name, x))
    return h + group_mean(space_to_depth(x), h.shape[1])


def hunyuan_end(w, x):
    y = conv(w, "encoder.conv_out", F.silu(group_norm(w, "encoder.norm_out", x)))
    return y + group_mean(x, y.shape[1])


def hunyuan_ldm(w, x):
    x = conv(w, "encoder.conv_in", x)
    level = 0
    while w.has(f"encoder.down.{level}.block.0.conv1.weight"):
        block = 0
        while w.has(f"encoder.down.{level}.block.{block}.conv1.weight"):
            x = residual(w, f"encoder.down.{level}.block.{block}", x, "nin_shortcut")
            block += 1
        if w.has(f"encoder.down.{level}.downsample.conv.weight"):
            x = hunyuan_down(w, f"encoder.down.{level}.downsample.conv", x)
        level += 1
    x = residual(w, "encoder.mid.block_1", x, "nin_shortcut")
    x = attention(w, "encoder.mid.attn_1", x, *LDM_ATTENTION)
    x = residual(w, "encoder.mid.block_2", x, "nin_shortcut")
    return hunyuan_end(w, x)


def hunyuan_diffusers(w, x):
    x = conv(w, "encoder.conv_in", x)
    place = 0
    while True:
        name = f"encoder.down_blocks.{place}"
        if w.has(f"{name}.conv1.weight"):
            x = residual(w, name, x, "conv_shortcut")
        elif w.has(f"{name}.conv.weight"):
            x = hunyuan_down(w, f"{name}.conv", x)
        else:
            break
        place += 1
    x = residual(w, "encoder.mid_block.resnets.0", x, "conv_shortcut")
    x = attention(w, "encoder.mid_block.attentions.0", x, "norm", "to_q", "to_k", "to_v", "proj")
    x = residual(w, "encoder.mid_block.resnets.1", x, "conv_shortcut")
    return hunyuan_end(w, x)


# --- Wan 2.1, Qwen-Image, Anima: (n, channels, frames, height, width)


def causal(w, name, x):
    """Frames before the first are zeros; none are added behind the last."""
    weight = w[f"{name}.weight"]
    time, side = weight.shape[2], weight.shape[3] // 2
    return F.conv3d(F.pad(x, (side, side, side, side, time - 1, 0)), weight, w[f"{name}.bias"])


def rms_norm(w, name, x):
    gamma = w[f"{name}.gamma"]
    gamma = gamma.reshape(1, -1, *([1] * (x.dim() - 2)))
    return F.normalize(x, dim=1) * x.shape[1] ** 0.5 * gamma


def wan_block(w, x, norm1, conv1, norm2, conv2, shortcut):
    h = causal(w, conv1, F.silu(rms_norm(w, norm1, x)))
    h = causal(w, conv2, F.silu(rms_norm(w, norm2, h)))
    return h + (causal(w, shortcut, x) if w.has(f"{shortcut}.weight") else x)


def by_frame(x, function):
    return torch.stack([function(x[:, :, frame]) for frame in range(x.shape[2])], dim=2)


def wan_down(w, name, x):
    return by_frame(x, lambda frame: conv(w, name, F.pad(frame, (0, 1, 0, 1)), stride=2, padding=0))


def wan_attention(w, name, x):
    def of_frame(frame):
        q, k, v = conv(w, f"{name}.to_qkv", rms_norm(w, f"{name}.norm", frame)).chunk(3, dim=1)
        return frame + conv(w, f"{name}.proj", attend(q, k, v))

    return by_frame(x, of_frame)


def wan_native(w, x):
    x = causal(w, "encoder.conv1", x[:, :, None])

    def block(name, x):
        parts = (f"{name}.residual.{number}" for number in (0, 2, 3, 6))
        return wan_block(w, x, *parts, f"{name}.shortcut")

    place = 0
    while True:
        name = f"encoder.downsamples.{place}"
        if w.has(f"{name}.residual.0.gamma"):
            x = block(name, x)
        elif w.has(f"{name}.resample.1.weight"):
            x = wan_down(w, f"{name}.resample.1", x)
        else:
            break
        place += 1
    x = block("encoder.middle.0", x)
    x = wan_attention(w, "encoder.middle.1", x)
    x = block("encoder.middle.2", x)
    x = causal(w, "encoder.head.2", F.silu(rms_norm(w, "encoder.head.0", x)))
    return causal(w, "conv1", x)[:, :, 0]


def wan_diffusers(w, x):
    x = causal(w, "encoder.conv_in", x[:, :, None])

    def block(name, x):
        parts = (f"{name}.{part}" for part in ("norm1", "conv1", "norm2", "conv2"))
        return wan_block(w, x, *parts, f"{name}.conv_shortcut")

    place = 0
    while True:
        name = f"encoder.down_blocks.{place}"
        if w.has(f"{name}.norm1.gamma"):
            x = block(name, x)
        elif w.has(f"{name}.resample.1.weight"):
            x = wan_down(w, f"{name}.resample.1", x)
        else:
            break
        place += 1
    x = block("encoder.mid_block.resnets.0", x)
    x = wan_attention(w, "encoder.mid_block.attentions.0", x)
    x = block("encoder.mid_block.resnets.1", x)
    x = causal(w, "encoder.conv_out", F.silu(rms_norm(w, "encoder.norm_out", x)))
    return causal(w, "quant_conv", x)[:, :, 0]


# --- TAESD


def tiny(w, x, prefix=""):
    """One latent in the space of the normalised ones, no moments."""
    x = (x + 1) / 2
    place = 0
    while True:
        name = f"{prefix}{place}"
        if w.has(f"{name}.conv.0.weight"):
            h = F.relu(conv(w, f"{name}.conv.0", x))
            h = F.relu(conv(w, f"{name}.conv.2", h))
            x = F.relu(conv(w, f"{name}.conv.4", h) + x)
        elif w.has(f"{name}.bias"):
            x = conv(w, name, x, padding=1)
        elif w.has(f"{name}.weight"):
            x = conv(w, name, x, stride=2, padding=1, bias=False)
        else:
            return x
        place += 1


def tiny_diffusers(w, x):
    return tiny(w, x, "encoder.layers.")


ENCODERS = {
    ("kl", "ldm"): kl_ldm,
    ("kl", "bfl"): kl_ldm,
    ("kl", "diffusers"): kl_diffusers,
    ("kl", "diffusers-old"): kl_diffusers_old,
    ("hunyuan-image", "ldm"): hunyuan_ldm,
    ("hunyuan-image", "diffusers"): hunyuan_diffusers,
    ("qwen-image", "wan"): wan_native,
    ("qwen-image", "diffusers"): wan_diffusers,
    ("tiny", "taesd"): tiny,
    ("tiny", "diffusers"): tiny_diffusers,
}

# (z − shift) · scale is what a network of the model learns on
AFFINE = {"sd": (0.0, 0.18215), "sdxl": (0.0, 0.13025), "sd3": (0.0609, 1.5305), "flux": (0.1159, 0.3611)}

IGNORED = ("bn.", "time_conv.")


def family_of(vae):
    return "kl" if vae in ("sd", "kl16", "flux2") else vae


def encode(path, vae, layout, model, image, dtype):
    """(1, 2z, h, w): raw means, then log variances clamped to −30…20. `image` is uint8 (height, width, 3)."""
    w = Weights(path, dtype)
    x = torch.from_numpy(image).permute(2, 0, 1).to(torch.float32).div(255).sub(0.5).div(0.5).to(dtype)[None]
    out = ENCODERS[family_of(vae), layout](w, x)
    left = [name for name in w.unused if not any(part in name for part in IGNORED)]
    if left:
        raise SystemExit(f"{path} has tensors that no module uses: {sorted(left)}")
    if vae == "tiny":
        shift, scale = AFFINE[model]
        return torch.cat([out / scale + shift, torch.full_like(out, -30.0)], dim=1)
    mean, logvar = out.chunk(2, dim=1)
    return torch.cat([mean, logvar.clamp(-30.0, 20.0)], dim=1)
