"""Runs an ONNX model operator by operator on torch, in the types that the model says.

On a GPU, 16-bit products go to its tensor cores. torch has none for the CPU: there, what has a 16-bit type is computed
in float32 and rounded once, operator by operator.
"""
import os

import onnx
import torch
import torch.nn.functional as F
from onnx import helper

from weights import ELEMENTS, tensor_of

NARROW = (torch.float16, torch.bfloat16)
# they move values or change their type
EXACT = {"Cast", "Identity", "Transpose", "Reshape", "Slice", "Concat"}


class OnnxGraph:
    def __init__(self, path, device):
        model = onnx.load(path, load_external_data=False)
        # an older package would judge by older rules
        if model.opset_import[0].version <= onnx.defs.onnx_opset_version():
            onnx.checker.check_model(path)
        graph = model.graph
        self.device = torch.device(device)
        self.is_emulated = self.device.type == "cpu"
        self.nodes = [(node, {a.name: helper.get_attribute_value(a) for a in node.attribute}) for node in graph.node]
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self.constants, self.integers = {}, {}
        for name, tensor in self._initializers(os.path.dirname(path), graph.initializer):
            # shapes and bounds stay where they are read
            if tensor.dtype == torch.int64:
                self.integers[name] = tensor.tolist()
            else:
                self.constants[name] = tensor.to(self.device)
        self.last_use = {name: at for at, (node, _) in enumerate(self.nodes) for name in node.input}

    @staticmethod
    def _initializers(folder, initializers):
        files = {}
        for tensor in initializers:
            data = tensor.raw_data
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                where = {entry.key: entry.value for entry in tensor.external_data}
                name = where["location"]
                if name not in files:
                    with open(os.path.join(folder, name), "rb") as file:
                        files[name] = memoryview(file.read())
                offset = int(where["offset"])
                data = files[name][offset : offset + int(where["length"])]
            yield tensor.name, tensor_of(data, tensor.data_type, list(tensor.dims))

    def run(self, pixels):
        """(N, H, W, 3) uint8 → the graph's output."""
        values = {**self.constants, self.input: pixels.to(self.device)}
        for at, (node, attributes) in enumerate(self.nodes):
            # integers are arguments, no operands
            operands = [values.get(name) for name in node.input]
            integers = [self.integers.get(name) for name in node.input]
            values[node.output[0]] = self._apply(node, operands, integers, attributes)
            for name in node.input:
                if self.last_use[name] == at and name not in self.constants:
                    values.pop(name, None)
        return values[self.output]

    def _apply(self, node, operands, integers, attributes):
        operator = node.op_type
        tensors = [tensor for tensor in operands if tensor is not None]
        types = {tensor.dtype for tensor in tensors}
        if len(types) != 1:
            raise TypeError(f"{operator} {node.name} mixes {types}")
        (dtype,) = types
        if self.is_emulated and dtype in NARROW and operator not in EXACT:
            operands = [None if tensor is None else tensor.float() for tensor in operands]
            return OPERATORS[operator](operands, integers, attributes).to(dtype)
        result = OPERATORS[operator](operands, integers, attributes)
        wanted = ELEMENTS[attributes["to"]][0] if operator == "Cast" else dtype
        if result.dtype != wanted:
            raise TypeError(f"{operator} {node.name} is {result.dtype}, expected {wanted}")
        return result


def convolution(operands, _, attributes):
    x, weight, bias = operands
    top, left, bottom, right = attributes["pads"]
    if (top, left) != (bottom, right):
        x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
    return F.conv2d(x, weight, bias, stride=attributes["strides"], padding=(top, left))


def instance_normalization(operands, _, attributes):
    x, scale, bias = operands
    axes = list(range(2, x.dim()))
    variance, mean = torch.var_mean(x, dim=axes, unbiased=False, keepdim=True)
    shape = [1, -1] + [1] * len(axes)
    return (x - mean) * torch.rsqrt(variance + attributes["epsilon"]) * scale.reshape(shape) + bias.reshape(shape)


def reshape(operands, integers, _):
    x, sides = operands[0], integers[1]
    return x.reshape([x.shape[at] if side == 0 else side for at, side in enumerate(sides)])


def cut(operands, integers, _):
    _, (begin,), (end,), (axis,) = integers
    return operands[0].narrow(axis, begin, end - begin)


OPERATORS = {
    "Cast": lambda x, _, a: x[0].to(ELEMENTS[a["to"]][0]),
    "Identity": lambda x, _, a: x[0],
    "Abs": lambda x, _, a: x[0].abs(),
    "Sigmoid": lambda x, _, a: torch.sigmoid(x[0]),
    "Add": lambda x, _, a: x[0] + x[1],
    "Sub": lambda x, _, a: x[0] - x[1],
    "Mul": lambda x, _, a: x[0] * x[1],
    "Div": lambda x, _, a: x[0] / x[1],
    "Conv": convolution,
    "InstanceNormalization": instance_normalization,
    "Softmax": lambda x, _, a: torch.softmax(x[0], dim=a["axis"]),
    "MatMul": lambda x, _, a: x[0] @ x[1],
    "Transpose": lambda x, _, a: x[0].permute(*a["perm"]),
    "Reshape": reshape,
    "Slice": cut,
    "Concat": lambda x, _, a: torch.cat(x, dim=a["axis"]),
    "ReduceMax": lambda x, i, a: x[0].amax(dim=i[1], keepdim=bool(a["keepdims"])),
}
