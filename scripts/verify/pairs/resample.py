"""What OpenCV and Pillow do to pixels, in numpy, from the format note ("Resampler details") and their documented kernels."""

import math

import numpy as np


def area(image, size):
    """OpenCV's INTER_AREA, (height, width, channels) uint8, both sides shrink or stay."""
    height, width = image.shape[:2]
    if width % size[0] == 0 and height % size[1] == 0:
        across, down = width // size[0], height // size[1]
        sums = image.astype(np.int64).reshape(size[1], down, size[0], across, -1).sum((1, 3))
        if (across, down) == (2, 2):
            return ((sums + 2) >> 2).astype(np.uint8)
        return rounded(sums * np.float64(np.float32(1 / (across * down))))
    rows = area_weights(width, size[0])
    columns = area_weights(height, size[1])
    wide = np.einsum("ij,kjc->kic", rows, image.astype(np.float32))
    return rounded(np.einsum("ij,jkc->ikc", columns, wide))


def area_weights(source, target):
    scale = source / target
    weights = np.zeros((target, source), np.float32)
    for index in range(target):
        start, end = index * scale, index * scale + scale
        cell = min(scale, source - start)
        first, last = math.ceil(start), min(math.floor(end), source - 1)
        first = min(first, last)
        if first - start > 1e-3:
            weights[index, first - 1] += (first - start) / cell
        weights[index, first:last] += 1 / cell
        if end - last > 1e-3:
            weights[index, last] += min(end - last, 1, cell) / cell
    return weights


def rounded(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


def bicubic(x):
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


KERNELS = {"lanczos": (lanczos, 3.0), "bicubic": (bicubic, 2.0)}


def pillow(image, size, kernel):
    """Pillow's resize of (height, width, channels) uint8, across first, each pass to whole numbers; a pass that changes no size is left out."""
    if image.shape[1] != size[0]:
        image = pillow_pass(image.transpose(1, 0, 2), size[0], *KERNELS[kernel]).transpose(1, 0, 2)
    if image.shape[0] != size[1]:
        image = pillow_pass(image, size[1], *KERNELS[kernel])
    return image


def pillow_pass(image, target, kernel, support):
    source = image.shape[0]
    scale = source / target
    stretch = max(scale, 1.0)
    result = np.empty((target, *image.shape[1:]), np.uint8)
    for index in range(target):
        centre = (index + 0.5) * scale
        first = max(math.trunc(centre - support * stretch + 0.5), 0)
        last = min(math.trunc(centre + support * stretch + 0.5), source)
        taps = kernel((np.arange(first, last) - centre + 0.5) / stretch)
        taps = taps / taps.sum() * (1 << 22)
        whole = np.trunc(taps + np.copysign(0.5, taps)).astype(np.int64)
        sums = np.tensordot(whole, image[first:last].astype(np.int64), 1)
        result[index] = np.clip((sums + (1 << 21)) >> 22, 0, 255)
    return result


def pillow_rgba(image, size, kernel):
    """RGBA is premultiplied for the resize, and divided again."""
    if (image.shape[1], image.shape[0]) == tuple(size):
        return image
    alpha = image[..., 3:].astype(np.int64)
    product = image[..., :3] * alpha + 128
    weighted = ((product >> 8) + product) >> 8
    small = pillow(np.concatenate([weighted, alpha], 2).astype(np.uint8), size, kernel).astype(np.int64)
    colour, alpha = small[..., :3], small[..., 3:]
    divided = np.clip(255 * colour // np.maximum(alpha, 1), 0, 255)
    plain = (alpha == 0) | (alpha == 255)
    return np.concatenate([np.where(plain, colour, divided), alpha], 2).astype(np.uint8)


def upright(image, orientation):
    """EXIF orientation 1 to 8."""
    turned = image.transpose(1, 0, 2) if orientation >= 5 else image
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    return turned
