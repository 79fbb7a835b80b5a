"""Images from a seed, (height, width, 3) uint8, with integers alone: src/selftest/seeded-images.ts draws the same."""
import numpy as np

SHAPES = 12


def mix(x):
    """lowbias32 (hash-prospector) on uint32 arrays."""
    x = np.atleast_1d(np.asarray(x, dtype=np.uint32))
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def grid(height, width):
    return (axis.astype(np.int64) for axis in np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij"))


def drawn(seed, number):
    """The number-th random number of an image, 0 to 2^32 - 1."""
    return int(mix(np.uint32(number) ^ mix(seed))[0])


def ramps(seed, height, width):
    """Ramps with noise in the low bits."""
    y, x, c = grid(height, width)
    noise = mix(((y * width + x) * 3 + c).astype(np.uint32) ^ mix(seed)) & np.uint32(63)
    return ((3 * x + 5 * y + 67 * c + noise) % 256).astype(np.uint8)


def arcs(t, period):
    """Parabolas in place of a sine: of both signs in turn, the highest period^2."""
    rest = t % period
    return 4 * rest * (period - rest) * (1 - 2 * (t // period % 2))


def waves(seed, height, width):
    """-64 to 64, slowly."""
    y, x, c = grid(height, width)
    across, down = arcs(x + 37 * c + drawn(seed, 1) % 128, 103), arcs(y + 51 * c + drawn(seed, 2) % 128, 131)
    return across * down * 64 // (103 * 131) ** 2


def smooth(seed, height, width):
    """Nothing but slow waves."""
    return (128 + 3 * waves(seed, height, width) // 2).astype(np.uint8)


def photo(seed, height, width):
    """Overlapping shapes with sharp edges, lit unevenly, and the grain of a film."""
    y, x, c = grid(height, width)
    shade = 120 + waves(seed, height, width)
    for shape in range(1, SHAPES + 1):
        left, top = drawn(seed, 16 * shape) % width, drawn(seed, 16 * shape + 1) % height
        size = height // 16 + drawn(seed, 16 * shape + 2) % (height // 5)
        dx, dy = np.abs(x - left), np.abs(y - top)
        inside = dx * dx + dy * dy < size * size if shape % 2 == 0 else np.maximum(dx, dy) < size
        colours = np.array([drawn(seed, 16 * shape + 3 + colour) & 127 for colour in range(3)])
        shade = np.where(inside, 2 * shade // 5 + colours[c], shade)
    grain = mix(((y * width + x) * 3 + c).astype(np.uint32) ^ mix(seed)) >> np.uint32(28)
    return np.clip(shade + grain.astype(np.int64) - 8, 0, 255).astype(np.uint8)


IMAGES = {"ramps": ramps, "smooth": smooth, "photo": photo}
