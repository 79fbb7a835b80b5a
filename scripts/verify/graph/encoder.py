"""The encoder of AutoencoderKL in plain torch, knowing nothing of our graph.

conv_in; levels of two residual blocks, a halving conv behind all but the last; block, attention, block; norm, SiLU,
conv_out, quant_conv. Names are those of CompVis/stable-diffusion, widths are read off the weights.
"""
import torch
import torch.nn.functional as F

GROUPS, EPSILON = 32, 1e-6
LOGVAR_RANGE = (-30.0, 20.0)


def normalise(pixels, dtype):
    """(N, H, W, 3) uint8 → (N, 3, H, W) in −1…1, computed in float32 as trainers do it."""
    return pixels.permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.5).to(dtype)


class Encoder:
    """As a trainer runs it: torch's own kernels, one type for weights, activations and norms."""

    def __init__(self, weights, device, dtype, channels_last=False):
        self.dtype, self.format = dtype, torch.channels_last if channels_last else torch.contiguous_format
        self.weights = {name: self._place(tensor, device) for name, tensor in weights.items()}
        self.levels = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.down."))

    def _place(self, tensor, device):
        tensor = tensor.to(device, self.dtype)
        return tensor.contiguous(memory_format=self.format) if tensor.dim() == 4 else tensor

    def of(self, name):
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def conv(self, x, name, stride=1, padding=0):
        return F.conv2d(x, *self.of(name), stride=stride, padding=padding)

    def norm(self, x, name):
        return F.group_norm(x, GROUPS, *self.of(name), EPSILON)

    def attend(self, q, k, v):
        """Each (N, pixels, channels); the same shape comes back."""
        if hasattr(F, "scaled_dot_product_attention"):
            return F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        weights = torch.softmax(q @ k.transpose(1, 2) / q.shape[2] ** 0.5, dim=2)
        return weights @ v

    def block(self, x, name):
        h = self.conv(F.silu(self.norm(x, f"{name}.norm1")), f"{name}.conv1", padding=1)
        h = self.conv(F.silu(self.norm(h, f"{name}.norm2")), f"{name}.conv2", padding=1)
        shortcut = f"{name}.nin_shortcut"
        return h + (self.conv(x, shortcut) if f"{shortcut}.weight" in self.weights else x)

    def attention(self, x, name):
        y = self.norm(x, f"{name}.norm")
        q, k, v = (self.conv(y, f"{name}.{part}").flatten(2).transpose(1, 2) for part in "qkv")
        attended = self.attend(q, k, v).transpose(1, 2).reshape(x.shape)
        return x + self.conv(attended, f"{name}.proj_out")

    def __call__(self, x):
        """(N, 3, H, W) in −1…1 → mean and log variance, (N, 4, H/8, W/8) each."""
        x = self.conv(x.contiguous(memory_format=self.format), "encoder.conv_in", padding=1)
        for level in range(self.levels):
            for block in range(2):
                x = self.block(x, f"encoder.down.{level}.block.{block}")
            if level + 1 < self.levels:
                # at the right and the bottom only
                x = self.conv(F.pad(x, (0, 1, 0, 1)), f"encoder.down.{level}.downsample.conv", stride=2)
        x = self.block(x, "encoder.mid.block_1")
        x = self.attention(x, "encoder.mid.attn_1")
        x = self.block(x, "encoder.mid.block_2")
        x = self.conv(F.silu(self.norm(x, "encoder.norm_out")), "encoder.conv_out", padding=1)
        mean, logvar = self.conv(x, "quant_conv").chunk(2, dim=1)
        return mean, logvar.clamp(*LOGVAR_RANGE)


class Float64Encoder(Encoder):
    """The same of one image in products of float64 matrices, in pieces that fit into memory; counts its operations."""

    QUERIES = 2048

    def __init__(self, weights, device):
        super().__init__(weights, device, torch.float64)
        self.operations = 0

    def conv(self, x, name, stride=1, padding=0):
        weight, bias = self.of(name)
        outputs, channels, kernel, _ = weight.shape
        x = F.pad(x, [padding] * 4)[0]
        height, width = ((side - kernel) // stride + 1 for side in x.shape[1:])
        sums = bias[:, None].repeat(1, height * width)
        for row in range(kernel):
            for column in range(kernel):
                rows = slice(row, row + stride * (height - 1) + 1, stride)
                columns = slice(column, column + stride * (width - 1) + 1, stride)
                sums.addmm_(weight[:, :, row, column], x[:, rows, columns].reshape(channels, -1))
        self.operations += 2 * weight.numel() * height * width
        return sums.reshape(1, outputs, height, width)

    def norm(self, x, name):
        weight, bias = (part.reshape(1, -1, 1, 1) for part in self.of(name))
        groups = x.reshape(GROUPS, -1)
        centred = groups - groups.mean(dim=1, keepdim=True)
        deviation = (centred.square().mean(dim=1, keepdim=True) + EPSILON).sqrt()
        return (centred / deviation).reshape(x.shape) * weight + bias

    def attend(self, q, k, v):
        pixels, channels = q.shape[1:]
        self.operations += 2 * 2 * pixels**2 * channels
        pieces = q.split(self.QUERIES, dim=1)
        rows = [torch.softmax(piece @ k.transpose(1, 2) / channels**0.5, dim=2) @ v for piece in pieces]
        return torch.cat(rows, dim=1)
