"""Tensors out of files."""
import json
import struct

import numpy as np
import torch

# TensorProto.DataType of onnx.proto: the type, and one of the same width that numpy knows
ELEMENTS = {
    1: (torch.float32, np.float32),
    2: (torch.uint8, np.uint8),
    7: (torch.int64, np.int64),
    10: (torch.float16, np.float16),
    16: (torch.bfloat16, np.int16),
}


def tensor_of(data, element, shape):
    """Little-endian bytes in row-major order; they are copied."""
    dtype, same_width = ELEMENTS[element]
    values = torch.from_numpy(np.frombuffer(data, same_width).copy())
    return (values.view(dtype) if values.dtype != dtype else values).reshape(shape)


def read_safetensors(path):
    """float32 tensors by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{name} is {entry['dtype']}, expected F32")
        begin, end = entry["data_offsets"]
        tensors[name] = tensor_of(data[begin:end], 1, entry["shape"])
    return tensors
