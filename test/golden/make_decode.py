"""Small images of many kinds, and what Pillow's convert("RGB") and convert("RGBA") make of them.

Independent source: Pillow (Debian's python3-pil). Run: /usr/bin/python3 test/golden/make_decode.py
Writes test/golden/data/decode/*.* and decode.json beside them.
"""
import base64
import json
import pathlib
import struct
import zlib

import numpy
from PIL import Image, PngImagePlugin
import PIL

FOLDER = pathlib.Path(__file__).parent / "data" / "decode"
WIDTH, HEIGHT = 21, 13


def noise(channels, dtype=numpy.uint8):
    top = numpy.iinfo(dtype).max
    random = numpy.random.RandomState(channels * 7 + top % 97)
    return random.randint(0, top + 1, (HEIGHT, WIDTH, channels), dtype=numpy.int64).astype(dtype)


def smooth():
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    return numpy.stack([x * 12, y * 19, (x + y) * 7], axis=2).astype(numpy.uint8)


def bmp(bits, rows, palette=b"", compression=0, masks=b"", top_down=False, header_bytes=40):
    """A bitmap by hand: Pillow writes few of the variants that it reads."""
    height = -HEIGHT if top_down else HEIGHT
    offset = 14 + header_bytes + len(palette) + (len(masks) if header_bytes == 40 else 0)
    data = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    info = struct.pack("<IiiHHIIiiII", header_bytes, WIDTH, height, 1, bits, compression, len(data), 2835, 2835, 0, 0)
    extra = masks + b"\0" * (header_bytes - 40 - len(masks)) if header_bytes > 40 else masks
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + extra + palette + data


def make_bitmaps():
    colours = noise(3)
    palette = b"".join(bytes([3 * i % 256, 5 * i % 256, 7 * i % 256, 0]) for i in range(256))
    indices = noise(1)[:, :, 0]
    words = noise(1, numpy.uint16)[:, :, 0]
    quads = noise(4)
    bits = numpy.packbits(indices & 1, axis=1)
    nibbles = ((numpy.pad(indices, ((0, 0), (0, 1))) & 15)[:, 0::2] << 4) | (numpy.pad(indices, ((0, 0), (0, 1))) & 15)[:, 1::2]
    rle = b"".join(b"".join(bytes([1, v]) for v in row) + b"\0\0" for row in indices) + b"\0\1"
    return {
        "24.bmp": bmp(24, [row.tobytes() for row in colours]),
        "24-top-down.bmp": bmp(24, [row.tobytes() for row in colours], top_down=True),
        "32.bmp": bmp(32, [row.tobytes() for row in quads]),
        "32-alpha.bmp": bmp(32, [row.tobytes() for row in quads], compression=3, header_bytes=108,
                            masks=struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        "16-555.bmp": bmp(16, [row.tobytes() for row in words]),
        "16-565.bmp": bmp(16, [row.tobytes() for row in words], compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)),
        "8.bmp": bmp(8, [row.tobytes() for row in indices], palette),
        "8-rle.bmp": bmp(8, [rle], palette, compression=1),
        "4.bmp": bmp(4, [row.tobytes() for row in nibbles.astype(numpy.uint8)], palette[:64]),
        "1.bmp": bmp(1, [row.tobytes() for row in bits], palette[:8]),
    }


