#!/usr/bin/env python3
"""Time a training step in PyTorch, doing what `adain train` does, on the CPU in float32.

    step.py [--threads N] [--steps 10] [--case NAME ...]   one line per case: its name, what it trains on, median ms of a step
    step.py --check FILE ...                               compare losses, gradients and Adam steps with those in a file

Cases: decoder            the decoder of widths 64,128,256,512 for a frozen encoder, which is the loss network
       lite               encoder and decoder of widths 16,32,64,256 under a frozen loss network of widths 64,128,256,512
       decoder+identity   lite+identity     the same with the identity loss; ...+consistency and ...+lattice are there too

A step is forward, backward and Adam, on random pictures and weights; times do not depend on the values. The losses are those
that model/training.go defines. Before timing they are checked with model/testdata/training.safetensors.

A file to check (.safetensors) holds a batch and what a step on it gives, as model/testdata/training.safetensors does:
    content, style (N,3,H,W); alpha (N), 1 if missing; moved (N,3,H,W) and motion (N,6) for the consistency loss
    encoder.{i}.weight|bias  the loss network; decoder.{i}.*; student.encoder.{i}.*  the trained encoder
    loss.content, loss.style, loss.identity, loss.consistency, loss.lattice  of the decoder behind the loss network's own encoder
    loss_all.*  of the decoder behind the trained encoder
    grad.decoder.*, grad_all.*  gradients of content + 10*style; adam.loss  that sum before each step of Adam at rate 1e-3
What is missing is not compared. Needs torch 2 and safetensors.
"""
import argparse
import os
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn.functional import mse_loss

VGG19, LITE = (64, 128, 256, 512), (16, 32, 64, 256)
LEVELS = (3, 10, 17, 30)  # relu1_1 to relu4_1 in the encoder's nn.Sequential
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/testdata/training.safetensors")


def sequence(*parts):
    """Numbers are 3x3 convolutions (in, out) with reflection padding and ReLU, words what follows them."""
    layers = []
    for part in parts:
        if part == "pool":
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        elif part == "up":
            layers.append(nn.Upsample(scale_factor=2))
        else:
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(*part, 3), nn.ReLU(inplace=True)]
    return layers


def encoder(a, b, c, d):
    return nn.Sequential(nn.Conv2d(3, 3, 1), *sequence((3, a), (a, a), "pool", (a, b), (b, b), "pool",
                                                       (b, c), (c, c), (c, c), (c, c), "pool", (c, d)))


def decoder(a, b, c, d):
    return nn.Sequential(*sequence((d, c), "up", (c, c), (c, c), (c, c), (c, b), "up", (b, b), (b, a), "up", (a, a), (a, 3))[:-1])


def levels(network, x):
    out = []
    for i, layer in enumerate(network):
        x = layer(x)
        if i in LEVELS:
            out.append(x)
    return out


def stats(x):
    return x.mean((2, 3)), (x.var((2, 3), correction=0) + 1e-5).sqrt()


def adain(x, style, alpha):
    mean, std = (v[:, :, None, None] for v in stats(x))
    style_mean, style_std = (v[:, :, None, None] for v in stats(style))
    a = alpha[:, None, None, None]
    return a * ((x - mean) / std * style_std + style_mean) + (1 - a) * x


def overlap(y, moved, motion):
    """The samples of both that show the same: (x,y) of moved is the point (x, y, 1) * motion, of two rows, of y."""
    h, w = y.shape[1:]
    rows, cols = torch.meshgrid(torch.arange(h, dtype=y.dtype), torch.arange(w, dtype=y.dtype), indexing="ij")
    px, py = torch.einsum("ij,jhw->ihw", motion.reshape(2, 3).to(y.dtype), torch.stack([cols, rows, torch.ones_like(cols)]))
    grid = torch.stack([2 * px / (w - 1) - 1, 2 * py / (h - 1) - 1], -1)
    a = nn.functional.grid_sample(y[None], grid[None], "bilinear", "border", align_corners=True)[0]
    shown = (px >= 0) & (py >= 0) & (px <= w - 1) & (py <= h - 1)
    return a[:, shown].flatten(), moved[:, shown].flatten()


class Step(nn.Module):
    """forward(batch) gives the losses of the wanted names; student is None where the loss network's encoder stays."""

    def __init__(self, loss, student, dec):
        super().__init__()
        self.loss, self.student, self.dec = loss, student, dec
        loss.requires_grad_(False)
        if student is not None:
            student[0].requires_grad_(False)

    def trained(self):
        return [p for p in self.parameters() if p.requires_grad]

    def forward(self, batch, wanted):
        content, style, alpha = batch["content"], batch["style"], batch["alpha"]
        with torch.no_grad():
            c, s = levels(self.loss, content), levels(self.loss, style)
        if self.student is None:
            own, own_style, encode = c[3], s[3], self.loss
        else:
            own, own_style, encode = self.student(content), self.student(style), self.student
        y = self.dec(adain(own, own_style, alpha))
        losses = {}
        if wanted & {"content", "style"}:
            seen = levels(self.loss, y)
            losses["content"] = mse_loss(seen[3], adain(c[3], s[3], alpha))
            a = alpha[:, None]
            losses["style"] = sum(mse_loss(v, a * t + (1 - a) * u) for f, g, k in zip(seen, s, c)
                                  for v, t, u in zip(stats(f), stats(g), stats(k)))
        if "identity" in wanted:
            losses["identity"] = mse_loss(self.dec(own), content)
        if "consistency" in wanted:
            again = self.dec(adain(encode(batch["moved"]), own_style, alpha))
            pairs = [overlap(*v) for v in zip(y, again, batch["motion"])]
            losses["consistency"] = mse_loss(torch.cat([b for _, b in pairs]), torch.cat([a for a, _ in pairs]))
        if "lattice" in wanted:
            phases = y.unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).mean((2, 4))
            losses["lattice"] = (phases - phases.mean((2, 3), keepdim=True)).square().mean()
        return losses


