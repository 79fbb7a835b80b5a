"""Switches of torch that decide what float32 and 16-bit products are on a GPU."""
import torch


def set_arithmetic(allow_tf32=False):
    """Sums of 16-bit products are float32, as TensorRT's in a strongly typed network."""
    if not torch.cuda.is_available():
        return
    torch.backends.cuda.matmul.allow_tf32 = allow_tf32
    torch.backends.cudnn.allow_tf32 = allow_tf32
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
