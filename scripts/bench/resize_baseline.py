"""Times OpenCV's and Pillow's resampling on the cases of resize.mjs, one thread. Prints one JSON object."""
import hashlib
import json
import sys
import time

import cv2
import numpy
import PIL
from PIL import Image

OPENCV = {
    "area": cv2.INTER_AREA,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "nearest": cv2.INTER_NEAREST_EXACT,
}
PILLOW = {"lanczos": Image.LANCZOS, "box": Image.BOX, "pillow-bicubic": Image.BICUBIC}


def random_bytes(count):
    x = numpy.arange(1, count + 1, dtype=numpy.uint32) * numpy.uint32(0x9E3779B1)
    x = (x ^ (x >> 15)) * numpy.uint32(0x85EBCA77)
    return (x >> 24).astype(numpy.uint8)


def measure(interpolation, width, height, to_width, to_height, channels):
    pixels = random_bytes(width * height * channels).reshape(height, width, channels)
    image = Image.fromarray(pixels)
    times = []
    for _ in range(int(sys.argv[2])):
        begun = time.perf_counter()
        if interpolation in OPENCV:
            result = cv2.resize(pixels, (to_width, to_height), interpolation=OPENCV[interpolation])
        else:
            result = image.resize((to_width, to_height), PILLOW[interpolation])
        times.append((time.perf_counter() - begun) * 1000)
    result = numpy.asarray(result)
    digest = hashlib.sha256(numpy.ascontiguousarray(result[:, :, :3]).tobytes())
    if channels == 4:
        digest.update(numpy.ascontiguousarray(result[:, :, 3]).tobytes())
    return {"milliseconds": sorted(times)[len(times) // 2], "sha256": digest.hexdigest()}


cv2.setNumThreads(1)
results = [measure(*case) for case in json.loads(sys.argv[1])]
print(json.dumps({"results": results, "versions": f"OpenCV {cv2.__version__}, Pillow {PIL.__version__}"}))
