"""Where each trainer puts an image: bucket, resized size, crop. From the format note 1.4, 2.1 and 2.2, in plain Python."""

import math


def centred(resized, bucket):
    return ((resized[0] - bucket[0]) // 2, (resized[1] - bucket[1]) // 2)


def covering(size, bucket, rounding):
    scale = max(bucket[0] / size[0], bucket[1] / size[1])
    return (rounding(size[0] * scale), rounding(size[1] * scale))


def half_up(value):
    return math.trunc(value + 0.5)


def sd_scripts(size, options):
    """1.4, steps 0 to 6: (bucket, resized, crop)."""
    width, height = size
    area = options["resolution"][0] * options["resolution"][1]
    step = options["steps"]
    ratio = width / height
    if options["buckets"] and options["no_upscale"]:
        resized = size
        if width * height > area:
            rw = math.sqrt(area * ratio)
            rh = area / rw
            down = lambda value: half_up(value) - half_up(value) % step
            w1 = down(rw)
            h1 = down(w1 / ratio)
            h2 = down(rh)
            w2 = down(h2 * ratio)
            first = abs(w1 / h1 - ratio) < abs(w2 / h2 - ratio)
            resized = (w1, half_up(w1 / ratio)) if first else (half_up(h2 * ratio), h2)
        bucket = (resized[0] - resized[0] % step, resized[1] - resized[1] % step)
        return bucket, resized, centred(resized, bucket)
    if options["buckets"]:
        bucket = choose(sd_scripts_buckets(area, options), size)
    else:
        bucket = tuple(options["resolution"])
    if ratio > bucket[0] / bucket[1]:
        scale = bucket[1] / height
    else:
        scale = bucket[0] / width
    resized = (half_up(width * scale), half_up(height * scale))
    return bucket, resized, centred(resized, bucket)


def sd_scripts_buckets(area, options):
    step = options["steps"]
    least = options["min"] - options["min"] % step
    most = options["max"] + -options["max"] % step
    side = math.floor(math.sqrt(area)) // step * step
    found = {(side, side)}
    for width in range(least, most + 1, step):
        height = min(most, area // width // step * step)
        if height >= least:
            found |= {(width, height), (height, width)}
    return sorted(found)


def choose(buckets, size):
    """The bucket itself, or the nearest aspect ratio; the first of equals."""
    if size in buckets:
        return size
    ratio = size[0] / size[1]
    return min(buckets, key=lambda bucket: abs(bucket[0] / bucket[1] - ratio))


def crop_ltrb(bucket, size):
    """1.4, step 7."""
    ratio = size[0] / size[1]
    if bucket[0] / bucket[1] > ratio:
        width, height = bucket[1] * ratio, bucket[1]
    else:
        width, height = bucket[0], bucket[0] / ratio
    left, top = (bucket[0] - width) // 2, (bucket[1] - height) // 2
    return [left, top, left + width, top + height]


def musubi(size, options):
    """2.1, "Buckets"."""
    down = lambda side: side - side % 16
    area = options["resolution"][0] * options["resolution"][1]
    if not options["buckets"]:
        bucket = tuple(options["resolution"])
    elif options["no_upscale"] and size[0] * size[1] <= area:
        bucket = (down(size[0]), down(size[1]))
    else:
        side = math.trunc(math.sqrt(area))
        found = set()
        for one in range(down(side // 2), side + 16, 16):
            found |= {(one, down(area // one)), (down(area // one), one)}
        ratio = size[0] / size[1]
        bucket = min(sorted(found), key=lambda each: abs(each[0] / each[1] - ratio))
    resized = size if bucket == size else covering(size, bucket, half_up)
    return bucket, resized, centred(resized, bucket)


def ai_toolkit(size, resolution, divisor):
    """2.2, "Geometry"; `size` after EXIF."""
    most = resolution * resolution
    target = min(size[0] * size[1], most)
    scale = (target / (size[0] * size[1])) ** 0.5
    sides = [size[0] * scale / divisor, size[1] * scale / divisor]
    found = []
    for width in (math.floor(sides[0]), math.ceil(sides[0])):
        for height in (math.floor(sides[1]), math.ceil(sides[1])):
            if width > 0 and height > 0 and width * height * divisor * divisor <= most:
                found.append((width * divisor, height * divisor))
    bucket = min(found, key=lambda each: abs(each[0] * each[1] - target))
    resized = covering(size, bucket, math.ceil)
    return bucket, resized, centred(resized, bucket)
