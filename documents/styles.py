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


def warm_oil():
    p = Painter(1, (150, 80, 40))
    colours = p.regions([(24, 38, 84), (40, 92, 140), (120, 158, 170), (232, 204, 140), (226, 150, 52), (196, 84, 36), (108, 40, 30)], 4)
    p.strokes(5200, colours, swirl(p, 3, 1.2), 46, 10, shade=13)
    p.strokes(2200, colours, swirl(p, 3, 1.2), 34, 6, shade=16)
    p.light(0.4)
    return p


def autumn_oil():
    p = Painter(2, (60, 44, 28))
    colours = p.regions([(40, 46, 30), (88, 88, 40), (150, 112, 44), (204, 132, 40), (190, 70, 30), (96, 40, 34), (214, 190, 132)], 7)
    p.strokes(9000, colours, swirl(p, 24, 2), 20, 9, shade=15, bristles=3)
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


def ochre():
    p = Painter(7, (206, 150, 44))
    p.set(p.regions([(214, 160, 48), (226, 180, 74), (196, 134, 34), (172, 108, 30), (92, 58, 28)], 3, weights=[5, 4, 4, 2, 1]))
    p.colour = p.colour.filter(ImageFilter.GaussianBlur(6))
    p.strokes(1500, p.values(), 0.2 * p.noise(3) + np.pi / 2, 60, 16, shade=9, bristles=7, relief=30)
    y, x = np.mgrid[:SIDE, :SIDE]
    p.add(9 * (np.sin(x * np.pi / 2.5) + np.sin(y * np.pi / 2.5))[..., None] + 6 * p.noise(120, 1)[..., None])  # canvas
    p.strokes(130, np.full((SIDE, SIDE, 3), (60.0, 36.0, 20.0)), swirl(p, 3, 1), 40, 6, shade=10)
    p.light(0.5)
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


def scarlet():
    p = Painter(10, (200, 24, 24))
    p.set(p.regions([(206, 22, 28), (228, 40, 30), (44, 30, 34), (240, 228, 208), (244, 190, 40), (206, 22, 28), (34, 92, 170)], 5, weights=[5, 4, 2, 1.2, 1, 5, 0.6]))
    y, x = np.mgrid[:SIDE, :SIDE]
    dots = ((x % 12 - 6) ** 2 + (y % 12 - 6) ** 2 < 11)[..., None]
    p.set(np.where(dots & (p.noise(2)[..., None] > 0.35), (250, 232, 214), p.values()))
    p.strokes(620, p.values(), swirl(p, 3, 1), 70, 14, shade=12, bristles=5)
    p.light(0.5)
    return p


def sunset():
    p = Painter(11, (240, 140, 60))
    y = np.mgrid[:SIDE, :SIDE][0] / SIDE + 0.05 * p.noise(4)
    stops = np.array([(30, 34, 92), (98, 52, 128), (206, 74, 110), (250, 132, 66), (255, 202, 92), (244, 120, 60), (96, 44, 96), (26, 26, 66)], float)
    at = (y * (len(stops) - 1)).clip(0, len(stops) - 1.001)
    low = at.astype(int)
    p.set(stops[low] + (at - low)[..., None] * (stops[low + 1] - stops[low]))
    p.strokes(2400, p.values(), 0.25 * p.noise(3), 74, 9, shade=13, bristles=3, relief=20)
    p.light(0.4)
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


PAINTED = (autumn_oil, charcoal, ember, fresco, ink_and_colour, ochre, pale_watercolour, palette_knife, scarlet, sunset, warm_oil, woodcut)

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    for paint in PAINTED:
        paint().colour.save(os.path.join(sys.argv[1], paint.__name__.replace("_", "-") + ".png"))
