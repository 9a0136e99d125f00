#!/usr/bin/python3
"""Says how many frames a window shows, of those that this machine could compute.

Plays ten seconds of 640x360 pixels at 30 frames a second, or FILM, into a window that waits for the clock. One line each:
live and not live, at the frame's own size and at the largest that keeps up. Where there is no screen it takes Xvfb.

A frame is computed, dropped before the work, or comes too late and is not shown. Computable is the length of the film by what a
computed frame takes on average. SINK replaces ximagesink by another element.
"""
import argparse
import os
import subprocess
import sys
import time

try:
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst
except (ImportError, ValueError) as missing:
    sys.exit(f"shown.py: Python's GStreamer is missing ({missing}): apt install python3-gi gir1.2-gstreamer-1.0")

BUILT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "gstreamer-1.0")


def display():
    """Starts a display without a screen where there is none."""
    if os.environ.get("DISPLAY") or os.environ.get("SINK"):
        return None
    read, write = os.pipe()
    try:
        server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-nolisten", "tcp", "-noreset", "-screen", "0", "1920x1080x24"],
                                  pass_fds=[write], stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        sys.exit("shown.py: there is neither a screen (DISPLAY) nor Xvfb: apt install xvfb")
    os.close(write)
    os.environ["DISPLAY"] = ":" + os.read(read, 16).decode().strip()
    return server


def source(options, live):
    if options.film:
        quoted = options.film.replace("\\", "\\\\").replace('"', '\\"')
        return f'filesrc location="{quoted}" ! decodebin ! videoconvertscale ! video/x-raw,height=360,pixel-aspect-ratio=1/1 '
    return (f"videotestsrc num-buffers={int(options.seconds * 30)} is-live={str(live).lower()} pattern=ball "
            "! video/x-raw,width=640,height=360,framerate=30/1 ")


def play(line):
    """Plays to the end. Returns what sink and element say, and when the first frame was shown, in seconds."""
    pipeline = Gst.parse_launch(line)
    sink, paint, bus = pipeline.get_by_name("sink"), pipeline.get_by_name("paint"), pipeline.get_bus()
    began, first, last = time.monotonic(), None, 0
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while True:
            message = bus.timed_pop_filtered(10 * Gst.MSECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.LATENCY)
            if first is None and sink.props.stats.get_value("rendered") > 0:
                first = time.monotonic() - began
            if message is None:
                _, last = sink.query_position(Gst.Format.TIME)
                continue
            if message.type == Gst.MessageType.LATENCY:
                pipeline.recalculate_latency()
                continue
            if message.type == Gst.MessageType.ERROR:
                sys.exit(f"shown.py: {message.parse_error()[0].message}")
            return sink.props.stats, paint.props.stats, first, last / Gst.SECOND
    finally:
        pipeline.set_state(Gst.State.NULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", nargs="?", help="a film instead of the test picture")
    parser.add_argument("--seconds", type=float, default=10, help="length of the test picture (10)")
    parser.add_argument("--properties", default="", help="of adainfilter, as gst-launch takes them")
    options = parser.parse_args()
    if os.path.isdir(BUILT):
        os.environ["GST_PLUGIN_PATH"] = BUILT + os.pathsep + os.environ.get("GST_PLUGIN_PATH", "")
    Gst.init(None)
    server = display()
    try:
        for live in ([False] if options.film else [True, False]):
            for size in (0, -1):
                line = (f"{source(options, live)} ! videoconvert ! adainfilter name=paint processing-size={size} {options.properties} ! videoconvert "
                        f"! {os.environ.get('SINK') or 'ximagesink'} name=sink sync=true")
                try:
                    shown, own, first, last = play(line)
                except GLib.Error as e:
                    sys.exit(f"shown.py: {e.message}")
                seconds = last if options.film else options.seconds
                rendered, average = shown.get_value("rendered"), own.get_value("average-ms")
                computable = min(own.get_value("processed") + own.get_value("dropped"), seconds * 1000 / max(average, 0.1))
                print(f"{'live' if live else 'film'}, processing-size={size}: {rendered} frames shown in {seconds:.1f} s ({rendered / seconds:.1f} a second), "
                      f"{rendered / computable:.2f} of {computable:.0f} computable; {own.get_value('processed')} computed, "
                      f"{shown.get_value('dropped')} of them late, {own.get_value('dropped')} dropped before the work; {average:.1f} ms each, "
                      f"95 % within {own.get_value('p95-ms'):.1f}, at {own.get_value('processing-size')} pixels; "
                      f"first frame after {'no time' if first is None else f'{first:.2f} s'}", flush=True)
    finally:
        if server:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
