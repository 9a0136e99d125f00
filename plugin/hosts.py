"""hosts.py HOST FOLDER: plays the element in a program of another kind. Ends with 77 and the reason where the host is not installed."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

Gst.init(None)
PATIENCE = 60  # seconds


def skip(reason):
    print(reason)
    sys.exit(77)


def needs(*elements):
    for name in elements:
        if not Gst.ElementFactory.find(name):
            skip(f"there is no element {name}")


def namespace(name, version):
    try:
        gi.require_version(name, version)
        return getattr(__import__("gi.repository", fromlist=[name]), name)
    except (ValueError, ImportError, AttributeError) as missing:
        skip(f"no bindings of {name}: {missing}")


def play(pipeline, done):
    """Plays until the end or until done says so; fails where an error comes first."""
    pipeline.set_state(Gst.State.PLAYING)
    bus = pipeline.get_bus()
    context = GLib.MainContext.default()
    for _ in range(PATIENCE * 20):
        while context.iteration(False):
            pass
        message = bus.timed_pop_filtered(50 * Gst.MSECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
        if message and message.type == Gst.MessageType.ERROR:
            sys.exit(f"error: {message.parse_error()}")
        if done() or message:
            break
    finished = done()
    pipeline.set_state(Gst.State.NULL)
    if not finished:
        sys.exit("the pipeline ended, or a minute went by, before the element had done its frames")


def frames(element):
    return element.props.stats.get_value("processed")


def most(element, n):
    seen = [0]

    def done():
        seen[0] = max(seen[0], frames(element))
        return seen[0] >= n
    return done


def clip(folder):
    path = f"{folder}/clip.avi"
    needs("jpegenc", "avimux", "jpegdec", "avidemux")
    line = Gst.parse_launch("videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=64,height=48 ! jpegenc ! avimux"
                            f" ! filesink location={path}")
    line.set_state(Gst.State.PLAYING)
    line.get_bus().timed_pop_filtered(PATIENCE * Gst.SECOND, Gst.MessageType.EOS)
    line.set_state(Gst.State.NULL)
    return path


def playbin(folder):
    needs("playbin")
    player = Gst.ElementFactory.make("playbin")
    paint = Gst.ElementFactory.make("adainfilter")
    player.props.uri = Gst.filename_to_uri(clip(folder))
    player.props.video_filter = paint
    player.props.video_sink = Gst.ElementFactory.make("fakesink")
    play(player, most(paint, 5))


def gstplay(folder):
    """The player of GStreamer's own, which takes the element as a part of its sink."""
    if not shutil.which("gst-play-1.0"):
        skip("gst-play-1.0 is not installed")
    needs("pngenc", "multifilesink")
    sink = f"adainfilter processing-size=48 ! videoconvert ! pngenc ! multifilesink location={folder}/%d.png"
    played = subprocess.run(["gst-play-1.0", "--no-interactive", f"--videosink={sink}", clip(folder)], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
    made = len([name for name in os.listdir(folder) if name.endswith(".png")])
    if played.returncode or made != 5:
        sys.exit(f"it ends with {played.returncode} and {made} frames, wanted 5: {played.stdout} {played.stderr}")


# Scenarios of gst-validate for a film of some seconds.
SCENARIOS = ("play_5s", "seek_forward", "seek_backward", "seek_forward_backward", "seek_with_stop", "simple_seeks", "pause_resume",
             "scrub_forward_seeking", "scrub_backward_seeking", "fast_forward", "trick_mode_seeks", "change_state_intensive", "update_start",
             "reverse_playback")


def validated(scenario, path, element):
    """What gst-validate says of a scenario with an element: its exit status, and what it calls critical, which differs from run to run."""
    line = f"filesrc location={path} ! decodebin ! videoconvert ! {element} ! fakevideosink sync=true"
    try:
        done = subprocess.run(["gst-validate-1.0", "--set-scenario", scenario] + line.split(), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=2 * PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "no end", []
    issues = sorted(set(re.findall(r"^ *(critical : .*)$", done.stdout + done.stderr, re.MULTILINE)))
    return done.returncode, issues


def validate(folder):
    """Every scenario ends the same as with identity."""
    if not shutil.which("gst-validate-1.0"):
        skip("gst-validate-1.0 is not installed")
    needs("x264enc", "avdec_h264", "mp4mux", "fakevideosink")
    path = f"{folder}/film.mp4"
    made = Gst.parse_launch("videotestsrc num-buffers=600 ! video/x-raw,format=I420,width=64,height=48,framerate=30/1 ! x264enc key-int-max=15"
                            f" ! mp4mux ! filesink location={path}")
    made.set_state(Gst.State.PLAYING)
    made.get_bus().timed_pop_filtered(PATIENCE * Gst.SECOND, Gst.MessageType.EOS)
    made.set_state(Gst.State.NULL)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        plain, own = ([pool.submit(validated, scenario, path, element) for scenario in SCENARIOS]
                      for element in ("identity", "adainfilter processing-size=16"))
    wrong = []
    for scenario, p, o in zip(SCENARIOS, plain, own):
        print(scenario, o.result(), flush=True)
        if p.result()[0] != o.result()[0]:
            wrong.append(f"{scenario}: with identity {p.result()}, with adainfilter {o.result()}")
    if wrong:
        sys.exit("\n".join(wrong))


def camerabin(folder):
    needs("camerabin", "wrappercamerabinsrc")
    camera, source = Gst.ElementFactory.make("camerabin"), Gst.ElementFactory.make("wrappercamerabinsrc")
    paint = Gst.ElementFactory.make("adainfilter")
    paint.props.processing_size = 64
    test = Gst.ElementFactory.make("videotestsrc")
    test.props.is_live = True
    source.props.video_source = test
    source.props.video_source_filter = paint
    camera.props.camera_source = source
    camera.props.viewfinder_sink = Gst.ElementFactory.make("fakesink")
    camera.props.viewfinder_caps = Gst.Caps.from_string("video/x-raw,width=96,height=64")
    play(camera, most(paint, 3))


def ges(folder):
    """A project is saved with an effect, and loaded, as Pitivi does."""
    editing = namespace("GES", "1.0")
    editing.init()
    wanted = {"style": "woodcut,ember", "alpha": 0.5, "transition": Gst.SECOND, "processing-size": -1}
    timeline = editing.Timeline.new_audio_video()
    made = editing.TestClip.new()
    made.props.duration = Gst.SECOND
    timeline.append_layer().add_clip(made)
    effect = editing.Effect.new("adainfilter")
    made.add(effect)
    for name, value in wanted.items():
        effect.set_child_property(name, value)
    path = f"{folder}/project.xges"
    timeline.save_to_uri(Gst.filename_to_uri(path), None, True)
    with open(path, encoding="utf-8") as project:
        text = project.read()
    for no in ("NULL", "current-statistics", "adain-stats"):
        if no in text:
            sys.exit(f"the project names {no}")

    loop, loaded = GLib.MainLoop(), []
    project = editing.Project.new(Gst.filename_to_uri(path))
    project.connect("loaded", lambda *_: (loaded.append(True), loop.quit()))
    project.connect("error-loading", lambda *_: loop.quit())
    timeline = project.extract()
    GLib.timeout_add_seconds(PATIENCE, loop.quit)
    loop.run()
    if not loaded:
        sys.exit("the project does not load")
    children = [c for layer in timeline.get_layers() for made in layer.get_clips() for c in made.get_children(False)]
    effects = [c for c in children if isinstance(c, editing.Effect)]
    if len(effects) != 1:
        sys.exit(f"{len(effects)} effects were loaded, wanted one")
    for name, value in wanted.items():
        known, got = effects[0].get_child_property(name)
        if not known or got != value:
            sys.exit(f"loaded: {name} is {got}, wanted {value}")


def webrtc(folder):
    """Frames go through a peer connection within this process."""
    needs("webrtcbin", "nicesrc", "dtlsenc", "srtpenc", "vp8enc", "rtpvp8pay", "rtpvp8depay")
    namespace("GstSdp", "1.0")
    namespace("GstWebRTC", "1.0")
    line = Gst.parse_launch(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=96,height=64,framerate=10/1 ! adainfilter name=paint processing-size=64"
        " ! vp8enc deadline=1 ! rtpvp8pay ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! webrtcbin name=here"
        " webrtcbin name=there")
    here, there, paint = (line.get_by_name(n) for n in ("here", "there", "paint"))
    got = [0]

    def incoming(_, pad):
        if pad.direction == Gst.PadDirection.SRC:
            sink = Gst.parse_bin_from_description("rtpvp8depay ! fakesink name=end signal-handoffs=true sync=false async=false", True)
            sink.get_by_name("end").connect("handoff", lambda *_: got.__setitem__(0, got[0] + 1))
            line.add(sink)
            sink.sync_state_with_parent()
            pad.link(sink.sinkpads[0])

    def answered(promise):
        reply = promise.get_reply()  # owns the answer
        answer = reply.get_value("answer")
        there.emit("set-local-description", answer, Gst.Promise.new())
        here.emit("set-remote-description", answer, Gst.Promise.new())

    def offered(promise):
        reply = promise.get_reply()  # owns the offer
        offer = reply.get_value("offer")
        here.emit("set-local-description", offer, Gst.Promise.new())
        there.emit("set-remote-description", offer, Gst.Promise.new())
        there.emit("create-answer", None, Gst.Promise.new_with_change_func(answered))

    here.connect("on-negotiation-needed", lambda *_: here.emit("create-offer", None, Gst.Promise.new_with_change_func(offered)))
    here.connect("on-ice-candidate", lambda _, line_number, c: there.emit("add-ice-candidate", line_number, c))
    there.connect("on-ice-candidate", lambda _, line_number, c: here.emit("add-ice-candidate", line_number, c))
    there.connect("pad-added", incoming)
    play(line, lambda: got[0] >= 3 and frames(paint) >= 3)


needs("adainfilter")
{"playbin": playbin, "gst-play": gstplay, "camerabin": camerabin, "ges": ges, "webrtc": webrtc, "validate": validate}[sys.argv[1]](sys.argv[2])