def build(case, seed=1):
    torch.manual_seed(seed)
    lite = case.split("+")[0] == "lite"
    widths = LITE if lite else VGG19
    step = Step(encoder(*VGG19), encoder(*widths) if lite else None, decoder(*widths))
    with torch.no_grad():
        for m in step.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight)
                m.bias.zero_()
    return step


def measure(case, o):
    step = build(case)
    n, size = o.batch, o.size
    batch = {"content": torch.rand(n, 3, size, size), "style": torch.rand(n, 3, size, size), "alpha": torch.ones(n)}
    batch["moved"], batch["motion"] = batch["content"].roll((1, 2), (2, 3)), torch.tensor([[0.99, 0.01, -2.5, -0.01, 0.99, -1.3]] * n)
    if o.channels_last:
        step = step.to(memory_format=torch.channels_last)
        for k in ("content", "style", "moved"):
            batch[k] = batch[k].contiguous(memory_format=torch.channels_last)
    adam = torch.optim.Adam(step.trained(), 1e-4, fused=True)
    wanted = {"content", "style", *case.split("+")[1:]}
    times = []
    for i in range(o.warmup + o.steps):
        start = time.perf_counter()
        sum(step(batch, wanted).values()).backward()
        adam.step()
        adam.zero_grad()
        if i >= o.warmup:
            times.append(time.perf_counter() - start)
    print(f"{case} {n}x3x{size}x{size} {torch.get_num_threads()} threads {1000 * statistics.median(times):.1f} ms", flush=True)


def check(path, say=lambda line: None, tolerance=1e-5):
    """Compare with a file, in float64; exit with 1 if anything is further away than the tolerance."""
    from safetensors.torch import load_file
    file = {k: v.double() for k, v in load_file(path).items()}
    part = lambda prefix: {k[len(prefix):]: v for k, v in file.items() if k.startswith(prefix)}
    batch = {k: file[k] for k in ("content", "style", "moved", "motion") if k in file}
    batch["alpha"] = file.get("alpha", torch.ones(len(batch["content"])).double())
    far, compared = [], 0

    def compare(name, got):
        nonlocal compared
        if name not in file:
            return
        compared += 1
        want = file[name].reshape(got.shape)
        off = float((got.detach() - want).abs().max() / want.abs().max())
        if not off <= tolerance:
            far.append(name)
        if "loss" in name or name in far:
            say(f"{name} {got.detach().tolist()} off by {off:.1e}" + (" TOO FAR" if name in far else ""))

    for losses, grads, student in (("loss.", "grad.", ""), ("loss_all.", "grad_all.", "student.encoder.")):
        wanted = set(part(losses))
        if not wanted:
            continue
        nets = [part("encoder."), part(student) if student else None, part("decoder.")]
        widths = [tuple(n[f"{i}.weight"].shape[0] for i in (2, 9, 16, 29)) for n in nets[:2] if n]
        step = Step(encoder(*widths[0]), encoder(*widths[1]) if student else None, decoder(*widths[-1])).double()
        for net, values in zip((step.loss, step.student, step.dec), nets):
            if net is not None:
                net.load_state_dict(values)
        got = step(batch, wanted)
        for k, v in got.items():
            compare(losses + k, v)
        (got["content"] + 10 * got["style"]).backward()
        for prefix, net in (("decoder.", step.dec), ("encoder.", step.student)):
            for k, p in net.named_parameters() if net is not None else ():
                if p.grad is not None:
                    compare(grads + prefix + k, p.grad)
        if not student and "adam.loss" in file:
            adam, trace = torch.optim.Adam(step.trained(), 1e-3, fused=True), []
            for i in range(1, 4):
                adam.zero_grad()
                got = step(batch, {"content", "style"})
                total = got["content"] + 10 * got["style"]
                trace.append(total.detach())
                total.backward()
                adam.step()
                for k, p in step.dec.named_parameters():
                    compare(f"adam{i}.decoder.{k}", p)
            compare("adam.loss", torch.stack(trace))
    if far or not compared:
        sys.exit(f"{path}: {len(far)} of {compared} tensors differ: {', '.join(far)}")
    say(f"{path}: {compared} tensors agree")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--threads", type=int, default=0, help="0 leaves the number to PyTorch")
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--size", type=int, default=128, help="pixels of both sides")
    p.add_argument("--steps", type=int, default=10, help="that are measured")
    p.add_argument("--warmup", type=int, default=3, help="steps before")
    p.add_argument("--case", nargs="+", default=["decoder", "decoder+identity", "lite", "lite+identity"])
    p.add_argument("--channels-last", action="store_true", help="PyTorch's other memory format")
    p.add_argument("--check", nargs="+", metavar="FILE", help="compare and do not time")
    o = p.parse_args()
    if o.threads > 0:
        torch.set_num_threads(o.threads)
    if o.check:
        for path in o.check:
            check(path, print)
        return
    check(GOLDEN)
    for case in o.case:
        measure(case, o)


if __name__ == "__main__":
    main()
