#!/usr/bin/python3
"""Makes many kinds of film, lets adain transcode go through each with --alpha 0 --smoothing 0, and has FFmpeg judge what comes out.

films.py [--quick] [--adain COMMAND] [--folder FOLDER] [--limit SECONDS] [NAME...]

films.kinds beside it says which kinds there are and how they are made. A kind is right if frames, their times, sound and the colours of flat
patches are those of the film and whatever else is in it is there too, or is named in a warning; or if it is refused with a sentence. What is lost
without a word, and a run that does not end, is a fault. A table shows all; the exit code is 1 if there was a fault.
"""
import argparse
import array
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = ("color=c=0x305080:s=64x48:r=10:d=1,drawbox=x=32:w=32:h=20:c=0xa06030:t=fill,drawbox=y=20:w=32:h=20:c=0x40a060:t=fill,"
          "drawbox=x=32:y=20:w=32:h=20:c=0x909090:t=fill,drawbox=x='mod(t*40,56)':y=42:w=6:h=6:c=white:t=fill")
PATCHES = [(x, y) for x in (0.25, 0.75) for y in (0.21, 0.62)]  # their middles, as parts of width and height
PRELUDE = """set -e
F="ffmpeg -nostdin -v error -y"
S="{source}"
sound() {{ echo "aevalsrc=0.4*sin(2*PI*(300+300*t)*t)*(0.6+0.4*sin(9*t)):d=$1:s=$2"; }}
V="-f lavfi -i $S" V25="-f lavfi -i ${{S/r=10/r=25}}" V2="-f lavfi -i ${{S/d=1/d=2}}"
A="-f lavfi -i $(sound 1 48000)" A2="-f lavfi -i $(sound 2 48000)" A44="-f lavfi -i $(sound 1 44100)"
T="$V -vf format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,32),128,255)'"
X="-c:v libx264 -preset ultrafast -qp 4 -pix_fmt yuv420p" C="-c:a aac -b:a 128k"
meta() {{ python3 -c "
import sys
b = open(sys.argv[2], 'rb').read().replace(b'mhlrtmcd', b'mhlrmeta')
q = b.find(b'tmcd', b.rfind(b'stsd'))
open(sys.argv[3], 'wb').write(b[:q] + sys.argv[1].encode() + b[q + 4:])" "$@"; }}
flip() {{ python3 -c "
import random, sys
b, r = bytearray(open(sys.argv[1], 'rb').read()), random.Random(1)
for _ in range(12):
    b[r.randrange(len(b) // 4, len(b) * 3 // 4)] ^= 1 << r.randrange(8)
open(sys.argv[2], 'wb').write(b)" "$@"; }}
chapters() {{ printf ';FFMETADATA1\\n[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=0\\nEND=500\\ntitle=First\\n[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=500\\nEND=1000\\ntitle=Second\\n' >ch.txt; }}
cd "{folder}"
O="{out}"
"""


class Fault(Exception):
    """What is wrong with a result."""


def run(args, limit=60, **more):
    """The result of a command; TimeoutExpired after its limit."""
    return subprocess.run(args, capture_output=True, timeout=limit, stdin=subprocess.DEVNULL, **more)


