#!/usr/bin/env python3
"""results.py VGG OUT CONTENT...: pictures and built-in styles beside the networks' results and the best that the losses allow.

  pip install torch numpy pillow
  python3 documents/results.py vgg_normalised.pth documents/results.jpg astronaut.png chelsea.png

A row for each content, with one style after the other: content, style, what `adain stylize` makes of them with each built-in network, and a picture
found by gradient descent on its own pixels (Gatys, Ecker & Bethge 2016) for the losses that the networks were trained on (Huang & Belongie 2017,
equations 11 to 13), which shows what these allow. Style and content ratios of all, as documents/scores.md defines them, are printed.
ADAIN names the command (build/adain).
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
from PIL import Image

import styles

SIDE, TILE = 512, 200  # pixels of a picture, and of its place in the sheet
STYLES = "palette-knife", "ink-and-colour", "woodcut", "warm-oil", "charcoal", "pale-watercolour"
NETWORKS = "lite", "fine"
TAPS = 3, 10, 17, 30  # indices behind relu1_1, relu2_1, relu3_1, relu4_1


def loss_network(path):
    """VGG-19 to relu4_1 in pytorch-AdaIN's order of layers."""
    state, layers, inputs = torch.load(path, map_location="cpu", weights_only=True), [], 3
    plan = [(3, 1), (64, 3), (64, 3), "pool", (128, 3), (128, 3), "pool", (256, 3), (256, 3), (256, 3), (256, 3), "pool", (512, 3)]
    for layer in plan:
        if layer == "pool":
            layers.append(torch.nn.MaxPool2d(2, 2, 0, ceil_mode=True))
            continue
        width, kernel = layer
        if kernel == 1:
            layers.append(torch.nn.Conv2d(inputs, width, 1))
        else:
            layers += [torch.nn.ReflectionPad2d(1), torch.nn.Conv2d(inputs, width, 3), torch.nn.ReLU()]
        inputs = width
    network = torch.nn.Sequential(*layers).requires_grad_(False)
    network.load_state_dict({k: v for k, v in state.items() if int(k.split(".")[0]) < len(layers)})
    return network


def features(network, x):
    """What the four layers answer to x (1,3,H,W)."""
    taps = []
    for i, layer in enumerate(network):
        x = layer(x)
        if i in TAPS:
            taps.append(x)
    return taps


def statistics(f):
    return f.mean((2, 3), keepdim=True), (f.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()


def style_loss(taps, wanted):
    return sum(((a - b) ** 2).mean() for f, s in zip(taps, wanted) for a, b in zip(statistics(f), s))


def optimised(network, content, style, weight, steps):
    """The picture (1,3,H,W) that Adam finds from the content's."""
    wanted = [statistics(f) for f in features(network, style)]
    f = features(network, content)[-1]
    mean, std = statistics(f)
    target = (f - mean) / std * wanted[-1][1] + wanted[-1][0]
    x = content.clone().requires_grad_(True)
    descent = torch.optim.Adam([x], lr=0.02)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(descent, steps)
    for _ in range(steps):
        descent.zero_grad()
        taps = features(network, x)
        (((taps[-1] - target) ** 2).mean() + weight * style_loss(taps, wanted)).backward()
        descent.step()
        rate.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return x.detach()


def tensor(path):
    """The square in the middle of a picture at SIDE pixels, (1,3,SIDE,SIDE) in [0,1]."""
    picture = Image.open(path).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.resize((SIDE, SIDE), Image.LANCZOS, (left, top, left + side, top + side))
    return torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).reshape(1, SIDE, SIDE, 3).permute(0, 3, 1, 2).float() / 255


def image(x):
    return Image.fromarray((x[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())


def ratios(network, y, content, style):
    """Style and content ratio of a result."""
    of = {name: features(network, x) for name, x in (("y", y), ("c", content), ("s", style))}
    wanted = [statistics(f) for f in of["s"]]
    distance = lambda a: ((of[a][-1] - of["c"][-1]) ** 2).mean()
    return float(style_loss(of["y"], wanted) / style_loss(of["c"], wanted)), float(distance("y") / distance("s"))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("vgg", help="weights of the loss network, pytorch-AdaIN's vgg_normalised.pth")
    options.add_argument("out")
    options.add_argument("content", nargs="+")
    options.add_argument("--steps", type=int, default=80)
    options.add_argument("--style-weight", type=float, default=10)
    o = options.parse_args()
    adain = os.environ.get("ADAIN", str(pathlib.Path(__file__).parent.parent / "build/adain"))
    network = loss_network(o.vgg)
    sheet = Image.new("RGB", ((3 + len(NETWORKS)) * TILE, len(o.content) * TILE), "white")
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        painted = path("styles")
        subprocess.run([sys.executable, styles.__file__, painted], check=True)
        for row, file in enumerate(o.content):
            name = STYLES[row % len(STYLES)]
            content, style = tensor(file), tensor(os.path.join(painted, name + ".png"))
            image(content).save(path("content.png"))
            image(style).save(path("style.png"))
            columns = [content, style]
            for built_in in NETWORKS:
                subprocess.run([adain, "stylize", "--weights", built_in, "--content", path("content.png"), "--style", path("style.png"),
                                "--precision", "float32", "--quiet", "--out", path("result.png")], check=True)
                columns.append(tensor(path("result.png")))
            columns.append(optimised(network, content, style, o.style_weight, o.steps))
            for column, picture in enumerate(columns):
                sheet.paste(image(picture).resize((TILE - 4, TILE - 4), Image.LANCZOS), (TILE * column + 2, TILE * row + 2))
            with torch.no_grad():
                scores = [ratios(network, y, content, style) for y in columns[2:]]
            figures = ", ".join(f"{of} {s:.3f} {c:.3f}" for of, (s, c) in zip((*NETWORKS, "descent"), scores))
            print(f"{os.path.basename(file)}, {name}, style and content ratio: {figures}", flush=True)
    sheet.save(o.out, quality=88)


if __name__ == "__main__":
    main()