def png(depth, kind, rows, *chunks):
    """A PNG by hand: Pillow writes neither 16-bit colours nor colour keys."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = b"".join(chunk(name, data) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def make_pngs():
    wide = [noise(channels, numpy.uint16).astype(">u2") for channels in (1, 2, 3, 4)]
    colours, indices = noise(3), noise(1)[:, :, 0]
    colours[4:7, 5:9] = (10, 20, 30)
    wide[2][4:7, 5:9] = (0x0A0B, 0x1415, 0x1E1F)
    wide[2][8, 5:9] = (0x0A0B, 0x1415, 0x1E20)  # the key in its upper bytes only
    wide[0][4:7, 5:9] = 0x0A0B
    nibbles = numpy.pad(indices & 15, ((0, 0), (0, 1)))
    nibbles = (nibbles[:, 0::2] << 4 | nibbles[:, 1::2]).astype(numpy.uint8)
    bits = numpy.packbits(indices & 1, axis=1)
    palette = b"".join(bytes([3 * i % 256, 5 * i % 256, 7 * i % 256]) for i in range(256))
    key = struct.pack
    yield "rgb16.png", png(16, 2, [row.tobytes() for row in wide[2]])
    yield "rgba16.png", png(16, 6, [row.tobytes() for row in wide[3]])
    yield "grey-alpha16.png", png(16, 4, [row.tobytes() for row in wide[1]])
    yield "grey16-key.png", png(16, 0, [row.tobytes() for row in wide[0]], (b"tRNS", key(">H", 0x0A0B)))
    yield "rgb16-key.png", png(16, 2, [row.tobytes() for row in wide[2]], (b"tRNS", key(">HHH", 0x0A0B, 0x1415, 0x1E1F)))
    yield "rgb-key.png", png(8, 2, [row.tobytes() for row in colours], (b"tRNS", key(">HHH", 10, 20, 30)))
    yield "grey-key.png", png(8, 0, [row.tobytes() for row in indices], (b"tRNS", key(">H", int(indices[3, 3]))))
    yield "bit-key.png", png(1, 0, [row.tobytes() for row in bits], (b"tRNS", key(">H", 1)))
    yield "grey4.png", png(4, 0, [row.tobytes() for row in nibbles])
    yield "grey4-key.png", png(4, 0, [row.tobytes() for row in nibbles], (b"tRNS", key(">H", 3)))
    yield "palette4-alpha.png", png(4, 3, [row.tobytes() for row in nibbles], (b"PLTE", palette[:48]), (b"tRNS", bytes([0, 99, 255, 7])))
    yield "palette8-alpha.png", png(8, 3, [row.tobytes() for row in indices], (b"PLTE", palette), (b"tRNS", bytes(range(200))))
    yield "bit-key-0.png", png(1, 0, [row.tobytes() for row in bits], (b"tRNS", key(">H", 0)))
    yield "grey4-key-0.png", png(4, 0, [row.tobytes() for row in nibbles], (b"tRNS", key(">H", 0)))
    yield "rgb16-key-of-low-bytes.png", png(16, 2, [row.tobytes() for row in wide[2]], (b"tRNS", key(">HHH", 10, 20, 30)))
    yield "palette1-one-clear.png", png(1, 3, [row.tobytes() for row in bits], (b"PLTE", palette[:6]), (b"tRNS", b"\xff\0"))


def make_others():
    ImageOf = Image.fromarray
    palette = ImageOf(smooth()).quantize(12)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = b"\0" * 128
    yield "plain.jpg", ImageOf(smooth()), {"quality": 90}
    yield "grey.jpg", ImageOf(smooth()).convert("L"), {}
    yield "cmyk.jpg", ImageOf(noise(4), "CMYK"), {"quality": 95}
    yield "rotated.jpg", ImageOf(smooth()), {"exif": exif.tobytes()}
    yield "progressive.jpg", ImageOf(smooth()), {"progressive": True}
    yield "rgb.png", ImageOf(noise(3)), {}
    yield "rgba.png", ImageOf(noise(4)), {}
    yield "grey.png", ImageOf(noise(1)[:, :, 0]), {}
    yield "grey-alpha.png", ImageOf(noise(2), "LA"), {}
    yield "bit.png", ImageOf(noise(1)[:, :, 0]).convert("1"), {}
    yield "palette.png", palette, {}
    yield "palette-alpha.png", palette, {"transparency": bytes(range(0, 240, 20))}
    yield "grey16.png", ImageOf(noise(1, numpy.uint16)[:, :, 0] >> 7), {}
    yield "lossless.webp", ImageOf(noise(4)), {"lossless": True, "exact": True}
    yield "lossy-alpha.webp", ImageOf(numpy.dstack([smooth(), noise(1)])), {"quality": 80, "exact": True}
    yield "grey-progressive.jpg", ImageOf(smooth()).convert("L"), {"progressive": True}
    yield "palette.gif", palette, {}
    yield "lossy.webp", ImageOf(smooth()), {"quality": 80}


def expected(file, mode):
    with Image.open(file) as image:
        return base64.b64encode(numpy.array(image.convert(mode), numpy.uint8).tobytes()).decode()


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in make_bitmaps().items():
        (FOLDER / name).write_bytes(data)
    for name, data in make_pngs():
        (FOLDER / name).write_bytes(data)
    for name, image, options in make_others():
        image.save(FOLDER / name, **options)
    whole = (FOLDER / "plain.jpg").read_bytes()
    (FOLDER / "cut.jpg").write_bytes(whole[: len(whole) * 9 // 10])
    (FOLDER / "no-end.jpg").write_bytes(whole[:-2])
    result = {"made_with": PIL.__version__, "files": {}}
    for file in sorted(FOLDER.iterdir()):
        if file.suffix == ".json":
            continue
        try:
            result["files"][file.name] = {"rgb": expected(file, "RGB"), "rgba": expected(file, "RGBA")}
        except (OSError, ValueError) as error:
            result["files"][file.name] = {"refused": type(error).__name__}
    (FOLDER / "decode.json").write_text(json.dumps(result, indent=1) + "\n")


main()
