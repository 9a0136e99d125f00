#!/usr/bin/env python3
"""Takes the lattice of its upsamplings out of a trained network, without training: least squares.

  pip install numpy pillow safetensors
  python3 documents/refit.py --content photos/train --style paintings/train trained.safetensors without.safetensors

A decoder that upsamples by repetition has features that differ between even and odd rows and columns, and its result has a lattice of
periods 2, 4 and 8. Layer by layer, behind the second upsampling, each convolution's weights are fitted anew: its input comes from the
layers that are fitted already, its target is what the trained layer made of the trained layers' features, less the mean of each
phase, 2x2, 4x4 or 8x8. The means of the new result's phases count as errors of their own, --weight times as much as a result's error.
The network's arithmetic stays what it was, and so do encoder and styles.
"""
import argparse
import glob
import os
import random

import numpy as np
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

ENCODER = (0, 2, 5, 9, 12, 16, 19, 22, 25, 29)
DECODER = (1, 5, 8, 11, 14, 18, 21, 25, 28)
POOLED, UPSAMPLED = (5, 12, 25), (1, 14, 21)
ALPHAS = (1, 1, 0.5, 1, 0, 1, 1, 0.75)
SIDE = 256


def windows(x, border="reflect"):
    """(C,H,W) -> (9C,HW): the 3x3 pixels around each, beyond the edge as np.pad calls it."""
    c, h, w = x.shape
    x = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode=border)
    return np.stack([x[:, i:i + h, j:j + w] for i in range(3) for j in range(3)], 1).reshape(9 * c, h * w)


def convolve(x, weight, bias, border="reflect"):
    x, shape = (windows(x, border) if weight.shape[2] == 3 else x.reshape(len(x), -1)), x.shape[1:]
    return (weight.reshape(len(weight), -1) @ x + bias[:, None]).reshape(-1, *shape)


def encode(network, x):
    for i in ENCODER:
        x = convolve(x, network[f"encoder.{i}.weight"], network[f"encoder.{i}.bias"])
        x = np.maximum(x, 0) if i else x
        if i in POOLED:
            c, h, w = x.shape
            x = x.reshape(c, h // 2, 2, w // 2, 2).max((2, 4))
    return x


def adain(content, style, alpha):
    mean = lambda f: f.mean((1, 2), keepdims=True)
    std = lambda f: np.sqrt(f.var((1, 2), keepdims=True) + 1e-5)
    return alpha * ((content - mean(content)) / std(content) * std(style) + mean(style)) + (1 - alpha) * content


def read(path):
    """A random square of a picture whose short side has SIDE pixels, (3,H,W)."""
    picture = Image.open(path).convert("RGB")
    scale = SIDE / min(picture.size)
    picture = picture.resize([max(SIDE, round(n * scale)) for n in picture.size], Image.LANCZOS)
    x, y = (random.randint(0, n - SIDE) for n in picture.size)
    return np.asarray(picture.crop((x, y, x + SIDE, y + SIDE)), np.float32).transpose(2, 0, 1) / 255


def phases(x, period):
    """(C,H,W) -> (C,period,period): the mean of each phase, less the mean of all."""
    c, h, w = x.shape
    mean = x.reshape(c, h // period, period, w // period, period).mean((1, 3), dtype=np.float64)
    return mean - mean.mean((1, 2), keepdims=True)


def upsample(x, kind):
    """(C,H,W) -> (C,2H,2W)."""
    if kind == "nearest":
        return x.repeat(2, 1).repeat(2, 2)
    for axis in (1, 2):
        one = [(0, 0)] * 3
        one[axis] = (1, 1)
        wide, n = np.pad(x, one, mode="edge"), x.shape[axis]
        before, after = (wide.take(range(i, i + n), axis) for i in (0, 2))
        x = np.stack([.75 * x + .25 * before, .75 * x + .25 * after], axis + 1).reshape([m * (1 + (a == axis)) for a, m in enumerate(x.shape)])
    return x


def fit(weight, bias, inputs, targets, period, penalty, border):
    """The weight and bias that make of inputs what targets are without their phases."""
    before = np.concatenate([weight.reshape(len(weight), -1), bias[:, None]], 1).T.astype(np.float64)
    left, right = np.zeros((len(before),) * 2), np.zeros(before.shape)
    for x, y in zip(inputs, targets):
        size = x.shape[1] * x.shape[2]
        columns = np.concatenate([windows(x, border), np.ones((1, size), np.float32)])
        y = y - np.tile(phases(y, period), (1, y.shape[1] // period, y.shape[2] // period)).astype(np.float32)
        left += columns @ columns.T
        right += columns @ y.reshape(len(y), -1).T
        lattice = phases(columns.reshape(len(columns), *x.shape[1:]), period).reshape(len(columns), -1)
        left += penalty * size / period**2 * lattice @ lattice.T
    ridge = 1e-4 * np.trace(left) / len(left) * np.eye(len(left))  # what the pictures do not settle stays as it was
    ridge[-1, -1] = 0
    after = np.linalg.solve(left + ridge, right + ridge @ before).astype(np.float32)
    return after[:-1].T.reshape(weight.shape), after[-1]


def refit(network, features, upsamplings, penalty):
    trained, fitted, period, border = list(features), list(features), 1, "reflect"
    for i in DECODER:
        weight, bias = network[f"decoder.{i}.weight"], network[f"decoder.{i}.bias"]
        trained = [convolve(x, weight, bias, border) for x in trained]
        if period > 2:
            weight, bias = fit(weight, bias, fitted, trained, period, penalty, border)
            network[f"decoder.{i}.weight"], network[f"decoder.{i}.bias"] = weight, bias
        fitted = [convolve(x, weight, bias, border) for x in fitted]
        if i != DECODER[-1]:
            trained, fitted = ([np.maximum(x, 0) for x in maps] for maps in (trained, fitted))
        border = "reflect"
        if i in UPSAMPLED:
            period *= 2
            kind = upsamplings[UPSAMPLED.index(i)]
            trained, fitted = ([upsample(x, kind) for x in maps] for maps in (trained, fitted))
            border = "edge" if kind == "bilinear" else "reflect"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", help="weights file")
    parser.add_argument("out", help="weights file to write, float32")
    parser.add_argument("--content", required=True, help="folder of photographs")
    parser.add_argument("--style", required=True, help="folder of paintings")
    parser.add_argument("--pairs", type=int, default=28)
    parser.add_argument("--weight", type=float, default=30)
    parser.add_argument("--seed", type=int, default=5)
    o = parser.parse_args()
    with safe_open(o.trained, "numpy") as f:
        metadata = dict(f.metadata() or {})
        network = {key: f.get_tensor(key).astype(np.float32) for key in f.keys()}
    upsamplings = metadata.get("upsampling", "nearest,nearest,nearest").split(",")
    random.seed(o.seed)
    contents, styles = (sorted(glob.glob(os.path.join(folder, "*"))) for folder in (o.content, o.style))
    features = []
    for n in range(o.pairs):
        content, style = read(random.choice(contents)), read(random.choice(styles))
        features.append(adain(encode(network, content), encode(network, style), ALPHAS[n % len(ALPHAS)]))
    refit(network, features, upsamplings, o.weight)
    metadata["lattice"] = f"taken out by documents/refit.py, {o.pairs} pairs, weight {o.weight:g}"
    for key in ("bfloat16_psnr_db", "int8", "int8_psnr_db"):  # of the network before
        metadata.pop(key, None)
    save_file({key: np.ascontiguousarray(v, np.float32) for key, v in network.items()}, o.out, metadata)


if __name__ == "__main__":
    main()
