"""Writes nf4.json: NF4 with double quantisation, computed here independently of the Go code, for its tests.

    python3 testdata/nf4.py > testdata/nf4.json

Needs Python 3.8 and nothing else. Every float32 operation is one in float64 rounded to float32, which for +, -, * and /
of two float32 numbers is the same. The levels and the decision thresholds are bitsandbytes' decimals (functional.py
get_4bit_type; kernels.cu dQuantizeNF4, which answers the lower level at a threshold); the dynamic map is built from
fractions (functional.py create_dynamic_map); the nearest entry of it is searched exactly, the even one of two
(kernels.cu dQuantize).
"""

import json
import math
import struct
import sys
from fractions import Fraction

LEVELS = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
]
THRESHOLDS = [
    -0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544, -0.23460740596055984,
    -0.13791173323988914, -0.045525018125772476, 0.03979014977812767, 0.1202552504837513, 0.2035212516784668,
    0.2920137718319893, 0.3893125355243683, 0.5016634166240692, 0.6427869200706482, 0.8614784181118011,
]


def f32(x):
    """x rounded to float32; infinite where float32 overflows."""
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


def dynamic_map():
    values = [Fraction(0), Fraction(1)]
    for exponent in range(-6, 1):
        parts = 2 ** (exponent + 6)
        edges = [Fraction(1, 10) + Fraction(9, 10) * k / parts for k in range(parts + 1)]
        for low, high in zip(edges, edges[1:]):
            middle = (low + high) / 2 * Fraction(10) ** exponent
            values += [middle, -middle]
    return [f32(float(v)) for v in sorted(values)]


DYNAMIC = dynamic_map()


def ratio(x, largest):
    if largest == 0:
        return x
    reciprocal = f32(1 / largest)
    return f32(x / largest) if math.isinf(reciprocal) else f32(x * reciprocal)


def nearest_dynamic(x):
    """The midpoints are float32 in bitsandbytes too, so near one of them 'nearest' means: on its side."""
    best = 0
    for i in range(255):
        midpoint = f32((DYNAMIC[i] + DYNAMIC[i + 1]) / 2)
        if x > midpoint or x == midpoint and i % 2 == 1:
            best = i + 1
    return best


def chunks(values, n):
    return [values[i:i + n] for i in range(0, len(values), n)]


def quantise(values):
    blocks = chunks(values, 64)
    absmax = [max(abs(v) for v in block) for block in blocks]
    nibbles = [sum(ratio(v, m) > f32(t) for t in THRESHOLDS) for block, m in zip(blocks, absmax) for v in block]
    nibbles += [7] * (-len(values) % 64)
    codes = bytes(16 * a + b for a, b in chunks(nibbles, 2))

    offset = f32(math.fsum(absmax) / len(absmax))
    scales, scale_scales, restored = [], [], []
    for group in chunks(absmax, 256):
        centred = [f32(m - offset) for m in group]
        largest = max(abs(c) for c in centred)
        scale_scales.append(largest)
        for c in centred:
            scales.append(nearest_dynamic(ratio(c, largest)))
            restored.append(f32(f32(DYNAMIC[scales[-1]] * largest) + offset))
    dequantised = [f32(f32(LEVELS[nibbles[i]]) * restored[i // 64]) for i in range(len(values))]
    return codes, bytes(scales), scale_scales, offset, restored, dequantised


def formula(n, spread):
    """Numbers that the Go test computes too: the hash of the index in [-1/2, 1/2), larger in some blocks than in others."""
    return [((i * 2654435761 % 2 ** 32 >> 8) / 2 ** 24 - 0.5) * (1 + i // 64 * spread % 8) for i in range(n)]


def short(values):
    """Nine digits are enough to tell float32 numbers apart."""
    return [float("%.9g" % v) for v in values]


def case(name, values=None, formula_of=None):
    values = formula(*formula_of) if values is None else [f32(v) for v in values]
    codes, scales, scale_scales, offset, restored, dequantised = quantise(values)
    out = {"name": name, "codes": codes.hex(), "scales": scales.hex(), "scale_scales": short(scale_scales),
           "offset": short([offset])[0], "restored": short(restored)}
    if formula_of:
        out["formula"] = dict(zip(("elements", "spread"), formula_of))
    else:
        out["values"], out["dequantised"] = short(values), short(dequantised)
    return out


def on_thresholds():
    """A block of magnitude 1 with every threshold and the float32 numbers next to it."""
    values = [1.0]
    for t in THRESHOLDS:
        (bits,) = struct.unpack("<i", struct.pack("<f", t))
        values += [struct.unpack("<f", struct.pack("<i", bits + step))[0] for step in (-1, 0, 1)]
    return values


def cases():
    wave = [math.sin(1.3 * i + 0.7) * 0.02 * (1 + i // 64) for i in range(64 * 3)]
    yield case("one element", [0.25])
    yield case("one negative element", [-3.5])
    yield case("odd and partial", wave[:37])
    yield case("three blocks", wave)
    yield case("three blocks and a part", wave + wave[:21])
    yield case("ties", on_thresholds())
    yield case("ties, scaled", [8 * v for v in on_thresholds()])
    yield case("zeros", [0.0, -0.0] * 32)
    yield case("a zero block between others", wave[:64] + [0.0, -0.0] * 32 + wave[64:100])
    yield case("levels", [v * 0.5 for v in LEVELS] * 4)
    yield case("large", [3e38, -2.9e38, 1e38, -1e30, 0.0] * 13 + [1.0] * 70)
    yield case("smallest", [1e-45, -1e-45, 3e-45, 0.0] + [0.0] * 60)
    yield case("below the least normal", [1e-39 * math.cos(i) for i in range(64)] + [1e-40] * 10)
    yield case("more than one group", formula_of=(64 * 300 + 5, 3))
    yield case("one group exactly", formula_of=(64 * 256, 5))
    yield case("equal blocks", [v * 0.125 for v in LEVELS] * 12)


json.dump({"dynamic_map": short(DYNAMIC), "cases": list(cases())}, sys.stdout, separators=(",", ":"))
sys.stdout.write("\n")
