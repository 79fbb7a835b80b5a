"""Runs the networks that TensorRT is given on a GPU with torch, and compares them with the encoder in float64.

TensorRT itself is not needed: what is shown is that the graph is right in each precision on real tensor cores. TensorRT
fuses operators and so rounds less often than this does.

Usage: gpu_graph.py FOLDER [--parts compare,overflow,ceilings,speed] [--device cuda|cpu] [--json FILE] [--seconds 240]
       [--memory GIB] [--sizes ...] [--precisions ...] [--images ...] [--batches 1,2,4,8,16] [--speed-sizes ...]

FOLDER is what export-graph.mjs wrote. Needs Python packages numpy, onnx, torch (2.0, on the CPU 1.13, or later). Parts:

  compare   the graphs of a VAE with seeded weights: error of the posterior mean and log variance
  overflow  the same of one whose activations are beyond half precision, with and without rescaling
  ceilings  products of large matrices, and a copy, on this device
  speed     torch's own encoder without any of our code: images a second, memory

A part that fails prints its error, and the others go on. Exit code 1: one failed, or an error is larger than accepted.
"""
import argparse
import json
import os
import sys
import time
import traceback

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "graph"))

import comparison  # noqa: E402
from arithmetic import set_arithmetic  # noqa: E402
from encoder import Encoder, Float64Encoder, normalise  # noqa: E402
from onnx_graph import OnnxGraph  # noqa: E402
from speed import TYPES, EncoderSpeed, copy_rate, matrix_rate  # noqa: E402
from weights import read_safetensors  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", help="also writes everything to this file")
    parser.add_argument("--seconds", type=float, default=240, help="nothing is begun later")
    parser.add_argument("--memory", type=float, help="GiB of device memory; default: 90 %% of it")
    for name, default in [
        ("parts", ",".join(PARTS)),
        ("sizes", ""),
        ("precisions", ""),
        ("images", ""),
        ("batches", "1,2,4,8,16"),
        ("speed-sizes", "512x512,1024x1024"),
        ("speed-precisions", "fp16,bf16,tf32,fp32"),
    ]:
        parser.add_argument(f"--{name}", default=default, type=lambda text: [one for one in text.split(",") if one])
    return parser.parse_args()


class Run:
    """What the parts share."""

    def __init__(self, args):
        self.args = args
        self.started = time.monotonic()
        self.device = torch.device(args.device)
        with open(os.path.join(args.folder, "index.json")) as file:
            self.index = json.load(file)
        self.report = {"torch": torch.__version__, "device": self._describe(), "parts": {}}
        self.failed = False

    def _describe(self):
        if self.device.type != "cuda":
            return self.device.type
        properties = torch.cuda.get_device_properties(self.device)
        fraction = 0.9 if self.args.memory is None else self.args.memory * 2**30 / properties.total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, fraction))
        return {
            "name": properties.name,
            "total_bytes": properties.total_memory,
            "multiprocessors": properties.multi_processor_count,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }

    def is_late(self):
        return time.monotonic() - self.started > self.args.seconds

    def path(self, name):
        return os.path.join(self.args.folder, name)

    def vae(self, name):
        return read_safetensors(self.path(f"{name}.safetensors"))

    def free(self):
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def fail(self, what):
        self.failed = True
        print(f"FAILED {what}: {traceback.format_exc(limit=-2).strip()}", flush=True)

    def save(self):
        if self.args.json:
            with open(self.args.json, "w") as file:
                json.dump(self.report, file, indent=1)


def size_name(entry):
    return f"{entry['width']}x{entry['height']}"


def is_asked(value, asked):
    return not asked or value in asked


