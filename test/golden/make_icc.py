"""Images with embedded ICC profiles, and what littleCMS makes of them in sRGB: test/golden/data/icc.json.

Independent source: PIL.ImageCms.profileToProfile (Debian's python3-pil), perceptual intent, to its own sRGB profile.
The profiles are made here; each is a few hundred bytes. Run: /usr/bin/python3 test/golden/make_icc.py
"""
import base64
import io
import json
import pathlib
import struct
import zlib

import numpy
import PIL
from PIL import Image, ImageCms

OUT = pathlib.Path(__file__).parent / "data" / "icc.json"
WIDTH, HEIGHT = 24, 16
D50 = (0.9642, 1.0, 0.8249)
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))


def fixed(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(values):
    return b"XYZ \0\0\0\0" + fixed(*values)


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def srgb_curve():
    """Parametric curve of type 3, as version 4 profiles have it."""
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(kind, space, connection, tags, version=0x02400000):
    table = struct.pack(">I", len(tags))
    data = b""
    at = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name.encode() + struct.pack(">II", at + len(data), len(content))
        data += content
    size = at + len(data)
    head = struct.pack(">I4sI4s4s4s", size, b"", version, kind, space, connection)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + fixed(*D50)
    return head.ljust(128, b"\0") + table + data


def text(value):
    return b"desc\0\0\0\0" + struct.pack(">I", len(value) + 1) + value.encode() + b"\0" * 79


def rgb_profile(primaries, curve, version=0x02400000):
    tags = {"desc": text("test"), "wtpt": xyz(D50)}
    tags |= {f"{name}XYZ": xyz(values) for name, values in zip("rgb", primaries)}
    tags |= {f"{name}TRC": curve for name in "rgb"}
    return profile(b"mntr", b"RGB ", b"XYZ ", tags, version)


def grey_profile(curve):
    return profile(b"mntr", b"GRAY", b"XYZ ", {"desc": text("test"), "wtpt": xyz(D50), "kTRC": curve})


def lab_of(rgb):
    linear = numpy.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    ratios = linear @ numpy.array(SRGB_PRIMARIES) / numpy.array(D50)
    x, y, z = numpy.where(ratios > 216 / 24389, numpy.cbrt(ratios), (24389 / 27 * ratios + 16) / 116).T
    return numpy.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def cmyk_profile():
    """Inks on paper, roughly, in a table of three steps each."""
    steps = numpy.array([0.0, 0.5, 1.0])
    c, m, y, k = (axis.reshape(-1, 1) for axis in numpy.meshgrid(steps, steps, steps, steps, indexing="ij"))
    rgb = 1 - c * (0.95, 0.35, 0.1)
    rgb = rgb * (1 - m * (0.1, 0.9, 0.4)) * (1 - y * (0.02, 0.08, 0.9)) * (1 - k * 0.92)
    lab = lab_of(rgb)
    codes = numpy.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=1)
    codes = numpy.clip(numpy.round(codes), 0, 65535).astype(">u2")
    table = b"mft2\0\0\0\0" + bytes([4, 3, 3, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    table += struct.pack(">2H", 0, 65535) * 4 + codes.tobytes() + struct.pack(">2H", 0, 65535) * 3
    return profile(b"prtr", b"CMYK", b"Lab ", {"desc": text("test"), "wtpt": xyz(D50), "A2B0": table})


def smooth(channels):
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 11, y * 17, (x + y) * 6, 255 - x * 3, x * y % 256]
    return numpy.stack(planes[:channels], axis=2).astype(numpy.uint8)


def noise(channels):
    return numpy.random.RandomState(channels).randint(0, 256, (HEIGHT, WIDTH, channels)).astype(numpy.uint8)


def saved(image, kind, icc, **options):
    data = io.BytesIO()
    image.save(data, kind, icc_profile=icc, **options)
    return data.getvalue()


def png16(icc):
    """16-bit colours, whose upper bytes are noise."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    wide = (noise(3).astype(">u2") << 8 | noise(4)[:, :, :3]).astype(">u2")
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    chunks = chunk(b"IHDR", header) + chunk(b"iCCP", b"p\0\0" + zlib.compress(icc)) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b"")


def grey16(icc):
    image = Image.fromarray((noise(1)[:, :, 0].astype(numpy.uint16) << 1))
    return saved(image, "PNG", icc)


def good():
    image = Image.fromarray
    p3, adobe = rgb_profile(P3, srgb_curve(), 0x04300000), rgb_profile(ADOBE, gamma(2.19921875))
    yield "p3.jpg", saved(image(smooth(3)), "JPEG", p3, quality=95)
    yield "p3.png", saved(image(noise(3)), "PNG", p3)
    yield "adobe.png", saved(image(noise(3)), "PNG", adobe)
    yield "adobe.webp", saved(image(noise(3)), "WEBP", adobe, lossless=True)
    yield "adobe.tiff.jpg", saved(image(noise(3)), "TIFF", adobe)
    yield "srgb.png", saved(image(noise(3)), "PNG", rgb_profile(SRGB_PRIMARIES, srgb_curve(), 0x04300000))
    yield "linear.png", saved(image(noise(3)), "PNG", rgb_profile(SRGB_PRIMARIES, gamma(1.0)))
    yield "p3-alpha.png", saved(image(noise(4)), "PNG", p3)
    yield "p3-palette.png", saved(image(smooth(3)).quantize(12), "PNG", p3)
    yield "p3-16-bit.png", png16(p3)
    yield "grey.jpg", saved(image(smooth(3)).convert("L"), "JPEG", grey_profile(gamma(1.8)), quality=95)
    yield "grey.png", saved(image(noise(1)[:, :, 0]), "PNG", grey_profile(gamma(1.0)))
    yield "grey-alpha.png", saved(image(noise(2), "LA"), "PNG", grey_profile(gamma(1.8)))
    yield "cmyk.jpg", saved(image(smooth(4), "CMYK"), "JPEG", cmyk_profile(), quality=95)
    yield "cmyk-noise.jpg", saved(image(noise(4), "CMYK"), "JPEG", cmyk_profile(), quality=100)


def bad():
    """Profiles that littleCMS refuses, and one beside pixels that it does not take."""
    image = Image.fromarray
    p3, grey, cmyk = rgb_profile(P3, srgb_curve()), grey_profile(gamma(1.8)), cmyk_profile()
    at = p3.index(b"gTRC")
    broken = {
        "no-profile": b"this is no profile at all, whatever its chunk says" * 4,
        "cut-in-header": p3[:90],
        "cut-in-tags": p3[: len(p3) // 2],
        "no-curve": p3[:at] + b"gXXX" + p3[at + 4 :],
        "curve-of-unknown-type": p3.replace(b"para", b"parX"),
        "offset-outside": p3[: at + 4] + struct.pack(">I", 1 << 24) + p3[at + 8 :],
        "of-grey": grey,
        "of-cmyk": cmyk,
        "abstract": p3[:12] + b"abst" + p3[16:],
    }
    for name, icc in broken.items():
        yield f"{name}.jpg", saved(image(smooth(3)), "JPEG", icc, quality=95)
    yield "rgb-profile-of-grey.png", saved(image(noise(1)[:, :, 0]), "PNG", p3)
    yield "rgb-profile-of-cmyk.jpg", saved(image(smooth(4), "CMYK"), "JPEG", p3, quality=95)
    yield "empty-table-cmyk.jpg", saved(image(smooth(4), "CMYK"), "JPEG", cmyk[: cmyk.index(b"mft2")], quality=95)
    yield "grey16.png", grey16(grey)


def converted(image):
    """(pixels, None), or (None, what littleCMS said)"""
    icc = image.info["icc_profile"]
    if image.mode == "I":
        return None, "profiles are for 8 bits"
    alpha = image.convert("RGBA").getchannel("A").tobytes()
    if image.mode == "P":
        image = image.convert("RGB")
    if image.mode == "LA":
        image = image.getchannel("L")
    if image.mode == "RGBA":
        image = image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        result = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), renderingIntent=ImageCms.Intent.PERCEPTUAL, outputMode="RGB"
        )
    except (OSError, ImageCms.PyCMSError) as error:
        return None, str(error)
    pixels = numpy.dstack([numpy.array(result), numpy.frombuffer(alpha, numpy.uint8).reshape(HEIGHT, WIDTH)])
    return pixels, None


def main():
    result = {"made_with": f"{PIL.__version__}, littleCMS {ImageCms.core.littlecms_version}", "files": {}}
    for name, data in [*good(), *bad()]:
        pixels, problem = converted(Image.open(io.BytesIO(data)))
        result["files"][name] = {
            "file": base64.b64encode(data).decode(),
            "srgb": None if pixels is None else base64.b64encode(zlib.compress(pixels.tobytes())).decode(),
            "problem": problem,
        }
    OUT.write_text(json.dumps(result, indent=0) + "\n")


if __name__ == "__main__":
    main()
