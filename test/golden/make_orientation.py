"""Which way up Pillow turns images, and into what: test/golden/data/orientation.json.

Independent source: PIL.ImageOps.exif_transpose (Debian's python3-pil). Files are kept in base64, for a test writes
them. Newer releases than Debian's also look at the XMP block of JPEG and WebP files; for them the block is put where
Debian's release looks, so that its own code judges it.

Run: /usr/bin/python3 test/golden/make_orientation.py
"""
import base64
import io
import json
import pathlib
import struct
import warnings
import zlib

import numpy
import PIL
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parent / "data" / "orientation.json"
WIDTH, HEIGHT = 7, 4
TRANSPOSES = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # numbers of Image.Transpose
XMP_TEXT = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description %s</rdf:RDF></x:xmpmeta>'


def picture(width=WIDTH, height=HEIGHT, channels=3):
    random = numpy.random.RandomState(width * 31 + height + channels)
    return Image.fromarray(random.randint(0, 256, (height, width, channels)).astype(numpy.uint8))


def entry(order, tag, kind, count, value):
    return struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")


def exif(entries, order="<", magic=None, extra=b"", count=None):
    """A TIFF block with one directory at byte 8; `entries` make bytes of the byte order and of where `extra` lies."""
    head = magic or (b"II*\0" if order == "<" else b"MM\0*")
    extra_at = 8 + 2 + 12 * len(entries) + 4
    body = b"".join(make(order, extra_at) for make in entries)
    return head + struct.pack(order + "IH", 8, len(entries) if count is None else count) + body + b"\0\0\0\0" + extra


def short(value, tag=0x0112, count=1):
    return lambda order, _: entry(order, tag, 3, count, struct.pack(order + "H", value))


def packed(kind, code, *values, count=1):
    return lambda order, _: entry(order, 0x0112, kind, count, struct.pack(order + code, *values))


def elsewhere(kind, count, tag=0x0112, move=0):
    return lambda order, at: entry(order, tag, kind, count, struct.pack(order + "I", at + move))


ODD_BLOCKS = {
    "big-endian": exif([short(6)], ">"),
    "swapped magic": exif([short(6)], "<", b"II\0*"),
    "wrong magic": exif([short(6)], "<", b"II+\1"),
    "no TIFF header": b"nothing of the kind",
    "shorter than a header": b"II*",
    "empty directory": exif([]),
    "another tag only": exif([short(6, 0x0100)]),
    "zero": exif([short(0)]),
    "nine": exif([short(9)]),
    "large": exif([short(65535)]),
    "as BYTE": exif([packed(1, "B", 6)]),
    "as ASCII": exif([packed(2, "2s", b"6\0", count=2)]),
    "as LONG": exif([packed(4, "I", 6)]),
    "as SBYTE": exif([packed(6, "b", 6)]),
    "as UNDEFINED": exif([packed(7, "B", 6)]),
    "as SSHORT": exif([packed(8, "h", 6)]),
    "as negative SSHORT": exif([packed(8, "h", -6)]),
    "as SLONG": exif([packed(9, "i", 6)]),
    "as FLOAT": exif([packed(11, "f", 6.0)]),
    "as FLOAT between": exif([packed(11, "f", 6.5)]),
    "as IFD": exif([packed(13, "I", 6)]),
    "as unknown type": exif([packed(99, "I", 6)]),
    "as RATIONAL": exif([elsewhere(5, 1)], extra=struct.pack("<II", 12, 2)),
    "as RATIONAL between": exif([elsewhere(5, 1)], extra=struct.pack("<II", 13, 2)),
    "as RATIONAL over zero": exif([elsewhere(5, 1)], extra=struct.pack("<II", 6, 0)),
    "as SRATIONAL": exif([elsewhere(10, 1)], ">", extra=struct.pack(">ii", -12, -2)),
    "as DOUBLE": exif([elsewhere(12, 1)], extra=struct.pack("<d", 6.0)),
    "no values": exif([short(6, count=0)]),
    "two values": exif([packed(3, "HH", 6, 8, count=2)]),
    "three values": exif([elsewhere(3, 3)], extra=struct.pack("<HHH", 8, 6, 3)),
    "twice": exif([short(6), short(8)]),
    "twice, then none": exif([short(6), short(0)]),
    "behind a value outside": exif([elsewhere(2, 30, 0x010F, 5000), short(6)]),
    "before a value outside": exif([short(6), elsewhere(2, 30, 0x0131, 5000)]),
    "count too large": exif([short(6)], count=40),
    "cut in its entry": exif([short(6)])[:18],
    "cut before the next directory": exif([short(6)])[:-4],
    "directory outside": b"II*\0" + struct.pack("<I", 9999) + exif([short(6)])[8:],
}
XMP = {
    "attribute": XMP_TEXT % 'tiff:Orientation="6"/>',
    "element": XMP_TEXT % "><tiff:Orientation>8</tiff:Orientation></rdf:Description>",
    "quote of another kind": XMP_TEXT % "tiff:Orientation='6'/>",
    "nine": XMP_TEXT % 'tiff:Orientation="9"/>',
    "two": XMP_TEXT % 'tiff:Orientation="3" tiff:Orientation="6"/>',
}


def jpeg_segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments, image=None):
    data = io.BytesIO()
    (image or picture()).save(data, "JPEG", quality=95, subsampling=0)
    whole = data.getvalue()
    return whole[:20] + b"".join(segments) + whole[20:]  # behind JFIF


