"""Writes the seeds of test/fuzz/corpus with programs that are not this project: numpy, Pillow and plain struct.

Usage: python3 scripts/fuzz/make_seeds.py test/fuzz/corpus
"""
import hashlib
import io
import json
import pathlib
import re
import sqlite3
import struct
import sys
import tempfile
import zipfile
import zlib

import numpy
import toml
from PIL import Image

ROOT = pathlib.Path(sys.argv[1])


def save(target, name, data):
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def npy(array, version=None):
    out = io.BytesIO()
    numpy.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def npy_text(dictionary, data=b"", version=(1, 0)):
    """An npy file whose header numpy would not write."""
    text = dictionary.encode("latin1")
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + data


def npz(arrays, compressed=False, comment=b""):
    out = io.BytesIO()
    (numpy.savez_compressed if compressed else numpy.savez)(out, **arrays)
    if comment:
        with zipfile.ZipFile(out, "a") as archive:
            archive.comment = comment
    return out.getvalue()


def write_npy():
    values = numpy.arange(12).reshape(3, 4)
    for descr in ("<f2", ">f4", "<f8", "<i8", "|u1"):
        save("npy", f"numpy-{descr[1:]}", npy(values.astype(descr)))
    save("npy", "numpy-fortran", npy(numpy.asfortranarray(values.astype("<f4"))))
    save("npy", "numpy-version-2", npy(values.astype("<f4"), (2, 0)))
    save("npy", "numpy-version-3", npy(values.astype("<f4"), (3, 0)))
    save("npy", "numpy-scalar", npy(numpy.float32(1)))
    save("npy", "numpy-empty", npy(numpy.zeros((0, 4), "<f4")))
    save("npy", "numpy-structured", npy(numpy.zeros(2, [("a", "<f4"), ("b", "<i4")])))
    pattern = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n"
    save("npy", "hostile-pickle", npy_text(pattern % ("|O", "(1,)"), b"\x80\x04N."))
    save("npy", "hostile-shape", npy_text(pattern % ("<f4", "(4294967296, 4294967296, 0)")))
    save("npy", "hostile-huge", npy_text(pattern % ("<f4", "(9007199254740991,)")))
    save("npy", "hostile-dimensions", npy_text(pattern % ("<f4", "(" + "1, " * 400 + ")"), bytes(4)))
    save("npy", "hostile-item", npy_text(pattern % ("<f3", "(1,)"), bytes(3)))
    save("npy", "zero-in-front", npy_text(pattern % ("|u1", "(02,)"), bytes(2)))
    save("npy", "bool", npy_text(pattern % ("|b1", "(3,)"), bytes([0, 1, 200])))
    save("npy", "hostile-length", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{")
    save("npy", "cut", npy(values.astype("<f4"))[:40])


RECORD = {
    "recipe": {"vae": "a" * 64, "posterior": "mean", "seed": None, "dtype": "float32", "interpolation": "default"},
    "encoder": {"backend": "onednn", "precision": "fp32"},
    "source": {"bytes": 1234, "sha256": "b" * 64},
}


def provenance(*suffixes):
    entries = {suffix: RECORD for suffix in suffixes}
    return json.dumps({"latent-cache": 1, "entries": entries}, separators=(",", ":")).encode()


def latents(suffix=""):
    return {
        f"latents{suffix}": numpy.arange(16, dtype="<f4").reshape(4, 2, 2),
        f"original_size{suffix}": numpy.array([16, 16], "<i8"),
        f"crop_ltrb{suffix}": numpy.array([0, 0, 16, 16], "<f8"),
    }


def alias_bomb(members, size):
    """Many members that share one body: each unpacks to `size` zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = npy_text(("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }" % (size - 128)).ljust(117) + "\n")
    data += bytes(size - 128)
    packed = packer.compress(data) + packer.flush()
    crc, directory = zlib.crc32(data), b""
    fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, crc, len(packed), len(data))
    out = struct.pack("<I", 0x04034B50) + fields + struct.pack("<HH", 5, 0) + b"a.npy" + packed
    for index in range(members):
        name = b"a.npy" if index == 0 else b"%03d.npy" % index
        directory += struct.pack("<IH", 0x02014B50, 20) + fields
        directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, members, members, len(directory), len(out), 0)
    return out + directory + end


def zip64(plain, gap):
    """The archive with zip64 end records, and `gap` bytes between the record and its locator."""
    body, end = plain[:-22], plain[-22:]
    count, size, offset = struct.unpack("<HII", end[10:20])
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(body), 1)
    return body + record + bytes(gap) + locator + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def write_npz():
    save("npz", "numpy", npz(latents()))
    save("npz", "numpy-suffixed", npz({**latents("_2x2"), **latents("_2x4")}, comment=provenance("_2x2", "_2x4")))
    save("npz", "numpy-deflated", npz({**latents(), "alpha_mask": numpy.ones((16, 16), "<f4")}, compressed=True))
    save("npz", "numpy-ours", npz(latents(), comment=provenance("")))
    save("npz", "zip64", zip64(npz(latents()), 0))
    save("npz", "hostile-zip64-gap", zip64(npz({"a": numpy.zeros(1, "<f4")}), 5000))
    save("npz", "empty-archive", b"PK\x05\x06" + bytes(18))
    save("npz", "cut", npz(latents())[:-60])
    save("npz", "no-data", b"")
    bomb = {"bomb": numpy.zeros(2_000_000, "|u1")}
    save("npz", "hostile-ratio", npz(bomb, compressed=True))
    save("npz", "hostile-shared-body", alias_bomb(70, 10_000_000))
    # a member of another name under the local header
    save("npz", "hostile-local-name", npz(latents()).replace(b"latents.npy", b"xatents.npy", 1))
    save("npz", "hostile-path", npz({"../../latents": numpy.zeros(1, "<f4")}))


def write_provenance():
    save("provenance", "two", provenance("", "_2x4"))
    save("provenance", "none", b"")
    save("provenance", "other-version", provenance("").replace(b":1,", b":2,", 1))
    save("provenance", "prototype", provenance("__proto__"))
    save("provenance", "deep", b'{"latent-cache":1,"entries":' + b"[" * 8000 + b"]" * 8000 + b"}")
    save("provenance", "poor", b'{"latent-cache":1,"entries":{"":{"recipe":{"vae":"a"},"source":{"bytes":1,"sha256":"b"}}}}')


def tensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors():
    one = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    sizes = {"F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "F64": 8, "BOOL": 1}
    many, data = {"__metadata__": {"format": "pt"}}, b""
    for dtype, size in sizes.items():
        many[dtype] = {"dtype": dtype, "shape": [4], "data_offsets": [len(data), len(data) + 4 * size]}
        data += bytes(range(4 * size))
    save("safetensors", "one", tensors({"a": one}, bytes(16)))
    save("safetensors", "dtypes", tensors(many, data))
    save("safetensors", "none", tensors({}))
    save("safetensors", "scalar-and-empty", tensors({
        "e": {"dtype": "F32", "shape": [0, 9], "data_offsets": [0, 0]},
        "s": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
    }, bytes(4)))
    save("safetensors", "half-bytes", tensors({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}}, bytes(2)))
    save("safetensors", "hostile-length", struct.pack("<Q", 2**63) + b"{}")
    save("safetensors", "hostile-header", struct.pack("<Q", 99_999_999) + b"{}")
    save("safetensors", "hostile-overlap", tensors({"a": one, "b": one}, bytes(16)))
    save("safetensors", "hostile-hole", tensors({"a": {**one, "data_offsets": [16, 32]}}, bytes(32)))
    save("safetensors", "hostile-shape", tensors({"a": {**one, "shape": [2**40, 2**40]}}, bytes(16)))
    save("safetensors", "hostile-twice", tensors(b'{"a":' + json.dumps(one).encode() + b',"\\u0061":' + json.dumps(one).encode() + b"}", bytes(16)))
    save("safetensors", "hostile-depth", tensors(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"))
    save("safetensors", "cut", tensors({"a": one}, bytes(7)))
    save("safetensors", "zip", b"PK\x03\x04" + bytes(60))
    save("safetensors", "pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def write_tensor_file():
    """Caches as musubi-tuner, ai-toolkit and this project write them, and what is wrong with some."""
    f32 = lambda shape, begin, end: {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    musubi = {"architecture": "z_image", "width": "8", "height": "8", "format_version": "1.0.1"}
    save("tensor-file", "musubi", tensors({"__metadata__": musubi, "latents_1x1x2_float32": f32([2, 1, 2], 0, 16)}, bytes(16)))
    info = {"filename": "\u00e4.png", "scale_to_width": "16", "software": '{"name": "ai-toolkit"}', "format": "pt"}
    bf16 = {"dtype": "BF16", "shape": [4, 1, 1], "data_offsets": [0, 8]}
    save("tensor-file", "ai-toolkit", tensors({"__metadata__": info, "latent": bf16}, bytes(range(8))))
    recipe = {"vae": "v", "posterior": "mean", "seed": None, "dtype": "float32", "interpolation": "default"}
    record = {"recipe": recipe, "encoder": {"backend": "b", "precision": "p"}, "source": {"bytes": 1, "sha256": "00"}}
    ours = json.dumps({"latent-cache": 1, "entries": {"_1x2": record}})
    data = bytes(range(16)) + struct.pack("<qq", 8, 8)
    layout = {"latents_1x2": f32([2, 1, 2], 0, 16), "original_size_1x2": {"dtype": "I64", "shape": [2], "data_offsets": [16, 32]}}
    entry = {"latent_cache": ours, "latent_cache_crc32": "%08x" % zlib.crc32(data), "model": "sd"}
    save("tensor-file", "ours", tensors({"__metadata__": entry, **layout}, data))
    save("tensor-file", "ours-changed", tensors({"__metadata__": entry, **layout}, bytes(32)))
    save("tensor-file", "ours-cut", tensors({"__metadata__": entry, **layout}, data)[:-1])
    bad = json.dumps({"latent-cache": 1, "entries": {"_1x2": {**record, "source": {"bytes": "1", "sha256": 2}}}})
    save("tensor-file", "wrong-types", tensors({"__metadata__": {"latent_cache": bad}, **layout}, data))
    save("tensor-file", "no-json", tensors({"__metadata__": {"latent_cache": "{"}, **layout}, data))
    save("tensor-file", "hostile-metadata", tensors({"__metadata__": {"latent_cache": "[" * 5000}, **layout}, data))
    save("tensor-file", "hostile-header", struct.pack("<Q", 7_999_999) + b"{" + b" " * 64)
    save("tensor-file", "nothing", b"")


def sealed(header, payload=b""):
    header = {**header, "payload": {"bytes": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}}
    text = json.dumps(header).encode()
    head = b"LCSEALED" + struct.pack("<II", 1, len(text)) + hashlib.sha256(text).digest() + text
    return head + bytes(-len(head) % 4096) + payload


def write_sealed():
    shape = {"count": 1, "height": 64, "width": 64}
    memory = {"shape": shape, "activationBytes": 1, "inputBytes": 2, "outputBytes": 3, "arenaBytes": 6}
    engine = {"kind": "engine", "key": "KEY", "description": "d", "device": "d", "runtime": "r", "minimum": shape,
              "optimum": shape, "maximum": shape, "weightBytes": None, "memory": [memory], "exponents": [1, -2],
              "buildSeconds": 1.5}
    save("sealed", "engine", sealed(engine, b"plan"))
    save("sealed", "scales", sealed({"kind": "scales", "fingerprint": "FINGERPRINT", "exponents": [0, 1, -3]}))
    save("sealed", "timing", sealed({"kind": "timing", "identity": "ATTRIBUTES\nRUNTIME"}, b"measured"))
    save("sealed", "cut", sealed(engine, b"plan")[:-2])
    save("sealed", "hostile-length", b"LCSEALED" + struct.pack("<II", 1, 0xFFFFFFFF) + bytes(40))
    depth = b"[" * 3000 + b"]" * 3000
    head = b"LCSEALED" + struct.pack("<II", 1, len(depth)) + hashlib.sha256(depth).digest() + depth
    save("sealed", "hostile-depth", head + bytes(-len(head) % 4096))


def write_lock():
    owner = {"owner": "0123abcd-77-88", "pid": 77, "host": "h", "started": "2024-01-01T00:00:00.000Z", "recursive": False}
    save("lock", "owner", json.dumps(owner).encode() + b"\n")
    save("lock", "released", b"")
    save("lock", "cut", json.dumps(owner).encode()[:40])
    save("lock", "number", b'{"owner": 5, "pid": "x"}')
    save("lock", "list", b"[1, 2]")
    save("lock", "no-object", b"7")


def manifest(row, version=1):
    text = pathlib.Path(__file__).parent.joinpath("../../src/manifest/schema.ts").read_text()
    schema = re.search(r"SCHEMA = `(.*?)`", text, re.S).group(1)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "manifest.db"
        db = sqlite3.connect(file, isolation_level=None)
        db.execute("PRAGMA page_size = 512")
        db.executescript(schema + f"PRAGMA user_version = {version};")
        if row is not None:
            db.execute("INSERT INTO recipes VALUES (1, 'v', 'mean', NULL, 'float32', 'default', 0, 0)")
            db.execute("INSERT INTO encoders VALUES (1, 'onednn', 'fp32', '0.1.0', NULL)")
            marks = ["CAST(? AS TEXT)" if isinstance(value, bytes) and column != 7 else "?" for column, value in enumerate(row)]
            db.execute(f"INSERT INTO caches VALUES ({','.join(marks)})", row)
            db.execute("INSERT INTO failures VALUES ('', 'b.png', 'ERR_IMAGE_CORRUPT', 'm', NULL, 1, 2, 3, '0.1.0')")
        db.close()
        return file.read_bytes()


def write_manifest():
    row = ["", "a.png", "a.npz", "", 1, 2, 3, b"h" * 32, 64, 64, "rgb", "", 64, 64, 64, 64, None, None, None, None, 1, 1, 9, 8, 7]
    save("manifest", "row", manifest(row))
    save("manifest", "empty", manifest(None))
    save("manifest", "nothing", b"")
    save("manifest", "later-version", manifest(None, 2))
    save("manifest", "wrong-types", manifest(row[:4] + ["x", 2.5, "y", "text"] + row[8:11] + [7] + row[12:]))
    save("manifest", "wrong-recipe", manifest(row[:20] + [99, 99] + row[22:]))
    save("manifest", "huge-numbers", manifest(row[:4] + [2**63 - 1] * 3 + row[7:]))
    save("manifest", "text-no-utf-8", manifest(row[:2] + [b"a\xffb"] + row[3:]))
    save("manifest", "integer-no-utf-8", manifest(row[:4] + [b"a\xffb"] + row[5:]))
    save("manifest", "column-no-utf-8", manifest(row).replace(b"cache_bytes INTEGER", b"cache_\xffytes INTEGER"))
    save("manifest", "type-no-utf-8", manifest(row).replace(b"cache_bytes INTEGER", b"cache_bytes INT\xffGER"))
    save("manifest", "cut", manifest(row)[:1500])
    save("manifest", "no-database", b"SQLite format 2\0" + bytes(600))


def picture(mode, kind, size=(9, 7), **options):
    out = io.BytesIO()
    gradient = numpy.arange(size[0] * size[1] * 4, dtype="uint8").reshape(size[1], size[0], 4)
    Image.fromarray(gradient, "RGBA").convert(mode).save(out, kind, **options)
    return out.getvalue()


def write_image():
    save("image", "rgb.png", picture("RGB", "PNG"))
    save("image", "palette.png", picture("P", "PNG"))
    save("image", "grey-16.png", picture("L", "PNG").replace(b"\x08\x00\x00\x00\x00", b"\x10\x00\x00\x00\x00", 1))
    save("image", "rgb.jpg", picture("RGB", "JPEG", quality=30))
    save("image", "cmyk.jpg", picture("CMYK", "JPEG", quality=30))
    exif = Image.Exif()
    exif[0x112] = 6
    save("image", "turned.jpg", picture("RGB", "JPEG", quality=30, exif=exif))
    save("image", "lossy.webp", picture("RGB", "WEBP"))
    save("image", "alpha.webp", picture("RGBA", "WEBP", lossless=True))
    save("image", "rgb.gif", picture("RGB", "GIF"))
    save("image", "rgb.tif", picture("RGB", "TIFF"))
    save("image", "rgb.bmp", picture("RGB", "BMP"))
    save("image", "text", b"no image")
    ihdr = struct.pack(">IIBBBBB", 50000, 50000, 8, 2, 0, 0, 0)
    chunk = lambda tag, data: struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
    save("image", "hostile-size.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000), 9))
    ihdr = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    save("image", "hostile-text.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + text + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def bmp(width, height, bits, data, compression=0, palette=b"", masks=b""):
    offset = 54 + len(masks) + len(palette)
    head = b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, len(palette) // 4, 0)
    return head + info + masks + palette + data


def write_bmp():
    grey = b"".join(bytes([value, value, value, 0]) for value in range(0, 256, 16))
    save("bmp", "rgb", picture("RGB", "BMP"))
    save("bmp", "palette", picture("P", "BMP", size=(5, 3)))
    save("bmp", "bit", picture("1", "BMP"))
    save("bmp", "alpha", picture("RGBA", "BMP"))
    save("bmp", "top-down", bmp(3, -2, 24, bytes(range(24))))
    save("bmp", "nibbles", bmp(3, 2, 4, bytes(range(8)), palette=grey))
    save("bmp", "555", bmp(3, 2, 16, bytes(range(16))))
    save("bmp", "565", bmp(3, 2, 16, bytes(range(16)), 3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)))
    runs = b"\x04\x01\x00\x00\x00\x03\x01\x02\x03\x00\x00\x02\x01\x00\x02\x02\x00\x01"
    save("bmp", "rle-8", bmp(4, 3, 8, runs, 1, palette=grey))
    save("bmp", "rle-4", bmp(4, 3, 4, runs, 2, palette=grey))
    save("bmp", "os2", b"BM" + struct.pack("<IHHI", 50, 0, 0, 26) + struct.pack("<IHHHH", 12, 2, 2, 1, 24) + bytes(16))
    save("bmp", "hostile-run", bmp(1000, 1000, 8, b"\xff\x01" * 4000, 1, palette=grey))
    save("bmp", "hostile-delta", bmp(1000, 1000, 8, b"\x00\x02\xff\xff" * 4000, 1, palette=grey))
    save("bmp", "hostile-size", bmp(2**31 - 1, -(2**31), 24, b""))
    save("bmp", "hostile-offset", picture("RGB", "BMP")[:10] + b"\xff\xff\xff\xff" + picture("RGB", "BMP")[14:])


def write_dataset_config():
    subset = {"image_dir": "photos", "flip_aug": True, "num_repeats": 10, "custom_attributes": {"a": [1, 2]}}
    sd_scripts = {
        "general": {"enable_bucket": True, "caption_extension": ".txt", "caption_dropout_rate": 0.5},
        "datasets": [{"resolution": [512, 768], "min_bucket_reso": 256, "subsets": [subset, {**subset, "image_dir": "more"}]}],
    }
    musubi = {
        "general": {"resolution": 768, "enable_bucket": True, "caption_extension": ".txt"},
        "datasets": [{"image_directory": "photos", "cache_directory": "cache", "control_resolution": [512, 512]}],
    }
    for name, config in (("sd-scripts", sd_scripts), ("musubi", musubi)):
        save("dataset-config", f"{name}-toml", toml.dumps(config).encode())
        save("dataset-config", f"{name}-json", json.dumps(config, indent=1).encode())
    subset["metadata_file"] = "list.json"
    save("dataset-config", "finetuning", toml.dumps({"datasets": [{"subsets": [subset]}]}).encode())
    syntax = b'[general]\na = """x\\\n  y"""\n' + b"b = '''C:\\x'''\n" + b'c = 1979-05-27T07:32:00Z\n'
    save("dataset-config", "syntax", syntax + b'd = [0xff, 1_000, -inf]\n"e.f" = { g.h = 1 }\n# i\n')
    save("dataset-config", "prototype", b'__proto__.a = 1\n[[datasets]]\n[[datasets.subsets]]\nimage_dir = "a"\nconstructor = 1\n')
    save("dataset-config", "deep", b"a = " + b"[" * 8000)
    save("dataset-config", "dotted", b"[" + b"a." * 8000 + b"a]\n")
    save("dataset-config", "number", b"[[datasets]]\nresolution = " + b"9" * 8000 + b'\n[[datasets.subsets]]\nimage_dir = "a"\n')
    save("dataset-config", "not-utf-8", b'a = "\xe9"\n')


def write_image_list():
    entry = {"caption": "a cat", "tags": "1cat, \u732b", "image_size": [640, 480], "train_resolution": [640, 448]}
    save("image-list", "metadata", json.dumps({"a.png": entry, "b/c.png": {}, "/d/e.png": entry, "stem": {}}).encode())
    lines = [{"image_path": "a.png", "caption": "x", "image_size": [4, 5]}, {"image_path": "/b/c.png"}]
    save("image-list", "lines", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    edit = {"image_path_0": "a.png", "image_path_1": "b.png", "caption": "x", "control_path": "c.png", "control_path_01": "d.png"}
    save("image-list", "edit", json.dumps(edit).encode() + b"\n")
    save("image-list", "twice", b'{"a.png": {"image_size": [1, 2]}, "a.png": {"image_size": [3, 4]}, "./a.png": {}}')
    save("image-list", "deep", b'{"a.png": {"b": ' + b"[" * 8000 + b"]" * 8000 + b"}}")
    save("image-list", "brackets", b'{"a.png": {"caption": "}]\\"{["}, "b.png": {]}')
    save("image-list", "prototype", b'{"__proto__": {"image_size": [1, 2]}, "constructor": {}}')
    save("image-list", "names", b'{"": {}, ".": {}, "a/": {}, "\\u0000": {}, "\\ud800": {}}')
    save("image-list", "empty", b"{}")


for write in (write_npy, write_npz, write_provenance, write_safetensors, write_tensor_file, write_sealed, write_lock, write_manifest, write_image, write_bmp, write_dataset_config, write_image_list):
    write()
