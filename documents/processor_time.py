#!/usr/bin/python3
"""processor_time.py: what a frame is expected to take on small ARM computers, in float32, from arithmetic alone.

No figure for them was measured. A frame is its vector instructions (products by Winograd's algorithm, its transforms, the first and the last
layer directly), which a processor does at a share of its peak; that share is what an x86 processor reaches, whose times were measured. Then
maps are written to memory and read from it once. Low, central and high: share, and share of the memory's rate. A measurement that
contradicts it mends it.
"""
from dataclasses import dataclass

WIDTHS = {"built in": (16, 32, 64, 256), "vgg19": (64, 128, 256, 512)}
SIZES = ((640, 360), (1280, 720))


@dataclass
class Processor:
    name: str
    peak: float  # GFLOP/s in float32: cores x clock x lanes x 2 pipes x 2
    memory: float  # GB/s


# Peaks by Arm's software optimization guides: two pipes of 128 bits in Cortex-A76 and A78AE. Clocks and memory by Raspberry Pi Ltd (BCM2712,
# LPDDR4X-4267 with 32 bits) and by NVIDIA's data sheets (Jetson Orin Nano 8 GB at 1.5 GHz, AGX Orin 64 GB at 2.2 GHz).
COMPUTERS = (
    Processor("Raspberry Pi 5 (4 Cortex-A76)", 4 * 2.4 * 16, 17),
    Processor("Jetson Orin Nano (6 Cortex-A78AE)", 6 * 1.5 * 16, 68),
    Processor("Jetson AGX Orin (12 Cortex-A78AE)", 12 * 2.2 * 16, 205),
)
# Measured: `adain bench --layers` of two threads in float32; peak is its last line, that of oneDNN's matrix product.
MEASURED = (
    (Processor("two cores of a Xeon, AVX-512", 261, 40), {("built in", 640): 27.0, ("vgg19", 640): 351}),
)
ASSUMED = {"low": (0.6, 0.5), "central": (0.8, 0.65), "high": (1, 0.8)}  # of the measured share of the peak; of the memory's rate


def layers(widths):
    """(inputs, outputs, part of the frame's pixels at which it computes, kind) of each layer."""
    a, b, c, d = widths
    return [(3, a, 1, "direct"), (a, a, 1, "3x3"), (a, b, 1 / 4, "3x3"), (b, b, 1 / 4, "3x3"), (b, c, 1 / 16, "3x3"), (c, c, 1 / 16, "3x3"),
            (c, c, 1 / 16, "3x3"), (c, c, 1 / 16, "3x3"), (c, d, 1 / 64, "3x3"), (d, c, 1 / 64, "3x3"), (c, 4 * c, 1 / 64, "2x2"),
            (c, c, 1 / 16, "3x3"), (c, c, 1 / 16, "3x3"), (c, b, 1 / 16, "3x3"), (b, 4 * b, 1 / 16, "2x2" if a >= 64 else "3x3"), (b, a, 1 / 4, "3x3"),
            (a, 4 * a, 1 / 4, "2x2"), (a, 3, 1, "direct")]


def operations(widths, pixels):
    """Operations of a frame in GFLOP, two for each lane of an instruction, and what it moves through memory in GB."""
    total = moved = 0
    for inputs, outputs, part, kind in layers(widths):
        points = pixels * part
        if kind == "direct":
            total += 2 * points * 9 * inputs * outputs
        else:
            side = 4 if kind == "3x3" else 5
            tiles = points / side**2
            # Of a tile: 36 products; 12 transforms of 14 instructions for each input, 6 and side of 13 for each output; half of its loads
            # and stores, which other pipes do beside.
            into, back = 12 * 14 + 36, (6 + side) * 13 + 18 + side**2
            total += 2 * tiles * (36 * inputs * outputs + into * inputs + back * outputs)
        moved += 4 * points * (inputs + outputs)
    return total / 1e9, moved / 1e9


def share(processor, network, width, milliseconds):
    """Which share of its peak a processor reached."""
    height = dict(SIZES)[width]
    work, moved = operations(WIDTHS[network], width * height)
    return work / (milliseconds / 1e3 - moved / processor.memory) / processor.peak


def main():
    """Prints the shares that were measured and the table that is predicted."""
    shares = {name: [] for name in WIDTHS}
    for processor, times in MEASURED:
        for (network, width), milliseconds in times.items():
            shares[network].append(share(processor, network, width, milliseconds))
            print(f"{processor.name}, {network}, {width}: {milliseconds} ms, {100 * shares[network][-1]:.0f} % of its peak")
    print("\n| network, frame | computer | ms: low, central, high | frames a second |\n| --- | --- | --- | --- |")
    for network, widths in WIDTHS.items():
        reached = sum(shares[network]) / len(shares[network])
        for width, height in SIZES:
            work, moved = operations(widths, width * height)
            for computer in COMPUTERS:
                times = [work / (computer.peak * reached * factor) + moved / (computer.memory * rate) for factor, rate in ASSUMED.values()]
                print(f"| {network}, {width}x{height} | {computer.name} | {', '.join(f'{1e3 * t:.0f}' for t in times)} | "
                      f"{', '.join(f'{1 / t:.1f}' for t in times)} |")


main()