def kinds(path):
    """The lines of the table: name, rules, command."""
    for line in open(path, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            name, rules, command = (part.strip() for part in line.split(" | ", 2))
            words = [] if rules == "-" else rules.split()
            yield name, dict(w.partition("=")[::2] for w in words), command


def probe(path, *args):
    """What ffprobe says, {} where it says nothing."""
    out = run(["ffprobe", "-v", "quiet", "-of", "json", *args, path]).stdout
    return json.loads(out or b"{}")


def decoder(path):
    """The decoder for a film: that of VP9 which is usual knows no transparency."""
    return ["-c:v", "libvpx-vp9"] if path.endswith(".webm") and "alpha" in path else []


def numbers(path):
    """What ffmpeg needs to read numbered pictures."""
    return ["-framerate", "10", "-start_number", str(first(path))] if "%" in path else []


def first(path):
    """The lowest number of numbered pictures."""
    pattern = re.compile(re.sub(r"%\d*d", r"(\\d+)", re.escape(os.path.basename(path)).replace(r"\%", "%")) + "$")
    found = [int(m.group(1)) for m in map(pattern.match, os.listdir(os.path.dirname(path))) if m]
    return min(found, default=0)


def times(path):
    """When the frames of the first video that moves are shown, in seconds, and how many pixels they have."""
    args = ["ffmpeg", "-nostdin", "-v", "error", *numbers(path), *decoder(path), "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-copyts", "-f", "framecrc",
            "-c:v", "rawvideo", "-pix_fmt", "gray", "-enc_time_base", "1:90000", "-"]
    found, size = [], 0
    for line in run(args).stdout.decode().splitlines():
        if not line.startswith("#"):
            part = line.split(",")
            found.append(int(part[2]) / 90000)
            size = int(part[4])
    return found, size


def begin(path):
    """When the first frame that can be decoded is shown, in the file's own time."""
    args = ["-select_streams", "v:0", "-read_intervals", "%+#40", "-show_entries", "frame=pts_time", "-show_frames"]
    return min((float(f["pts_time"]) for f in probe(path, *args).get("frames", []) if "pts_time" in f), default=0)


def colours(path, pixel):
    """The colours of the patches in the first frame: means of 4x4 pixels. FFmpeg turns frames upright."""
    found = []
    width, height = size(path)
    args = ["ffmpeg", "-nostdin", "-v", "error", "-noautorotate", *numbers(path), *decoder(path), "-i", path, "-map", "0:v:0", "-frames:v", "1", "-vf",
            f"scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp,format={pixel}", "-f", "rawvideo", "-"]
    data = run(args).stdout
    n = 4 if pixel == "rgba" else 3
    if len(data) != width * height * n:
        raise Fault(f"ffmpeg shows {len(data)} bytes, wanted {width}x{height}")
    for x, y in PATCHES:
        left, top = int(x * width) - 2, int(y * height) - 2
        for k in range(n):
            found.append(sum(data[((top + j) * width + left + i) * n + k] for i in range(4) for j in range(4)) / 16)
    return found


def size(path):
    """Width and height of the first video."""
    s = probe(path, *numbers(path), "-select_streams", "v:0", "-show_entries", "stream=width,height").get("streams") or [{}]
    return s[0].get("width", 0), s[0].get("height", 0)


def sound(path, track, begin):
    """Samples of a track at 8 kHz from a time on, with silence where there is none."""
    start = float(probe(path, "-show_entries", "format=start_time").get("format", {}).get("start_time", 0))
    args = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", f"0:a:{track}", "-af", "aresample=8000:async=1:first_pts=0", "-ac", "1", "-f", "s16le", "-"]
    samples = array.array("h")
    data = run(args).stdout
    samples.frombytes(data[:len(data) // 2 * 2])
    return samples[max(0, round(8000 * (begin - start))):]  # which ffmpeg counts from the beginning of what comes first


def correlation(a, b):
    """The best correlation of two sounds that lie at most 15 ms apart."""
    best = 0.0
    for lag in range(-120, 121, 2):
        x, y = a[max(0, lag):], b[max(0, -lag):]
        n = min(len(x), len(y), 8000)
        if n < 200:
            return 1.0
        dot = sum(p * q for p, q in zip(x[:n], y[:n]))
        norm = math.sqrt(sum(p * p for p in x[:n]) * sum(q * q for q in y[:n])) or 1
        best = max(best, dot / norm)
    return best


def judge(film, result, rules, warnings):
    """Raises Fault unless a result is the film as far as warnings do not say otherwise."""
    before, after = probe(film, "-show_streams", "-show_format", "-show_chapters"), probe(result, "-show_streams", "-show_format", "-show_chapters")
    said = " ".join(warnings).lower()
    (t0, _), (t1, _) = times(film), times(result)
    check_frames(t0, t1, rules, said)
    if size(film) == size(result):
        pixel = "rgba" if transparent(film, before) and transparent(result, after) else "rgb24"
        a, b = colours(film, pixel), colours(result, pixel)
        if pixel == "rgb24" and transparent(film, before) and "transparency" not in said:
            raise Fault("the transparency is gone, no word")
        off = max(abs(x - y) for x, y in zip(a, b))
        if off > float(rules.get("within", 2)):
            raise Fault(f"colours are off by {off:.1f}")
    elif "even sizes" not in said:
        raise Fault(f"size {size(result)}, wanted {size(film)}")
    if "deaf" not in rules:
        check_sound(film, result, before, after, said, begin(film), begin(result))
    check_rest(before, after, said)


def transparent(path, found):
    """Whether a film has transparency."""
    form = (found.get("streams") or [{}])[0].get("pix_fmt", "")
    return bool(decoder(path)) or re.match("(yuva|rgba|bgra|argb|abgr|gbrap|ya|pal8)", form) is not None and not path.endswith(".gif")


def check_frames(t0, t1, rules, said):
    """Number and times."""
    if len(t1) < int(rules.get("from", 1)):
        raise Fault(f"{len(t1)} frames, wanted at least {rules.get('from', 1)}")
    if "few" in rules and "from" in rules or "either" in rules:
        return
    want = int(rules.get("frames", len(t0)))
    if len(t1) != want and "could not be decoded" not in said:
        raise Fault(f"{len(t1)} frames, wanted {want}")
    if "few" in rules:
        return
    off = max((abs((b - t1[0]) - (a - t0[0])) for a, b in zip(t0, t1)), default=0)
    if off > 0.0021:
        raise Fault(f"frames are shown up to {1000 * off:.0f} ms off")


def check_sound(film, result, before, after, said, v0, v1):
    """Tracks of sound: number, length, likeness, distance from the picture."""
    a = [s for s in before.get("streams", []) if s["codec_type"] == "audio"]
    b = [s for s in after.get("streams", []) if s["codec_type"] == "audio"]
    if len(b) < len(a) and not ("audio" in said or "no room" in said):
        raise Fault(f"{len(b)} tracks of sound, wanted {len(a)}, no word")
    for i in range(min(len(a), len(b))):
        x, y = sound(film, i, v0), sound(result, i, v1)
        if abs(len(x) - len(y)) > 8000 * 0.06 and "sound" not in said and "audio" not in said:
            raise Fault(f"sound {i + 1} has {len(y) / 8000:.2f} s, wanted {len(x) / 8000:.2f}")
        like = correlation(x, y)
        if like < 0.8:
            raise Fault(f"sound {i + 1} is another: correlation {like:.2f}")


def check_rest(before, after, said):
    """Whatever else is in a film is in the result, or named."""
    for kind, words in {"subtitle": ("subtitle",), "data": ("track", "stream", "left out"), "attachment": ("attach", "font", "cover", "picture")}.items():
        chapters = bool(after.get("chapters"))  # which in MP4 may be a track of text
        x, y = (sum(s["codec_type"] == kind and not (chapters and s.get("codec_tag_string") == "text") for s in f.get("streams", [])) for f in (before, after))
        if y < x and not any(w in said for w in words):
            raise Fault(f"{y} of {x} {kind} streams, no word")
    if len(after.get("chapters", [])) < len(before.get("chapters", [])) and "chapter" not in said:
        raise Fault("chapters are gone, no word")
    held = json.dumps(after)
    tags = dict(before.get("format", {}).get("tags", {}))
    for s in before.get("streams", []):
        tags.update({f"{k} of {s['codec_type']}": v for k, v in s.get("tags", {}).items() if k in ("language", "title") and v != "und"})
    for name, value in tags.items():
        plain = name.split(" ")[0].lower()
        if plain in ("title", "artist", "comment", "date", "location", "language") and value not in held and plain not in said and "tag" not in said:
            raise Fault(f"{name} {value} is gone, no word")
    turned = [str(f.get("streams", [{}])[0].get("side_data_list", "")) for f in (before, after)]
    if "rotation" in turned[0] and "rotation" not in turned[1] and "orientation" not in said:
        raise Fault("the rotation is gone, no word")


SENTENCES = ("could not multiplex", "lacks a plug-in for it", "panic", "internal data stream", "not-negotiated", "resource not found")


def refused(text, rules):
    """What to show of a film that was refused; Fault if that is wrong."""
    lines = [line for line in text.splitlines() if "warning:" not in line] or [""]
    sentence = lines[-1]
    if "refuse" not in rules and "either" not in rules:
        raise Fault("refused: " + sentence)
    if len(sentence) < 30 or any(s in sentence.lower() for s in SENTENCES):
        raise Fault("refused without a sentence: " + sentence)
    return "refused: " + sentence


def transcode(options, film, name, rules, folder):
    """The command for one film: what to show of it. Fault if it is wrong."""
    out = os.path.join(folder, "out-" + re.sub(r"\W", "-", name))
    shutil.rmtree(out, ignore_errors=True)
    os.mkdir(out)
    args = rules.get("args", "").split(",") if "args" in rules else []
    target = os.path.join(out, rules["out"]) if "out" in rules else out
    command = [*options.adain.split(), "transcode", "--alpha", "0", "--smoothing", "0", "--quality", "95", "--preset", "fast", *args]
    if "pipe" in rules:
        return piped(command, film, os.path.join(out, "out" + os.path.splitext(name)[1]), rules, options.limit)
    command += ["--json", "--out", target, film]
    try:
        done = run(command, options.limit)
    except subprocess.TimeoutExpired as slow:
        raise Fault(f"has not ended within {options.limit} s") from slow
    text = done.stderr.decode(errors="replace")
    if done.returncode < 0 or done.returncode > 2:
        raise Fault(f"exit code {done.returncode}: {text[-200:]}")
    if done.returncode != 0:
        return refused(text, rules)
    if "refuse" in rules:
        raise Fault("made, though nothing can be right about it")
    report = json.loads(done.stdout)["films"][0]
    result = target if "%" in target else report["output"]
    judge(film, result, rules, report.get("warnings") or [])
    named = "; ".join(report.get("warnings") or [])
    left = [f for f in os.listdir(out) if f.startswith(".")]
    if left:
        raise Fault(f"left behind: {left}")
    return "ok" + (" (" + named + ")" if named else "")


def piped(command, film, result, rules, limit):
    """A film through standard input and output."""
    with open(film, "rb") as source, open(result, "wb") as target:
        try:
            done = subprocess.run([*command, "--out", "-", "-"], stdin=source, stdout=target, stderr=subprocess.PIPE, timeout=limit, check=False)
        except subprocess.TimeoutExpired as slow:
            raise Fault(f"has not ended within {limit} s") from slow
    if done.returncode != 0:
        raise Fault("refused: " + done.stderr.decode(errors="replace")[-200:])
    judge(film, result, rules, [])
    return "ok"


def make(name, command, folder):
    """Makes a film; None says that FFmpeg or GStreamer here cannot."""
    film = os.path.join(folder, name)
    text = PRELUDE.format(source=SOURCE, folder=folder, out=film) + command
    done = run(["bash", "-c", text])
    if done.returncode != 0:
        return None, done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["?"]
    return film, None


def main():
    """Goes through all kinds."""
    here = os.path.dirname(os.path.abspath(__file__))
    built = os.path.join(here, "..", "build", "adain")
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--quick", action="store_true", help="the kinds marked so only")
    p.add_argument("--adain", default=built if os.path.exists(built) else "adain", help="the command")
    p.add_argument("--folder", help="where films and results stay; by default they go")
    p.add_argument("--limit", type=float, default=60, help="seconds for one film")
    p.add_argument("names", nargs="*")
    options = p.parse_args()
    for program in ("ffmpeg", "ffprobe", "bash"):
        if shutil.which(program) is None:
            sys.exit(f"films.py: {program} is missing")
    folder = os.path.abspath(options.folder or tempfile.mkdtemp(prefix="films"))
    os.makedirs(folder, exist_ok=True)
    faults = made = unmade = 0
    for name, rules, command in kinds(os.path.join(here, "films.kinds")):
        if options.names and name not in options.names or options.quick and "quick" not in rules:
            continue
        film, why = make(name, command, folder)
        if film is None:
            unmade += 1
            print(f"{name:22} not made: {why[0]}", flush=True)
            continue
        made += 1
        begun = time.monotonic()
        try:
            word = transcode(options, film, name, rules, folder)
        except (Fault, subprocess.TimeoutExpired, json.JSONDecodeError, KeyError, IndexError) as fault:
            faults += 1
            word = f"FAULT {fault}" if isinstance(fault, Fault) else f"FAULT {fault!r}"
        print(f"{name:22} {time.monotonic() - begun:5.1f} s  {word}", flush=True)
    if not options.folder:
        shutil.rmtree(folder)
    print(f"{made} kinds, {faults} faults, {unmade} not made")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
