#!/usr/bin/env python3
"""Paints the twelve pictures that the built-in styles are taken from, each in a hand of its own. Nothing in them is anybody else's.

  pip install numpy pillow
  python3 documents/styles.py pictures/
"""
import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 512


class Painter:
    """A canvas of colour and height; height is lit from the upper left at the end."""

    def __init__(self, seed, ground):
        self.random = np.random.default_rng(seed)
        self.colour = Image.new("RGB", (SIDE, SIDE), ground)
        self.height = Image.new("L", (SIDE, SIDE), 128)

    def noise(self, cells, octaves=3):
        """Smooth noise, about -1 to 1, with so many cells along a side."""
        total, size = np.zeros((SIDE, SIDE)), 1.0
        for _ in range(octaves):
            grid = self.random.normal(size=(cells + 3, cells + 3)).astype(np.float32)
            total += size * np.asarray(Image.fromarray(grid).resize((SIDE, SIDE), Image.BICUBIC))
            cells, size = 2 * cells, size / 2
        return total / 1.2

    def regions(self, palette, cells, octaves=3, weights=None):
        """A colour for each pixel: bands of noise, one for each colour, (H,W,3)."""
        ranks = self.noise(cells, octaves).argsort(None).argsort().reshape(SIDE, SIDE) / SIDE**2
        limits = np.cumsum(weights or np.ones(len(palette)))
        return np.array(palette, float)[np.searchsorted(limits / limits[-1], ranks).clip(0, len(palette) - 1)]

    def strokes(self, number, colours, angles, length, width, shade=18, bristles=4, relief=40, bend=6):
        """Strokes that follow the angles and take the colour under their middle; bristles are lines in them, lighter and darker."""
        colour, height = ImageDraw.Draw(self.colour), ImageDraw.Draw(self.height)
        for _ in range(number):
            x, y = self.random.uniform(-20, SIDE + 20, 2)
            wide = max(1, width * self.random.uniform(0.5, 1.3))
            at = lambda v: int(np.clip(v, 0, SIDE - 1))
            paint = np.array(colours[at(y), at(x)]) + self.random.normal(0, shade) + self.random.normal(0, shade / 2, 3)
            path = [(x, y)]
            for _ in range(bend):
                angle = angles[at(y), at(x)]
                x, y = x + length / bend * np.cos(angle), y + length / bend * np.sin(angle)
                path.append((x, y))
            tone = lambda d: tuple(int(v) for v in np.clip(paint + d, 0, 255))
            colour.line(path, tone(0), round(wide), "curve")
            height.line(path, 150, round(wide), "curve")
            angle = angles[at(y), at(x)] + np.pi / 2
            for k in np.linspace(-0.45, 0.45, bristles) if bristles else ():
                d = self.random.normal(0, 1)
                line = [(px + k * wide * np.cos(angle), py + k * wide * np.sin(angle)) for px, py in path]
                colour.line(line, tone(d * shade), max(1, round(wide / 8)))
                height.line(line, int(np.clip(150 + relief * d, 0, 255)), max(1, round(wide / 8)))

    def light(self, strength):
        h = np.asarray(self.height.filter(ImageFilter.GaussianBlur(0.7)), float)
        slope = (np.roll(h, 1, 0) - h) + (np.roll(h, 1, 1) - h)
        self.add(-strength * slope[..., None])

    def add(self, values):
        self.set(np.asarray(self.colour, float) + values)

    def set(self, values):
        self.colour = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))

    def values(self):
        return np.asarray(self.colour, float)

    def paper(self, strength, cells=170):
        self.add(strength * self.noise(cells, 1)[..., None])


def edges(levels):
    """Where a map of levels changes, (H,W) of 0 and 1."""
    return ((levels != np.roll(levels, 1, 0)) | (levels != np.roll(levels, 1, 1))).astype(float)


def swirl(p, cells, turns):
    return turns * np.pi * p.noise(cells, 2)


