"""States model/hdr's way to the network once more: matrices as BT.2087 and SMPTE print them, curves from the Recommendations' text.
Reads lines of transfer, peak, red, green, blue; writes three numbers each."""
import math
import sys

M = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
LIMIT = [1.5872 * 1.001, 1.0837 * 1.001, 1.1166 * 1.001]  # of cyan, magenta and a yellow with 96 % red of BT.2020, by the matrix above


def pq(e):
    e = e ** (32 / 2523)
    return (max(e - 0.8359375, 0) / (18.8515625 - 18.6875 * e)) ** (16384 / 2610) * 10000


def hlg(rgb, peak):
    e = [v * v / 3 if v <= 0.5 else (math.exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12 for v in rgb]
    y = 0.2627 * e[0] + 0.6780 * e[1] + 0.0593 * e[2]
    g = 1.2 + 0.42 * math.log10(peak / 1000)
    return [peak * y ** (g - 1) * v if y > 0 else 0 for v in e]


def compress(d, limit, threshold, p=1.2):
    if d < threshold:
        return d
    s = (limit - threshold) / (((1 - threshold) / (limit - threshold)) ** -p - 1) ** (1 / p)
    n = (d - threshold) / s
    return threshold + s * n / (1 + n ** p) ** (1 / p)


def bt2446a(v, peak):
    hdr, sdr = 1 + 32 * (peak / 10000) ** (1 / 2.4), 1 + 32 * (100 / 10000) ** (1 / 2.4)
    v = math.log(1 + (hdr - 1) * v) / math.log(hdr)
    if v <= 0.7399:
        v = 1.0770 * v
    elif v < 0.9909:
        v = -1.1510 * v ** 2 + 2.7811 * v - 0.6302
    else:
        v = 0.5 * v + 0.5
    return (sdr ** v - 1) / (sdr - 1)


for line in sys.stdin:
    transfer, *numbers = line.split()
    peak, *rgb = map(float, numbers)
    nits = [pq(v) for v in rgb] if transfer == "pq" else hlg(rgb, peak)
    light = [min(v / peak, 1) for v in nits]
    linear = [sum(k * v for k, v in zip(row, light)) for row in M]
    a = max(linear)
    if a <= 0:
        print(0, 0, 0)
        continue
    direction = [1 - compress((a - v) / a, limit, t) for v, limit, t in zip(linear, LIMIT, [0.815, 0.803, 0.880])]
    v, q = a ** (1 / 2.4), max(a / max(light), 1) ** (1 / 2.4)
    if v > 0.5:
        v = 0.5 + (v - 0.5) / (1 + (q - 1) / (0.5 * (q - 0.5)) * (v - 0.5))
    v = bt2446a(v, peak)
    print(*(v * max(d, 0) ** (1 / 2.4) for d in direction))