def right_moments(run, weights, size):
    """Pixels, mean and log variance in float64 of each image of a size, by its kind."""
    encoder = Float64Encoder(weights, run.device)
    moments = {}
    for image in run.index["images"]:
        if size_name(image) != size or not is_asked(image["kind"], run.args.images):
            continue
        shape = (1, image["height"], image["width"], 3)
        pixels = torch.from_numpy(np.fromfile(run.path(image["file"]), np.uint8).reshape(shape)).to(run.device)
        encoder.operations = 0
        moments[image["kind"]] = (pixels, *encoder(normalise(pixels, torch.float64)))
        if encoder.operations != run.index["operations"][size]:
            counted = run.index["operations"][size]
            raise ArithmeticError(f"{encoder.operations} operations, the package counts {counted}")
    return moments


def compare_graphs(run, vae, rows):
    """One row for each graph of a VAE and each image."""
    print("| network | size | image | max abs | rmse | of deviation | torch's own | PSNR | not finite | logvar max abs | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    weights = run.vae(vae)
    all_graphs = [one for one in run.index["graphs"] if one["vae"] == vae]
    graphs = [one for one in all_graphs if is_asked(one["precision"], run.args.precisions)]
    for size in dict.fromkeys(size_name(graph) for graph in graphs):
        if not is_asked(size, run.args.sizes):
            continue
        try:
            right = right_moments(run, weights, size)
        except Exception:
            run.fail(f"the float64 encoder, {size}")
            continue
        run.free()
        for graph in [one for one in graphs if size_name(one) == size]:
            if run.is_late():
                print(f"{size} {graph['precision']}: left out, the time is over")
                continue
            try:
                compare_graph(run, graph, weights, right, rows)
            except Exception:
                run.fail(graph['model'])
            run.free()
            run.save()


def compare_graph(run, graph, weights, right, rows):
    precision = graph["precision"]
    if precision == "tf32" and run.device.type != "cuda":
        print(f"{size_name(graph)} tf32: left out, torch has it on GPUs only")
        return
    set_arithmetic(allow_tf32=graph["allowTf32"])
    own = torch_errors(run, precision, weights, right)
    network = OnnxGraph(run.path(graph["model"]), run.device)
    is_emulated = network.is_emulated and precision in ("fp16", "bf16")
    for kind, (pixels, mean, logvar) in right.items():
        found = comparison.compare(network.run(pixels), mean, logvar)
        if graph["isScaled"]:
            word = comparison.verdict(found, own.get(kind), precision, graph["width"], graph["height"])
        else:
            word = "overflows, as it must" if found["non_finite"] > 0 else "FINITE"
        run.failed |= word in ("BEYOND", "NOT FINITE", "FINITE")
        name = f"{precision}{'' if graph['isScaled'] else ', not rescaled'}{', emulated' if is_emulated else ''}"
        row = {"vae": graph["vae"], "network": name, "size": size_name(graph), "image": kind}
        rows.append({**row, "exponents": graph["exponents"], "verdict": word, **found, "torch": own.get(kind)})
        print(f"| {name} | {size_name(graph)} | {kind} | {cells(found, own.get(kind))} | {word} |", flush=True)


def torch_errors(run, precision, weights, right):
    """What torch's own encoder makes of the same images in that precision; nothing where torch cannot."""
    errors = {}
    try:
        encoder = Encoder(weights, run.device, TYPES[precision])
        for kind, (pixels, mean, logvar) in right.items():
            moments = torch.cat(encoder(normalise(pixels, TYPES[precision])), dim=1)
            errors[kind] = comparison.compare(moments, mean, logvar)
    except RuntimeError as error:
        print(f"torch's own {precision}: {str(error).splitlines()[0]}")
    run.free()
    return errors


def cells(found, own):
    torchs = "–" if own is None else percent(own)
    if found["non_finite"] > 0:
        return f"– | – | – | {torchs} | – | {found['non_finite']} of {found['values']} | –"
    psnr = "exact" if found["psnr_db"] is None else f"{found['psnr_db']:.1f} dB"
    return (
        f"{found['max_abs']:.1e} | {found['rmse']:.1e} | {percent(found)} | {torchs} | {psnr} | "
        f"0 | {found['logvar_max_abs']:.1e}"
    )


def percent(found):
    return "not finite" if found["non_finite"] > 0 else f"{100 * found['rmse_of_deviation']:.4f} %"


def compare(run, rows):
    compare_graphs(run, "seeded", rows)


def overflow(run, rows):
    compare_graphs(run, "overflowing", rows)


def ceilings(run, rows):
    is_small = run.device.type != "cuda"
    for precision in run.args.speed_precisions:
        try:
            found = matrix_rate(run.device, precision, *([(256,)] if is_small else []))
        except Exception:
            run.fail(f"product of matrices, {precision}")
            continue
        rows.append({"what": f"matrix {precision}", **found})
        print(f"{precision} product of {found['side']}² matrices: {found['flops'] / 1e12:.1f} TFLOP/s", flush=True)
        run.free()
    found = copy_rate(run.device, *([2**26] if is_small else []))
    rows.append({"what": "copy", **found})
    print(f"copy on the device: {found['bytes_per_second'] / 1e9:.0f} GB/s, read and written", flush=True)


def speed(run, rows):
    weights = run.vae("seeded")
    rates = {row["what"]: row.get("flops") for row in run.report["parts"].get("ceilings", [])}
    print("| torch | size | batch | ms | images/s | TFLOP/s | of the matrix product's | peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for precision in run.args.speed_precisions:
        try:
            encoder = EncoderSpeed(weights, run.device, precision)
        except Exception:
            run.fail(f"speed of {precision}")
            continue
        for size in run.args.speed_sizes:
            measure_size(run, encoder, precision, size, rates.get(f"matrix {precision}"), rows)
        del encoder
        run.free()
    best = {}
    for row in [one for one in rows if "error" not in one]:
        key = (row["precision"], row["size"])
        if row["images_per_second"] > best.get(key, {"images_per_second": 0})["images_per_second"]:
            best[key] = row
    for (precision, size), row in best.items():
        print(f"best of {precision} at {size}: {row['images_per_second']:.2f} images/s with batches of {row['batch']}")


def measure_size(run, encoder, precision, size, ceiling, rows):
    width, height = map(int, size.split("x"))
    operations = run.index["operations"].get(size)
    for batch in map(int, run.args.batches):
        if run.is_late():
            print(f"{precision} {size} batch {batch}: left out, the time is over")
            continue
        try:
            found = encoder.measure(batch, width, height)
        except Exception as error:
            # most often the memory; smaller batches say enough
            reason = str(error).strip().split("\n")[0]
            rows.append({"precision": precision, "size": size, "batch": batch, "error": reason})
            print(f"| {precision} | {size} | {batch} | not measured: {reason} |", flush=True)
            continue
        flops = None if operations is None else operations * found["images_per_second"]
        rows.append({"precision": precision, "size": size, "flops": flops, **found})
        rate = "–" if flops is None else f"{flops / 1e12:.1f}"
        share = "–" if flops is None or not ceiling else f"{100 * flops / ceiling:.0f} %"
        peak = "–" if found["peak_bytes"] is None else f"{found['peak_bytes'] / 2**20:.0f}"
        print(
            f"| {precision} | {size} | {batch} | {1000 * found['seconds']:.2f} | {found['images_per_second']:.2f} | "
            f"{rate} | {share} | {peak} |",
            flush=True,
        )
        run.save()


PARTS = {"compare": compare, "overflow": overflow, "ceilings": ceilings, "speed": speed}


def main():
    args = arguments()
    torch.set_grad_enabled(False)
    run = Run(args)
    print(f"torch {torch.__version__}, {run.report['device']}", flush=True)
    for name in args.parts:
        print(f"\n## {name}", flush=True)
        began = time.monotonic()
        rows = run.report["parts"].setdefault(name, [])
        try:
            PARTS[name](run, rows)
        except Exception:
            run.fail(name)
        print(f"({time.monotonic() - began:.1f} s)", flush=True)
        run.save()
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
