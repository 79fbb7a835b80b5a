"""The SDXL encoder in plain torch: what cpu.mjs compares with. Prints one line of JSON."""
import argparse
import json
import re
import sys
import time

STARTED = time.perf_counter()

try:
    import numpy as np
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(f"this Python has no torch: {error}")


def read_safetensors(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
    tensors = {}
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            values = np.frombuffer(data[begin:end].tobytes(), dtype="<f4").reshape(info["shape"])
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


def norm(channels):
    return nn.GroupNorm(32, channels, eps=1e-6)


class Res(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.conv1 = norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = norm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.nin_shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = norm(channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x):
        y = self.norm(x)
        q, k, v = (conv(y).flatten(2).transpose(1, 2).contiguous() for conv in (self.q, self.k, self.v))
        if hasattr(F, "scaled_dot_product_attention"):
            attended = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        else:
            attended = torch.softmax(torch.bmm(q * q.shape[2] ** -0.5, k.transpose(1, 2)), dim=2) @ v
        return x + self.proj_out(attended.transpose(1, 2).reshape(x.shape))


class Down(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Encoder(nn.Module):
    """Module names are those of the CompVis files, so that the weights load by name."""

    def __init__(self, widths=(128, 256, 512, 512), blocks=2, z=4):
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down, channels = nn.ModuleList(), widths[0]
        for level, width in enumerate(widths):
            stage = nn.Module()
            stage.block = nn.ModuleList(Res(channels if i == 0 else width, width) for i in range(blocks))
            if level + 1 < len(widths):
                stage.downsample = Down(width)
            self.down.append(stage)
            channels = width
        self.mid = nn.Module()
        self.mid.block_1, self.mid.attn_1, self.mid.block_2 = Res(channels, channels), Attention(channels), Res(channels, channels)
        self.norm_out, self.conv_out = norm(channels), nn.Conv2d(channels, 2 * z, 3, padding=1)
        self.quant_conv = nn.Conv2d(2 * z, 2 * z, 1)

    def forward(self, x):
        x = self.conv_in(x)
        for stage in self.down:
            for block in stage.block:
                x = block(x)
            if hasattr(stage, "downsample"):
                x = stage.downsample(x)
        x = self.mid.block_2(self.mid.attn_1(self.mid.block_1(x)))
        mean, logvar = self.quant_conv(self.conv_out(F.silu(self.norm_out(x)))).chunk(2, dim=1)
        return mean, logvar.clamp(-30.0, 20.0)


def ramps(size):
    y, x, c = np.meshgrid(np.arange(size), np.arange(size), np.arange(3), indexing="ij")
    return ((3 * x + 5 * y + 67 * c + (x * y) % 61) & 255).astype(np.uint8)


def peak_bytes():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) * 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vae", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--means", required=True)
    parser.add_argument("--dtype", choices=["float32", "float64", "bfloat16"], default="float32")
    parser.add_argument("--channels-last", action="store_true")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    encoder = Encoder().eval()
    encoder.load_state_dict({re.sub(r"^encoder\.", "", name): value for name, value in read_safetensors(args.vae).items()})
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    dtype = getattr(torch, args.dtype)
    encoder = encoder.to(dtype=dtype, memory_format=layout)
    start_up = time.perf_counter() - STARTED

    pixels, seconds, cpu_seconds = ramps(args.size), [], []
    for _ in range(args.repeats + 1):
        before, cpu_before = time.perf_counter(), time.process_time()
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(torch.float32).div(255).sub(0.5).div(0.5)
        mean, logvar = encoder(image.to(dtype).contiguous(memory_format=layout))
        seconds.append(time.perf_counter() - before)
        cpu_seconds.append(time.process_time() - cpu_before)
    mean.to(torch.float32).contiguous().numpy().astype("<f4").tofile(args.means)
    result = {"runtime": f"torch {torch.__version__}", "startUp": start_up, "peakBytes": peak_bytes()}
    print(json.dumps({**result, "seconds": seconds, "cpuSeconds": cpu_seconds}))


if __name__ == "__main__":
    main()
