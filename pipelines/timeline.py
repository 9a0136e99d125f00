#!/usr/bin/python3
"""Changes style and strength at given moments while a film, a camera or the test picture plays.

A moment is one line of the list below, or of the file MOMENTS; # begins a comment line:

    SECONDS  OVER  ALPHA  STYLE

At SECONDS the way to ALPHA and STYLE begins, and OVER seconds later it ends; an OVER of 0 is one step. A - in place
of ALPHA or STYLE keeps what is in force. STYLE is the rest of the line: whatever the property `style` takes.

Alpha follows a GstController and is exact to the frame. A style is set at the first frame of its moment. A file
waits there until the style is loaded; a window plays on and shows the style as soon as it is there.
The variable SINK replaces the window by another element, for instance SINK=ximagesink.
"""
import argparse
import os
import signal
import sys
import threading

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstController", "1.0")
    from gi.repository import GLib, Gst, GstController
except (ImportError, ValueError) as missing:
    sys.exit(f"timeline.py: Python's GStreamer is missing ({missing}): apt install python3-gi gir1.2-gstreamer-1.0")

MOMENTS = """
0   0    0     warm-oil
1   2    1     -
5   1    -     ink-and-colour
8   1    0.6   woodcut
11  0    1     ember
14  2    0     -
"""

WRITE = "x264enc pass=qual quantizer=20 speed-preset=veryfast ! {} ! filesink name=out"
SIZES = "width=[2,32766,2],height=[2,32766,2]"  # H.264 asks for even ones


class Wrong(Exception):
    """What cannot be done, as a sentence for the user."""


class Moment:
    def __init__(self, line, where):
        words = line.split(None, 3)
        try:
            self.at, self.over = (round(float(w) * Gst.SECOND) for w in words[:2])
            alpha, self.style = words[2:]
            self.alpha = None if alpha == "-" else float(alpha)
        except (ValueError, OverflowError):
            raise Wrong(f"{where}: wanted SECONDS OVER ALPHA STYLE, found {line!r}") from None
        self.style = None if self.style == "-" else self.style
        if self.at < 0 or self.over < 0:
            raise Wrong(f"{where}: times must not be negative, found {line!r}")
        if self.alpha is not None and not 0 <= self.alpha <= 1:
            raise Wrong(f"{where}: ALPHA must lie between 0 and 1, found {alpha}")


def read(text, name):
    """The moments of a text, in order of time."""
    moments = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        moment = Moment(line, f"{name}, line {number}")
        if moments and moment.at < max(moments[-1].at + 1, moments[-1].at + moments[-1].over):
            raise Wrong(f"{name}, line {number}: begins before the moment above is over: {line!r}")
        moments.append(moment)
    if not moments:
        raise Wrong(f"{name} has no moments")
    return moments


def ramp(paint, moments):
    """Binds the property alpha to the way through all moments."""
    way = GstController.InterpolationControlSource(mode=GstController.InterpolationMode.LINEAR)
    alpha = paint.props.alpha
    way.set(0, alpha)
    for m in moments:
        if m.alpha is None:
            continue
        if m.over or m.at:
            way.set(m.at if m.over else m.at - 1, alpha)
        way.set(m.at + m.over, m.alpha)
        alpha = m.alpha
    paint.add_control_binding(GstController.DirectControlBinding.new_absolute(paint, "alpha", way))


def style_value(style):
    """The property is a list: in the name of one file commas and backslashes are escaped."""
    return style.replace("\\", "\\\\").replace(",", "\\,") if os.path.exists(style) else style


def stream_time(pad, info):
    """Stream time of a frame that passes a pad, in ns."""
    segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
    return segment.to_stream_time(Gst.Format.TIME, info.get_buffer().pts)


def say(time, text):
    print(f"{time / Gst.SECOND:.3f} s: {text}", flush=True)


