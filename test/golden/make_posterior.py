"""Golden samples of the posterior, for src/model/posterior.ts and the native sampler.

Independent source: the definition in native/posterior/posterior.h with Python's integers and mpmath's arbitrary
precision; the one rounding is that to float32. No code of ours is used.

Run with a Python that has mpmath (apt install python3-mpmath):  /usr/bin/python3 test/golden/make_posterior.py

Writes data/posterior.json: cases of {seed (decimal text), mean, logvar, latent}, every number a float32.
"""

import json
import struct
from pathlib import Path

from mpmath import cos, exp, ldexp, log, mp, mpf, pi, sin, sqrt

OUT = Path(__file__).parent / "data" / "posterior.json"
MASK = 0xFFFFFFFF
DIGITS = 50
mp.dps = DIGITS


def philox(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & MASK, (left >> 32) ^ c3 ^ k1, left & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


# tests/kat_vectors of Random123
assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)


def uniform(high, low):
    return ldexp(((high >> 6) << 26) + (low >> 6) + mpf("0.5"), -52)


def normal(count, seed):
    values = []
    for block in range((count + 1) // 2):
        words = philox((block, 0, 0, 0), (seed & MASK, seed >> 32))
        radius = sqrt(-2 * log(uniform(*words[:2])))
        angle = 2 * pi * uniform(*words[2:])
        values += [radius * cos(angle), radius * sin(angle)]
    return values[:count]


def float32(x):
    """The nearest float32 of a Python float."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def rounded(exact):
    """exact → float32 in one step. Refuses a value so near to a tie that an error of 2^-48 might turn it."""
    with mp.workprec(24):
        nearest = +exact
    for wrong in (exact * (1 - mpf(2) ** -48), exact * (1 + mpf(2) ** -48)):
        with mp.workprec(24):
            assert +wrong == nearest, exact
    assert float32(float(nearest)) == float(nearest)
    return float(nearest)


def case(seed, count):
    # means between -6 and 6; log variances over the whole range that encoders clamp to
    mean = [float32((i * 7919 % 2003 - 1001) / 167) for i in range(count)]
    logvar = [float32(-30 + (i * 5237 % 1009) / 1008 * 50) for i in range(count)]
    noise = normal(count, seed)
    latent = [rounded(m + exp(mpf(v) / 2) * n) for m, v, n in zip(mean, logvar, noise)]
    return {"seed": str(seed), "mean": mean, "logvar": logvar, "latent": latent}


cases = [case(0, 1), case(12345, 2), case(2**63 + 5, 131), case(2**64 - 1, 257)]
OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(f"{OUT.name}: {sum(len(one['latent']) for one in cases)} samples")