def exif_segment(block):
    return jpeg_segment(0xE1, b"Exif\0\0" + block)


def xmp_segment(text):
    return jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text.encode())


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks, late=(), image=None):
    data = io.BytesIO()
    (image or picture()).save(data, "PNG")
    whole = data.getvalue()
    end = whole.rindex(b"IEND") - 4
    return whole[:33] + b"".join(chunks) + whole[33:end] + b"".join(late) + whole[end:]


def png_xmp(text):
    return png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text.encode())


def raw_profile(block):
    digits = (b"Exif\0\0" + block).hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return f"\nexif\n{len(digits) // 2:8}\n{lines}\n"


def png_raw_profile(text):
    return png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text.encode("latin-1")))


def webp(block=b"", xmp="", image=None):
    data = io.BytesIO()
    (image or picture()).save(data, "WEBP", lossless=True, exact=True, exif=block, xmp=xmp)
    return data.getvalue()


def tiff(orientation):
    data = io.BytesIO()
    picture().save(data, "TIFF", tiffinfo={0x0112: orientation})
    return data.getvalue()


def files():
    for value in range(1, 9):
        block = exif([short(value)])
        yield f"{value}.jpg", jpeg(exif_segment(block)), ""
        yield f"{value}.png", png(png_chunk(b"eXIf", block)), ""
        yield f"{value}-alpha.png", png(png_chunk(b"eXIf", block), image=picture(channels=4)), ""
        yield f"{value}.webp", webp(block), ""
    yield "with-exif-mark.png", png(png_chunk(b"eXIf", b"Exif\0\0" + exif([short(6)]))), ""
    yield "with-exif-mark.webp", webp(b"Exif\0\0" + exif([short(6)])), ""
    for name, block in ODD_BLOCKS.items():
        yield f"{name}.jpg", jpeg(exif_segment(block)), ""
    for name in ("as RATIONAL", "nine", "no TIFF header", "behind a value outside"):
        yield f"{name}.png", png(png_chunk(b"eXIf", ODD_BLOCKS[name])), ""
        yield f"{name}.webp", webp(ODD_BLOCKS[name]), ""
    yield "first of two blocks.jpg", jpeg(exif_segment(exif([short(6)])), exif_segment(exif([short(3)]))), ""
    yield "block before JFIF.jpg", (lambda j: j[:2] + exif_segment(exif([short(6)])) + j[2:])(jpeg()), ""
    yield "plain.jpg", jpeg(), ""
    for name, text in XMP.items():
        yield f"xmp {name}.jpg", jpeg(xmp_segment(text)), text
        yield f"xmp {name}.png", png(png_xmp(text)), ""
        yield f"xmp {name}.webp", webp(xmp=text), text
    turned = XMP["attribute"]
    for name, block in (("8", exif([short(8)])), ("9", exif([short(9)])), ("without", exif([short(6, 0x0100)]))):
        yield f"xmp beside exif {name}.jpg", jpeg(exif_segment(block), xmp_segment(turned)), turned
        yield f"xmp beside exif {name}.png", png(png_chunk(b"eXIf", block), png_xmp(turned)), ""
    yield "xmp beside bad exif.jpg", jpeg(exif_segment(b"nothing"), xmp_segment(turned)), turned
    yield "late exif.png", png(late=[png_chunk(b"eXIf", exif([short(6)]))]), ""
    yield "late xmp.png", png(late=[png_xmp(turned)]), ""
    yield "raw profile.png", png(png_raw_profile(raw_profile(exif([short(6)])))), ""
    yield "raw profile that is none.png", png(png_raw_profile("\nexif\n 4\nzz\n")), ""
    yield "raw profile and exif.png", png(png_raw_profile(raw_profile(exif([short(6)]))), png_chunk(b"eXIf", exif([short(3)]))), ""


def judged(data, xmp):
    """The transpose that exif_transpose did, told by its pixels; 1 where it raises."""
    image = Image.open(io.BytesIO(data))
    image.load()
    if xmp:
        image.info["XML:com.adobe.xmp"] = xmp
        image._exif = None  # JPEG's reader has asked for it once, for the density
    try:
        upright = ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, struct.error):
        return 1, image
    results = {1: image, **{value: image.transpose(method) for value, method in TRANSPOSES.items()}}
    same = [value for value, result in results.items() if result.size == upright.size and result.tobytes() == upright.tobytes()]
    assert len(same) == 1, same
    return same[0], upright


def main():
    warnings.simplefilter("ignore")
    result = {"made_with": PIL.__version__, "files": {}}
    cases = [(name, data, *judged(data, xmp)) for name, data, xmp in files()]
    # Debian's Pillow turns TIFF pixels as they are loaded and again in exif_transpose; newer ones turn them once.
    cases += [(f"{value}.tiff", tiff(value), value, picture().transpose(TRANSPOSES[value])) for value in (3, 6, 8)]
    for name, data, orientation, upright in cases:
        result["files"][name] = {
            "file": base64.b64encode(data).decode(),
            "orientation": orientation,
            "size": upright.size,
            "upright": base64.b64encode(upright.convert("RGBA").tobytes()).decode() if name[0].isdigit() else None,
        }
    OUT.write_text(json.dumps(result, indent=0) + "\n")


if __name__ == "__main__":
    main()