class Player:
    """Plays one pipeline and changes its element `paint` as the moments say."""

    def __init__(self, line, source, sink, moments, options):
        self.pipeline = Gst.parse_launch(line)
        self.paint = self.pipeline.get_by_name("paint")
        for name, path in (("in", source), ("out", sink)):
            if path:
                self.pipeline.get_by_name(name).set_property("location" if name == "out" else options.property, path)
        self.begin, self.end = list(moments), list(moments)
        self.wait, self.verbose, self.seconds = options.out != "window", options.verbose, options.seconds
        self.time, self.ended, self.stopping = None, False, False
        self.loaded = threading.Event()
        self.style = None  # as it was last set
        if moments[0].at == 0 and moments[0].style:  # needs no loading beside frames
            self.style = moments[0].style
            self.paint.props.style = style_value(self.style)
        ramp(self.paint, moments)
        self.paint.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self.before)
        self.paint.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.after)
        self.bus = self.pipeline.get_bus()
        self.bus.enable_sync_message_emission()
        self.bus.connect("sync-message::element", self.told)

    def before(self, pad, info):
        """A frame comes to the element: begins the moment whose time it is. Streaming thread."""
        self.time = stream_time(pad, info)
        if self.seconds is not None and self.time >= self.seconds * Gst.SECOND:
            if not self.ended:
                self.ended = True
                self.bus.post(Gst.Message.new_application(None, Gst.Structure.new_empty("end")))
            return Gst.PadProbeReturn.DROP
        while self.begin and self.time >= self.begin[0].at:
            m = self.begin.pop(0)
            wishes = [f"style {m.style}"] if m.style else []
            wishes += [f"alpha {m.alpha:g}"] if m.alpha is not None else []
            say(self.time, f"{', '.join(wishes) or 'nothing'} over {m.over / Gst.SECOND:g} s")
            if m.style and m.style != self.style:
                self.style = m.style
                self.loaded.clear()
                self.paint.set_properties(transition=m.over, style=style_value(m.style))
                if self.wait:
                    self.loaded.wait()
        return Gst.PadProbeReturn.OK

    def after(self, pad, info):
        """A frame comes from the element, with the alpha that the element has now. Streaming thread."""
        time = stream_time(pad, info)
        if self.verbose:
            say(time, f"frame with alpha {self.paint.props.alpha:.4f}")
        while self.end and time >= self.end[0].at + self.end[0].over:
            if self.end.pop(0).alpha is not None:
                say(time, f"alpha is {self.paint.props.alpha:.4f}")
        return Gst.PadProbeReturn.OK

    def told(self, bus, message):
        """The element has loaded a style or refused it, which ends the run. The element's thread."""
        s = message.get_structure()
        if s.get_name() == "adain-style":
            if s.get_value("ok"):
                say(self.time or 0, f"style {s.get_value('name')} is in force")
            self.loaded.set()

    def run(self):
        """Plays until the end, Ctrl-C or an error."""
        try:
            self.pipeline.set_state(Gst.State.PLAYING)
            while not self.over():
                pass
        finally:
            self.loaded.set()
            self.pipeline.set_state(Gst.State.NULL)

    def over(self):
        """Looks at one message; true after the last."""
        try:
            message = self.bus.timed_pop(Gst.SECOND // 10)
        except KeyboardInterrupt:
            if self.stopping:
                raise  # once more ends at once
            return self.stop()
        if message is None:
            return False
        if message.type == Gst.MessageType.ERROR:
            error, _ = message.parse_error()
            raise Wrong(f"{message.src.get_name()}: {error.message}")
        s = message.get_structure()
        if s and s.get_name() == "adain-style" and not s.get_value("ok"):
            raise Wrong(f"style {s.get_value('name')}: {s.get_value('error')}")
        if message.type == Gst.MessageType.APPLICATION:
            self.stop()
        return message.type == Gst.MessageType.EOS

    def stop(self):
        """Ends the stream, so that a file is complete; without a frame there is none, which is the end."""
        if self.time is None:
            raise Wrong("stopped before the first frame")
        self.stopping = True
        self.paint.get_static_pad("sink").send_event(Gst.Event.new_eos())
        return False


def source(options):
    """The source's part of the launch line and the path that its element `in` takes."""
    size = options.size or "640x360"
    scale = "videoconvertscale add-borders=true ! video/x-raw,width={},height={},pixel-aspect-ratio=1/1"
    try:
        width, height = (int(n) for n in size.split("x"))
    except ValueError:
        raise Wrong(f"--size must be WIDTHxHEIGHT, found {size}") from None
    scale = scale.format(width, height)
    if options.source == "test":
        return f"videotestsrc ! video/x-raw,width={width},height={height},framerate=25/1", None
    if options.source.startswith("/dev/"):
        options.property = "device"
        return f"v4l2src name=in ! decodebin ! {scale} ! queue max-size-buffers=1 leaky=downstream", options.source
    if not os.path.isfile(options.source):
        raise Wrong(f"cannot read {options.source}: no such file")
    film = "filesrc name=in ! decodebin expose-all-streams=false caps=video/x-raw(ANY) ! videoconvert" \
           " ! videoflip video-direction=auto"
    return f"{film} ! {scale}" if options.size else film, options.source


def window():
    """The element of SINK, or the first that can open a window here. autovideosink would take a sink that shows nothing."""
    if os.environ.get("SINK"):
        return os.environ["SINK"]
    wayland, x = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if not wayland and not x:
        raise Wrong("no screen for a window: neither DISPLAY nor WAYLAND_DISPLAY is set"
                    " (over ssh: ssh -X; on a console: SINK=kmssink)")
    names = ["waylandsink"] * bool(wayland) + ["xvimagesink", "ximagesink"] * bool(x) + ["glimagesink"]
    tried = []
    for name in names:
        element = Gst.ElementFactory.make(name)
        if element is None:
            continue
        opens = element.set_state(Gst.State.READY) != Gst.StateChangeReturn.FAILURE
        element.set_state(Gst.State.NULL)
        if opens:
            return name
        tried.append(name)
    if not tried:
        raise Wrong("GStreamer has no element for a window: install gstreamer1.0-x")
    raise Wrong(f"no window opens on DISPLAY={x or ''} WAYLAND_DISPLAY={wayland or ''}, tried: {' '.join(tried)}")


def sink(options):
    """The sink's part of the launch line and the path that its element `out` takes."""
    out = options.out
    if out == "window":
        return f"videoconvert ! {window()}", None
    if os.path.exists(out) and os.path.exists(options.source) and os.path.samefile(out, options.source):
        raise Wrong(f"OUT is IN: {out}")
    for end, mux in ((".mp4", "mp4mux"), (".mkv", "matroskamux")):
        if out.endswith(end):
            return f"videoconvertscale ! video/x-raw,format=I420,{SIZES} ! queue ! {WRITE.format(mux)}", out + ".part"
    try:
        if out.endswith(".png") and out % 0 != out % 1:
            return "videoconvert ! pngenc ! multifilesink name=out", out
    except (TypeError, ValueError):
        pass
    raise Wrong(f"OUT must end in .mp4 or .mkv, be the word window or name pictures like frame-%04d.png, found {out}")


def main():
    parser = argparse.ArgumentParser(description=__doc__ + "\nThe list, unless MOMENTS is given:\n" + MOMENTS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="IN", help="a film, a camera (/dev/video0) or the word test: the test picture")
    parser.add_argument("out", metavar="OUT", help="window, a film to write (.mp4 or .mkv, without sound), or frame-%%04d.png")
    parser.add_argument("moments", metavar="MOMENTS", nargs="?", help="a file with the list of moments")
    parser.add_argument("--seconds", type=float,
                        help="end after this time; without it a camera and the test picture end at Ctrl-C")
    parser.add_argument("--size",
                        help="WIDTHxHEIGHT of the frames; 640x360 for a camera and the test picture, a film keeps its own")
    parser.add_argument("--verbose", action="store_true", help="print every frame's alpha")
    options = parser.parse_args()
    options.property = "location"
    if options.seconds is not None and not options.seconds > 0:
        parser.error(f"--seconds must be more than 0, found {options.seconds:g}")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    built = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "gstreamer-1.0")
    if os.path.isdir(built):  # the plugin of this checkout wins over an installed one
        os.environ["GST_PLUGIN_PATH"] = os.pathsep.join(filter(None, (built, os.environ.get("GST_PLUGIN_PATH"))))
    Gst.init(None)
    part = None
    try:
        text, name = MOMENTS, "the list"
        if options.moments:
            name = options.moments
            with open(name, encoding="utf-8") as file:
                text = file.read()
        moments = read(text, name)
        before, path = source(options)
        after, to = sink(options)
        part = to if to and to.endswith(".part") else None
        Player(f"{before} ! videoconvert ! adainfilter name=paint ! {after}", path, to, moments, options).run()
        if part:
            os.replace(part, options.out)
    except (Wrong, OSError, UnicodeDecodeError) as wrong:
        sys.exit(f"timeline.py: {wrong}")
    except GLib.Error as wrong:
        sys.exit(f"timeline.py: {wrong.message}")
    except KeyboardInterrupt:
        sys.exit("timeline.py: stopped")
    finally:
        if part and os.path.exists(part):
            os.remove(part)


if __name__ == "__main__":
    main()
