"""Answers each line of JSON on stdin, {model, image, height, width}, with the output of that graph in float32.

Called by graph-runner.mjs. Usage: run_graphs.py DEVICE
"""
import json
import sys

import numpy as np
import torch

from arithmetic import set_arithmetic
from onnx_graph import OnnxGraph


def main():
    torch.set_grad_enabled(False)
    set_arithmetic()
    device = sys.argv[1]
    model = graph = None
    for line in sys.stdin:
        order = json.loads(line)
        if order["model"] != model:
            model, graph = order["model"], None
            graph = OnnxGraph(model, device)
        pixels = np.fromfile(order["image"], np.uint8).reshape(1, order["height"], order["width"], 3)
        print(json.dumps(graph.run(torch.from_numpy(pixels)).flatten().tolist()), flush=True)


main()
