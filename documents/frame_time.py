#!/usr/bin/python3
"""frame_time.py [--kernels NETWORK WIDTHxHEIGHT]: what a frame is expected to take on an H100 or H200, from arithmetic alone.

No figure here was measured. Each kernel takes the longest of: the products of its tiles at the share of the tensor cores' rate that
such loops reach, what it reads from L2, what it reads from and writes to memory, and for the ends the instructions of a warp; in
whole rounds of the processors. Where a measurement contradicts it, this is mended first. Three sets of assumptions, low, central and
high: share of the rate, clock, bytes per clock of L2. Without arguments it prints frames per second of two networks and sizes, before and
after the changes listed in gpu.md.
"""
import argparse
import math
from dataclasses import dataclass

PROCESSORS = 132
BANDWIDTH = {"H100": 0.88 * 3.35e12, "H200": 0.88 * 4.8e12}
WIDTHS = {"vgg19": (64, 128, 256, 512), "lite": (16, 32, 64, 256)}
ASSUMED = {"low": (0.65, 1.6e9, 24), "central": (0.80, 1.7e9, 28), "high": (0.90, 1.75e9, 31)}
GAP = 3e-6  # seconds between two kernels of a graph, with the prologue of the second
HOST = 45e-6  # seconds that the GPU rests where the host waits for each frame
SMALL_ROUND = 1.4  # cuda/layout.go


@dataclass
class Shape:
    """An instance of conv90.cu: rows of a tile of 16 columns, channels, results that pass through shared memory at a time, taps that one
    warpgroup is ahead, whether warpgroups take tiles in turn, whether weights stay in shared memory."""
    rows: int
    channels: int
    staged: int
    lead: int = 0
    turns: bool = False
    resident: bool = False


SHAPES = {
    "c64": Shape(16, 64, 128, turns=True, resident=True), "c64_pool": Shape(16, 64, 64, turns=True, resident=True),
    "c64to128": Shape(16, 128, 32, lead=1, resident=True), "c128to64": Shape(16, 64, 32, turns=True, resident=True),
    "c128": Shape(16, 128, 64, lead=2), "c128_pool": Shape(16, 128, 64, lead=2), "c128_small": Shape(8, 128, 128, lead=2),
    "c64_up": Shape(8, 64, 64, resident=True), "c128_up": Shape(16, 128, 64, lead=2),
}


@dataclass
class Layer:
    name: str
    cin: int
    cout: int
    width: int
    height: int
    pool: bool = False
    up: bool = False
    bilinear: bool = False  # how it upsamples: pixels between pixels leave no four taps that share a product

    def output(self):
        """Pixels behind the layer."""
        return self.width * self.height * (4 if self.up else 1) / (4 if self.pool else 1)


def layers(network, width, height):
    """The layers from plane to plane."""
    a, b, c, d = WIDTHS[network]
    w, h = [[math.ceil(n / k) for k in (1, 2, 4, 8)] for n in (width, height)]
    at = lambda name, cin, cout, level, **kind: Layer(name, cin, cout, w[level], h[level], **kind)
    return [at("conv1_2", a, a, 0, pool=True), at("conv2_1", a, b, 1), at("conv2_2", b, b, 1, pool=True), at("conv3_1", b, c, 2),
            at("conv3_2", c, c, 2), at("conv3_3", c, c, 2), at("conv3_4", c, c, 2, pool=True), at("conv4_1", c, d, 3),
            at("mirror4_1", d, c, 3), at("mirror3_4", c, c, 3, up=True), at("mirror3_3", c, c, 2), at("mirror3_2", c, c, 2),
            at("mirror3_1", c, b, 2), at("mirror2_2", b, b, 2, up=True, bilinear=network == "lite"), at("mirror2_1", b, a, 1), at("mirror1_2", a, a, 1, up=True)]


