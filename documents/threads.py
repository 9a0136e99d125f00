#!/usr/bin/python3
"""threads.py ADAIN [--size WIDTHxHEIGHT] [--precision FORMAT]: how a frame's time is expected to fall with more threads than this machine has.

Each stage of a frame is a list of chunks that threads take one after another, then a barrier. The engine divides layers for the number of
threads that it is given, so that number runs on one core here, which measures the chunks of the real division, smaller ones being less
efficient. With a core for each thread a stage takes its longest thread, ceil(chunks / threads) of its chunks, and a barrier. Where a chunk is
a tile of a fixed number that is exact, and for rows nearly so: they have lengths that differ by one.

What a thread costs that runs on one core with others, and is no chunk, is what a frame of 16x16 pixels costs, and is taken off. A barrier
takes what it takes two threads here (low), or that for each doubling of them, as a tree of wake-ups does (high). Caches and memory that
more cores share are not in it: where the machine's memory is full before its cores are, a frame takes longer.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile

THREADS = (1, 2, 4, 8, 16, 32, 64)


def measure(options, size, threads, core, runs):
    """The layers of a frame as `adain bench --layers --json` tells them: a list of dictionaries. One core, or all with None."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    with tempfile.TemporaryDirectory() as nothing_kept:
        printed = subprocess.run(pinned + [options.adain, "bench", "--device", "cpu", "--quiet", "--json", "--layers", "--size", size, "--precision",
                                           options.precision, "--threads", str(threads), "--runs", str(runs)],
                                 env={**os.environ, "XDG_CACHE_HOME": nothing_kept}, check=True, capture_output=True, text=True).stdout
    return json.loads(printed.splitlines()[-1])["layers"]


def total(layers):
    """Milliseconds of a frame."""
    return sum(l["ms"] for l in layers)


def predict(layers, idle, threads, barrier):
    """Milliseconds of a frame with a core for each thread, from the layers on one core and those of the frame of next to nothing."""
    time = 0.0
    for layer, nothing in zip(layers, idle):
        work = max(layer["ms"] - (nothing["ms"] if threads > 1 else 0), 0)
        chunks = layer.get("chunks", 0)
        alone = min(layer.get("alone_ms", 0), work)
        share = math.ceil(chunks / threads) / chunks if chunks else 1 / threads
        time += (work - alone) * share + alone + barrier
    return time


def main():
    """Prints a row for each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("adain")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    # The stages of a frame of 16x16 have next to nothing in them but their barrier.
    pair = min(l["ms"] for l in measure(options, "16x16", 2, None, 200) if l.get("chunks"))
    print(f"a barrier of two threads: {1e3 * pair:.0f} us at most; {options.size}, {options.precision}")
    print("| threads | ms: low, high | against one thread | work of the smaller chunks |\n| --- | --- | --- | --- |")
    first = None
    for threads in THREADS:
        layers = measure(options, options.size, threads, 0, options.runs)
        idle = measure(options, "16x16", threads, 0, 50)
        first = first or total(layers)
        work = total(layers) - (total(idle) if threads > 1 else 0)
        low, high = (predict(layers, idle, threads, b if threads > 1 else 0) for b in (pair, pair * math.log2(max(threads, 2))))
        print(f"| {threads} | {low:.2f}, {high:.2f} | {first / low:.1f}, {first / high:.1f} | {work / first:.2f} |")
    cores = os.cpu_count()
    print(f"measured with {cores} threads on {cores} cores: {total(measure(options, options.size, cores, None, options.runs)):.2f} ms")


main()
