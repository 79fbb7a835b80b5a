"""Golden data for the bucket geometry: test/golden/data/geometry-{table,random}.json.

Independent source: the written recipe (steps 0-4 and 7) and the reference table of our format
notes, re-implemented here from their words in plain Python. The table is typed in by hand, and
the script stops when the re-implementation and the table disagree.

Run with any Python 3 (standard library only):  python3 test/golden/make_geometry.py
"""

import json
import math
import random
from pathlib import Path

DATA = Path(__file__).parent / "data"


class Refused(Exception):
    """The trainer cannot work with this input; the message is 'settings' or 'image'."""


def round_down(x, step):
    return x - x % step


def bounds(settings):
    """Step 0: min and max bucket side, made multiples of the step."""
    step = settings["bucket_reso_steps"]
    low = round_down(settings["min_bucket_reso"], step)
    high = -round_down(-settings["max_bucket_reso"], step)
    if min(settings["resolution"]) < low or max(settings["resolution"]) > high:
        raise Refused("settings")
    return low, high


def bucket_list(settings):
    """Step 2: all predefined buckets, ascending."""
    if not settings["enable_bucket"]:
        return [tuple(settings["resolution"])]
    low, high = bounds(settings)
    if low == 0:  # the trainer would divide the area by zero
        raise Refused("settings")
    step = settings["bucket_reso_steps"]
    area = math.prod(settings["resolution"])
    side = int(math.sqrt(area) // step) * step
    found = {(side, side)}
    for a in range(low, high + 1, step):
        b = min(high, round_down(area // a, step))
        if b >= low:
            found |= {(a, b), (b, a)}
    return sorted(found)


def nearest_bucket(size, buckets):
    """Step 3: a predefined bucket, and the size that covers it."""
    width, height = size
    aspect = width / height
    bucket = size
    if size not in buckets:
        bucket = min(buckets, key=lambda b: abs(b[0] / b[1] - aspect))
    if aspect > bucket[0] / bucket[1]:
        scale = bucket[1] / height
    else:
        scale = bucket[0] / width
    return bucket, (int(width * scale + 0.5), int(height * scale + 0.5))


def bucket_from_image(size, settings):
    """Step 4: the bucket made from the image itself, never larger than it."""
    width, height = size
    step = settings["bucket_reso_steps"]
    area = math.prod(settings["resolution"])
    aspect = width / height
    resized = size
    if width * height > area:
        ideal_width = math.sqrt(area * aspect)
        ideal_height = area / ideal_width
        w1 = round_down(int(ideal_width + 0.5), step)
        h1 = round_down(int(w1 / aspect + 0.5), step)
        h2 = round_down(int(ideal_height + 0.5), step)
        w2 = round_down(int(h2 * aspect + 0.5), step)
        if h1 == 0 or h2 == 0:
            raise Refused("image")
        if abs(w1 / h1 - aspect) < abs(w2 / h2 - aspect):
            resized = w1, int(w1 / aspect + 0.5)
        else:
            resized = int(h2 * aspect + 0.5), h2
    bucket = round_down(resized[0], step), round_down(resized[1], step)
    if 0 in bucket:
        raise Refused("image")
    return bucket, resized


def crop_ltrb(bucket, size):
    """Step 7: the crop that SDXL is told, which is not the crop that was done."""
    aspect = size[0] / size[1]
    if bucket[0] / bucket[1] > aspect:
        fitted = bucket[1] * aspect, float(bucket[1])
    else:
        fitted = float(bucket[0]), bucket[0] / aspect
    left = (bucket[0] - fitted[0]) // 2
    top = (bucket[1] - fitted[1]) // 2
    return [left, top, left + fitted[0], top + fitted[1]]


def place(size, settings):
    """Everything we expect for one image, as one JSON object."""
    try:
        if settings["enable_bucket"] and settings["bucket_no_upscale"]:
            bounds(settings)
            bucket, resized = bucket_from_image(size, settings)
        else:
            bucket, resized = nearest_bucket(size, bucket_list(settings))
    except Refused as why:
        return {"size": size, "refused": str(why)}
    crop = [(r - b) // 2 for r, b in zip(resized, bucket)]
    return {"size": size, "bucket": bucket, "resized": resized, "crop": crop, "crop_ltrb": crop_ltrb(bucket, size)}


def make_settings(resolution, low, high, step, buckets=True, no_upscale=False):
    return {
        "resolution": list(resolution),
        "enable_bucket": buckets,
        "min_bucket_reso": low,
        "max_bucket_reso": high,
        "bucket_reso_steps": step,
        "bucket_no_upscale": no_upscale,
    }


# size, then (bucket, resized, crop, crop_ltrb) with upscaling, then (bucket, resized, crop) without.
TABLE = [
    ((1920, 1080), ((1344, 768), (1365, 768), (10, 0), (0, 6, 1344, 762)), ((1344, 768), (1365, 768), (10, 0))),
    ((1080, 1920), ((768, 1344), (768, 1365), (0, 10), (6, 0, 762, 1344)), ((768, 1344), (768, 1365), (0, 10))),
    ((3000, 2000), ((1216, 832), (1248, 832), (16, 0), (0, 10, 1216, 820.66667)), ((1216, 832), (1248, 832), (16, 0))),
    ((4032, 3024), ((1152, 896), (1195, 896), (21, 0), (0, 16, 1152, 880)), ((1088, 832), (1109, 832), (10, 0))),
    ((800, 600), ((1152, 896), (1195, 896), (21, 0), (0, 16, 1152, 880)), ((768, 576), (800, 600), (16, 12))),
    ((1000, 1000), ((1024, 1024), (1024, 1024), (0, 0), (0, 0, 1024, 1024)), ((960, 960), (1000, 1000), (20, 20))),
    ((5000, 700), ((2048, 320), (2286, 320), (119, 0), (0, 16, 2048, 302.72)), ((2240, 320), (2286, 320), (23, 0))),
    ((832, 1216), ((832, 1216), (832, 1216), (0, 0), (0, 0, 832, 1216)), ((832, 1216), (832, 1216), (0, 0))),
    ((1023, 1537), ((832, 1216), (832, 1250), (0, 17), (11, 0, 820.34808, 1216)), ((832, 1216), (832, 1250), (0, 17))),
]

# The landscape half is the mirror of these.
PORTRAIT_1024 = {
    256: [2048], 320: [2048], 384: [2048], 448: [2048], 512: [1856, 1920, 1984, 2048], 576: [1664, 1728, 1792],
    640: [1536, 1600], 704: [1408, 1472], 768: [1280, 1344], 832: [1216], 896: [1152], 960: [1088], 1024: [1024],
}  # fmt: skip
PORTRAIT_512 = {256: [832, 896, 960, 1024], 320: [704, 768], 384: [640], 448: [576], 512: [512]}


def expand(portrait):
    half = {(w, h) for w, heights in portrait.items() for h in heights}
    return sorted(half | {(h, w) for w, h in half})


def checked_table():
    up = make_settings((1024, 1024), 256, 2048, 64)
    down = {**up, "bucket_no_upscale": True}
    rows = []
    for size, (bucket, resized, crop, told), (bucket2, resized2, crop2) in TABLE:
        a, b = place(size, up), place(size, down)
        assert (a["bucket"], a["resized"], tuple(a["crop"])) == (bucket, resized, crop), (size, a)
        assert all(abs(x - y) < 6e-6 for x, y in zip(a["crop_ltrb"], told)), (size, a)
        assert (b["bucket"], b["resized"], tuple(b["crop"])) == (bucket2, resized2, crop2), (size, b)
        rows.append({"upscale": a, "no_upscale": b})
    lists = []
    for settings, typed in [(up, PORTRAIT_1024), (make_settings((512, 512), 256, 1024, 64), PORTRAIT_512)]:
        assert bucket_list(settings) == expand(typed), settings
        lists.append({"settings": settings, "buckets": expand(typed)})
    assert [len(item["buckets"]) for item in lists] == [41, 17]
    return {"settings": {"upscale": up, "no_upscale": down}, "rows": rows, "bucket_lists": lists}


def random_settings(rng):
    step = rng.choice([8, 16, 32, 64, 64, 64, 96, 128])
    width = rng.choice([256, 512, 768, 832, 1000, 1024, 1024, 1280, rng.randint(100, 2100)])
    height = width if rng.random() < 0.6 else rng.choice([512, 640, 768, 1216, rng.randint(100, 2100)])
    low = rng.choice([256, 256, 128, 64, 320, step, rng.randint(1, 400)])
    high = max(width, height) + rng.choice([0, 0, 1, 256, 1024, rng.randint(-40, 2000)])
    return make_settings((width, height), low, high, step, rng.random() < 0.85, rng.random() < 0.4)


def random_size(rng, settings):
    kind = rng.random()
    step = settings["bucket_reso_steps"]
    if kind < 0.15:
        try:
            return rng.choice(bucket_list({**settings, "bucket_no_upscale": False}))
        except Refused:
            pass
    if kind < 0.25:
        return rng.randint(1, step + 8), rng.randint(1, 3 * step)
    if kind < 0.35:
        return rng.randint(3000, 20000), rng.randint(1, 400)
    if kind < 0.45:
        return rng.randint(1, 400), rng.randint(3000, 20000)
    if kind < 0.6:
        side = rng.choice([500, 512, 1000, 1024, 2048])
        return side, side + rng.randint(-3, 3)
    return rng.randint(64, 6000), rng.randint(64, 6000)


def random_groups(seed, groups, sizes):
    rng = random.Random(seed)
    for _ in range(groups):
        settings = random_settings(rng)
        yield {"settings": settings, "cases": [place(random_size(rng, settings), settings) for _ in range(sizes)]}


def one_per_line(items):
    return "[\n  " + ",\n  ".join(json.dumps(item) for item in items) + "]"


def table_text(table):
    settings, rows, lists = json.dumps(table["settings"]), one_per_line(table["rows"]), one_per_line(table["bucket_lists"])
    return f'{{"settings": {settings},\n "rows": {rows},\n "bucket_lists": {lists}}}\n'


def group_text(group):
    return f'{{"settings": {json.dumps(group["settings"])}, "cases": {one_per_line(group["cases"])}}}'


def main():
    (DATA / "geometry-table.json").write_text(table_text(checked_table()))
    groups = random_groups(seed=20240229, groups=75, sizes=8)
    (DATA / "geometry-random.json").write_text("[" + ",\n".join(map(group_text, groups)) + "]\n")


if __name__ == "__main__":
    main()