def kernel(layer, before):
    """The instance of conv90.cu for a layer, None where mma.sync computes it."""
    if layer.cin % 64 or layer.cout % 64:
        return None
    end = "_pool" if layer.pool else "_up" if layer.up else ""
    if layer.cin == 64 and layer.cout == 64:
        return "c64" + end
    if layer.cin == 64 and layer.cout == 128 and not end:
        return "c64to128" if before else "c64"
    if layer.cin == 128 and layer.cout == 64 and not end:
        return "c128to64"
    if end:
        return "c128" + end
    rounds = lambda rows: math.ceil(math.ceil(layer.width / 16) * math.ceil(layer.height / rows) * layer.cout // 128 / PROCESSORS) * rows
    return "c128_small" if rounds(8) * (1 if before else SMALL_ROUND) < rounds(16) else "c128"


def conv90(name, layer, assumed, bandwidth, fused=False):
    """Seconds of a layer by wgmma; fused: with the first layer in front, whose pixels come from no plane."""
    share, clock, l2 = assumed
    s = SHAPES[name]
    pixels, blocks, phases = 16 * s.rows, layer.cin // 64, 4 if name == "c128_up" else 1
    side = 2 if name == "c128_up" else 3
    tiles = math.ceil(layer.width / 16) * math.ceil(layer.height / s.rows) * (layer.cout // s.channels) * phases
    products = 64 * 64 if name == "c64_up" else side * side * blocks * 4 * (pixels / 2) * (s.channels / 64)
    boxes = 0 if fused else (s.rows + side - 1) * 16 * 128 * side * blocks
    weights = 0 if s.resident else side * side * blocks * s.channels * 128
    results = pixels * (4 if name == "c64_up" else 1) / (4 if layer.pool else 1)
    written = results * s.channels * 2
    copies = (boxes + weights) / l2 + written / 32
    epilogue = max(1, pixels / (4 if layer.pool else 1) / s.staged) * 380 + 250 + written / (2 if s.channels == 128 else 1) / 64 * 0.3
    if name == "c64_up":
        rest = 0.4 * (2 * 2 * 380 + 250)
    elif s.turns:
        rest = max(0, epilogue - products) + 120
    else:
        rest = max(150, epilogue - s.lead * 512)
    tile = max(products / share, copies) + rest
    read = layer.width * layer.height * 1.5 if fused else (layer.width + 2) * (layer.height + 2) * layer.cin * 2
    return max(math.ceil(tiles / PROCESSORS) * tile / clock, (read + layer.output() * layer.cout * 2) / bandwidth)


def mma(layer, clock, bandwidth):
    """Seconds of a layer by mma.sync."""
    n = next(n for n in (128, 64, 32, 16) if layer.cout % n == 0)
    rows, resident, taps = 8 if n == 128 else 16, {128: 2, 64: 2, 32: 3, 16: 4}[n], 4 if layer.up and not layer.bilinear else 9
    steps = taps * math.ceil(layer.cin / 32)
    tiles = math.ceil(layer.width / 16) * math.ceil(layer.height / rows) * (layer.cout // n) * (4 if layer.up else 1)
    products = 16 * rows * n * layer.cin * taps
    full = products / (2048 * 0.62)
    alone = 1600 + steps * max(110, full / steps) + 700 * max(1, n / 32)
    tile = max(full / 0.75, alone / resident)
    read = (layer.width + 2) * (layer.height + 2) * layer.cin * 2
    return max(math.ceil(tiles / PROCESSORS / resident) * resident * tile / clock, (read + layer.output() * layer.cout * 2) / bandwidth)


def last_up(width, height, clock, bandwidth):
    """Seconds of last_up_n16: groups of four warps on strips of 124 columns, four groups at a time on a processor, a warp's 800 instructions
    for a step of two rows at 0.55 of a scheduler's rate; rows as cuda/convolutions.go chooses them."""
    across, slots = math.ceil(width / 124), 4 * PROCESSORS
    rows = min(range(4, height + 4, 4), key=lambda r: math.ceil(across * math.ceil(height / r) / slots) * (r + 2))
    blocks = across * math.ceil(height / rows)
    steps = math.ceil(blocks / PROCESSORS) * (rows / 2 + 1)
    return max(steps * 800 / 0.55 / clock, width * height * (16 * 2 / 4 + 3) / bandwidth)


def frame(network, width, height, gpu, assumed, before=False):
    """(seconds, [(kernel, seconds)]) of a frame."""
    _, clock, _ = assumed
    bandwidth, wide, tiles = BANDWIDTH[gpu], WIDTHS[network][0], width * height / 256 / PROCESSORS
    vgg = wide >= 64
    first = max(tiles * max(1, wide / 64) * 1600 / 0.55 / clock * (1 if vgg else 0.65), width * height * (wide * 2 + 1.5) / bandwidth)
    last = max(tiles * (1600 if vgg else 1000) / 0.5 / clock, width * height * (wide * 2 + 3) / bandwidth)
    fuses, fuses_last, rows = vgg and not before, network == "lite" and not before, []
    if not fuses:
        rows.append(("first", first))
    for layer in layers(network, width, height):
        name = kernel(layer, before)
        if fuses_last and layer.name == "mirror1_2":
            continue
        if fuses and layer.name == "conv1_2":
            rows.append(("conv1_1, conv1_2 conv90_first_pool", conv90(name, layer, assumed, bandwidth, fused=True)))
        elif name:
            rows.append((f"{layer.name} conv90_{name}", conv90(name, layer, assumed, bandwidth)))
        else:
            rows.append((f"{layer.name} conv", mma(layer, clock, bandwidth)))
    deep = WIDTHS[network][3]
    plane = math.ceil(width / 8) * math.ceil(height / 8) * deep * 2
    rows.append(("statistics, smooth, adapt", 1.4 * plane / bandwidth + 13e-6 + 9 * deep * deep / 2 * 6 / bandwidth))
    rows.append(("mirror1_2, mirror1_1 last_up_n16", last_up(width, height, clock, bandwidth)) if fuses_last else ("last", last))
    launches = len(rows) + 3
    return sum(s for _, s in rows) + launches * GAP + (HOST if before else 0), rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kernels", nargs=2, metavar=("NETWORK", "WIDTHxHEIGHT"))
    a = arguments.parse_args()
    if a.kernels:
        width, height = map(int, a.kernels[1].split("x"))
        for before in (True, False):
            seconds, rows = frame(a.kernels[0], width, height, "H100", ASSUMED["central"], before)
            print(f"{a.kernels[0]} {width}x{height}, H100, central, {'before' if before else 'now'}: {seconds * 1e3:.2f} ms")
            for name, s in rows:
                print(f"  {name:36} {s * 1e6:8.0f} us")
        return
    print("| network, frame | GPU | before: low, central, high | now: low, central, high |\n| --- | --- | --- | --- |")
    for network in WIDTHS:
        for width, height in ((1920, 1080), (3840, 2160)):
            for gpu in BANDWIDTH:
                cells = [", ".join(f"{1 / frame(network, width, height, gpu, s, before)[0]:.0f}" for s in ASSUMED.values()) for before in (True, False)]
                print(f"| {network} {width}x{height} | {gpu} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
