#!/usr/bin/env python3
"""photos.py FILM OUT: a frame as a phone stores photographs (HEIC, Display P3), stylised with its profile and without.

Left the photograph, converted to sRGB by lcms2; in the middle what `adain stylize` makes of the HEIC file; right what it makes of the
same samples without their profile, as programs do that know none. Needs numpy, pillow, ffmpeg, heif-enc and exiftool; ADAIN names
the command (build/adain).
"""
import io
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

from PIL import Image, ImageCms


def fixed(*numbers):
    return b"".join(struct.pack(">i", round(n * 65536)) for n in numbers)


def display_p3():
    """An ICC profile, version 2: primaries of SMPTE EG 432-1 adapted to D50 (as in Apple's profile), and a gamma of 2.2."""
    xyz = {b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2919, 0.6922, 0.0419), b"bXYZ": (0.1572, 0.0666, 0.7841), b"wtpt": (0.9505, 1, 1.0891)}
    tags = {name: b"XYZ \0\0\0\0" + fixed(*v) for name, v in xyz.items()}
    gamma = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(2.2 * 256))
    tags |= {b"rTRC": gamma, b"gTRC": gamma, b"bTRC": gamma}
    name = b"Display P3\0"
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    table, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, value in tags.items():
        table += tag + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI4s4s4s12s4s28x", start + len(data), 0x02400000, b"mntr", b"RGB ", b"XYZ ", struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp")
    return (head + fixed(0.9642, 1, 0.8249)).ljust(128, b"\0") + table + data


def main(film, out):
    adain = os.environ.get("ADAIN", str(pathlib.Path(__file__).parent.parent / "build/adain"))
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)

        def run(*command):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        run("ffmpeg", "-v", "error", "-ss", "2", "-i", film, "-frames:v", "1", "-vf", "scale=480:270:flags=lanczos", path("frame.png"))
        frame, profile = Image.open(path("frame.png")).convert("RGB"), display_p3()
        frame.save(path("p3.png"), icc_profile=profile)
        run("heif-enc", "-q", "95", "-o", path("p3.heic"), path("p3.png"))
        columns = [ImageCms.profileToProfile(frame, io.BytesIO(profile), ImageCms.createProfile("sRGB"))]
        for content in "p3.heic", "frame.png":
            run(adain, "stylize", "--content", path(content), "--style", "woodcut", "--preserve-color", "luma", "--out", path("result.png"))
            columns.append(Image.open(path("result.png")).convert("RGB"))
        sheet = Image.new("RGB", (3 * 480, 270))
        for i, column in enumerate(columns):
            sheet.paste(column, (480 * i, 0))
        sheet.resize((1080, 202), Image.LANCZOS).save(out, quality=90)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