def pieces(p, side, jitter):
    """Pieces that a surface is laid of, about side pixels: the middle of that which each pixel lies in, (H,W,2) as y and x, and how far
    the pixel is from the piece's edge."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    cells = SIDE // side + 6
    moved = p.random.uniform(-jitter, jitter, (cells, cells, 2))
    distances, middles = [], []
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            row, column = (y / side).astype(int) + dy, (x / side).astype(int) + dx
            middle = np.stack([(row + 0.5) * side, (column + 0.5) * side], -1) + side * moved[row + 2, column + 2]
            distances.append(np.hypot(y - middle[..., 0], x - middle[..., 1]))
            middles.append(middle)
    order = np.argsort(distances, 0)
    nearest = np.take_along_axis(np.array(distances), order[:2], 0)
    middle = np.take_along_axis(np.array(middles), order[:1, ..., None], 0)[0]
    return middle.round().astype(int).clip(0, SIDE - 1), (nearest[1] - nearest[0]) / 2


def warm_oil():
    p = Painter(1, (150, 80, 40))
    colours = p.regions([(24, 38, 84), (40, 92, 140), (120, 158, 170), (232, 204, 140), (226, 150, 52), (196, 84, 36), (108, 40, 30)], 4)
    p.strokes(5200, colours, swirl(p, 3, 1.2), 46, 10, shade=13)
    p.strokes(2200, colours, swirl(p, 3, 1.2), 34, 6, shade=16)
    p.light(0.4)
    return p


def charcoal():
    p = Painter(3, (226, 224, 218))
    tone = p.noise(4)
    for level, angle in ((0.3, 0.8), (-0.1, 2.2), (-0.6, 0.2), (-1.0, 1.4)):
        dark = np.where((tone < level)[..., None], (52, 50, 50), (222, 220, 214)).astype(float)
        p.strokes(1500, dark, np.full((SIDE, SIDE), angle) + 0.15 * tone, 60, 2.4, shade=22, bristles=0)
    p.colour = Image.blend(p.colour, p.colour.filter(ImageFilter.GaussianBlur(3)), 0.35)
    p.strokes(260, np.full((SIDE, SIDE, 3), 28.0), swirl(p, 3, 1), 110, 4, shade=10, bristles=2)
    p.set(p.values().mean(2, keepdims=True) * (1, 0.985, 0.96))
    p.paper(14)
    return p


def ember():
    p = Painter(4, (14, 8, 10))
    colours = p.regions([(10, 8, 16), (28, 14, 34), (60, 14, 20), (130, 24, 14), (214, 70, 14), (255, 168, 50)], 4, weights=[5, 4, 3, 3, 2, 1])
    p.strokes(4800, colours, swirl(p, 3, 1.5), 52, 10, shade=14)
    p.light(0.5)
    glow = p.colour.filter(ImageFilter.GaussianBlur(9))
    p.add(0.35 * np.asarray(glow, float))
    return p


def fresco():
    p = Painter(5, (222, 206, 188))
    p.set(p.regions([(206, 168, 148), (226, 206, 186), (190, 132, 116), (200, 186, 150), (150, 158, 150), (232, 220, 206)], 5, 4))
    p.colour = p.colour.filter(ImageFilter.GaussianBlur(4))
    p.strokes(2600, p.values(), swirl(p, 5, 1), 26, 11, shade=8, bristles=5, relief=25)
    p.add(-60 * np.clip(1 - 14 * np.abs(p.noise(7, 4)), 0, 1)[..., None])  # cracks
    p.add(np.where(p.noise(40, 3) > 1.35, 34.0, 0)[..., None] + 9 * p.noise(90, 2)[..., None])
    p.light(0.5)
    return p


def gouache():
    p = Painter(11, (246, 232, 206))
    colours = p.regions([(38, 70, 83), (42, 157, 143), (138, 177, 125), (246, 232, 206), (233, 196, 106), (244, 162, 97), (231, 111, 81)], 3, 2)
    p.set(colours)
    p.strokes(900, colours, 0.6 * p.noise(2), 90, 30, shade=7, bristles=0)
    p.strokes(240, colours, 0.6 * p.noise(2), 120, 22, shade=16, bristles=9, relief=0)  # a dry brush
    p.paper(3, 120)
    return p


def ink_and_colour():
    p = Painter(6, (250, 248, 242))
    wash = p.regions([(248, 244, 234), (232, 84, 62), (248, 244, 234), (44, 140, 196), (248, 244, 234), (244, 180, 50), (110, 76, 160)], 4, weights=[5, 2, 4, 2.2, 4, 2, 1.4])
    p.set(wash)
    p.colour = p.colour.filter(ImageFilter.GaussianBlur(1.5))
    levels = np.floor(1.1 * p.noise(4, 2))
    line = Image.fromarray((255 * edges(levels)).astype(np.uint8)).filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(0.8))
    p.set(p.values() * (1 - np.asarray(line, float)[..., None] / 300))
    p.strokes(150, np.full((SIDE, SIDE, 3), 34.0), swirl(p, 5, 1.6), 46, 3, shade=8, bristles=0)
    p.paper(4)
    return p


def mosaic():
    p = Painter(2, (70, 64, 58))
    colours = p.regions([(26, 58, 110), (40, 108, 150), (96, 160, 160), (214, 178, 84), (240, 226, 190), (176, 72, 48), (90, 112, 60)], 4, 2)
    middle, edge = pieces(p, 15, 0.22)
    stone = colours[middle[..., 0], middle[..., 1]] + p.random.normal(0, 20, (SIDE, SIDE))[middle[..., 0], middle[..., 1]][..., None]
    whole = np.clip((edge - 0.9) / 0.9, 0, 1)[..., None]
    p.set(whole * stone + (1 - whole) * p.values())
    p.height = Image.fromarray((128 + 40 * np.clip(edge / 3, 0, 1)).astype(np.uint8))
    p.light(0.8)
    p.paper(6)
    return p


def pale_watercolour():
    p = Painter(8, (250, 248, 244))
    page = np.full((SIDE, SIDE, 3), (250.0, 248.0, 243.0))
    for colour in [(150, 190, 222), (244, 190, 150), (178, 206, 168), (214, 178, 214), (120, 160, 206), (250, 220, 150)] * 2:
        shape = p.noise(3, 5)
        inside = 1 / (1 + np.exp(-22 * (shape - 0.75)))
        rim = np.exp(-((shape - 0.8) / 0.06) ** 2)
        wet = (0.42 + 0.16 * p.noise(5, 4)).clip(0, 1) * inside + 0.3 * rim
        page *= 1 - wet.clip(0, 0.9)[..., None] * (1 - np.array(colour) / 255)
    p.set(page)
    p.paper(5, 120)
    return p


def palette_knife():
    p = Painter(9, (120, 110, 100))
    colours = p.regions([(28, 60, 92), (46, 130, 140), (150, 186, 150), (236, 224, 190), (224, 120, 80), (150, 60, 92), (232, 178, 60), (60, 52, 70)], 6)
    for size, number in ((44, 500), (28, 1100), (16, 1300)):
        angles = np.round(swirl(p, 6, 1) / 0.6) * 0.6
        p.strokes(number, colours, angles, size, 0.62 * size, shade=20, bristles=9, relief=16, bend=1)
    p.light(0.7)
    return p


def pop():
    p = Painter(10, (250, 240, 214))
    levels = p.regions([(232, 30, 44), (252, 214, 28), (250, 240, 214), (30, 120, 220), (250, 240, 214), (240, 100, 160)], 3, 1, weights=[4, 4, 3, 3, 2, 2])
    y, x = np.mgrid[:SIDE, :SIDE]
    u, v = (x + y) / 2**0.5 % 9 - 4.5, (x - y) / 2**0.5 % 9 - 4.5
    dots = (u**2 + v**2 < 2 + 9 * (0.5 + 0.3 * p.noise(2))) & (p.noise(3, 1) > -0.2)
    printed = np.where(dots[..., None], np.roll(levels, 90, 0), levels)
    line = Image.fromarray((255 * edges(levels[..., 1] + 0.3 * levels[..., 2])).astype(np.uint8)).filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(0.8))
    p.set(printed + np.asarray(line, float)[..., None] / 255 * ((16, 16, 20) - printed))
    return p


def stained_glass():
    p = Painter(7, (12, 12, 14))
    colours = p.regions([(20, 40, 150), (20, 120, 170), (180, 20, 40), (250, 180, 30), (30, 140, 70), (120, 30, 130), (250, 236, 190)], 4, 2)
    middle, edge = pieces(p, 44, 0.42)
    glass = colours[middle[..., 0], middle[..., 1]] * (1 + 0.22 * p.noise(14, 3))[..., None] + 26 * np.clip(edge / 16, 0, 1)[..., None]
    whole = np.clip(edge - 2.6, 0, 1)[..., None]
    p.set(whole * glass + (1 - whole) * p.values())
    p.add(0.22 * np.asarray(p.colour.filter(ImageFilter.GaussianBlur(5)), float))
    return p


def woodcut():
    p = Painter(12, (234, 224, 204))
    tone, flow = p.noise(3, 2), p.noise(2, 2)
    y, x = np.mgrid[:SIDE, :SIDE]
    wave = np.sin((x * np.cos(0.6) + y * np.sin(0.6) + 34 * flow) * 2 * np.pi / 11)
    black = wave > 0.95 * np.tanh(1.5 * tone) + 0.15 * p.noise(60, 1)
    black |= edges(np.floor(1.4 * tone)) > 0
    ink = Image.fromarray((255 * black).astype(np.uint8)).filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(0.7))
    p.set(p.values() - np.asarray(ink, float)[..., None] / 255 * (p.values() - (46, 38, 38)))
    p.add(np.where(p.noise(150, 1) > 1.5, 26.0, 0)[..., None])
    return p


PAINTED = (charcoal, ember, fresco, gouache, ink_and_colour, mosaic, pale_watercolour, palette_knife, pop, stained_glass, warm_oil, woodcut)

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    for paint in PAINTED:
        paint().colour.save(os.path.join(sys.argv[1], paint.__name__.replace("_", "-") + ".png"))
