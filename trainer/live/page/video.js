"use strict";

// coded shows the picture as H.264 in <video>, by Media Source Extensions: for connections to which JPEG is too heavy.
const coded = {
  possible: Boolean(window.MediaSource ?? window.ManagedMediaSource),
  playing: null, // what ends the stream
  bytes: 0,      // received

  // show begins or ends the stream.
  show(on) {
    if (!on) {
      this.playing?.abort();
      this.playing = null;
    } else if (!this.playing) {
      this.playing = new AbortController();
      this.play(this.playing.signal).catch(() => {}).finally(() => { setTimeout(() => { this.playing = null; }, 1000); }); // the next refresh asks again
    }
  },

  async play(signal) {
    const video = document.getElementById("video");
    const source = new (window.MediaSource ?? window.ManagedMediaSource)();
    video.disableRemotePlayback = true;
    const address = URL.createObjectURL(source);
    video.src = address;
    try {
      await happens(source, "sourceopen");
      const answer = await fetch("/stream.mp4", { signal });
      if (!answer.ok) throw new Error((await answer.json()).error);
      const reader = answer.body.getReader();
      let buffer = null;
      for (;;) {
        const { done, value } = await reader.read();
        if (done || signal.aborted || video.error) return;
        if (!value.length) continue;
        this.bytes += value.length;
        buffer ??= source.addSourceBuffer(`video/mp4; codecs="${codec(value)}"`);
        buffer.appendBuffer(value);
        await happens(buffer, "updateend");
        await this.keepUp(video, buffer);
      }
    } finally {
      video.removeAttribute("src");
      video.load();
      URL.revokeObjectURL(address);
    }
  },

  // keepUp plays what is newest and forgets what is old.
  async keepUp(video, buffer) {
    const ranges = buffer.buffered;
    if (!ranges.length) return;
    const end = ranges.end(ranges.length - 1);
    if (video.paused) await video.play();
    if (end - video.currentTime > 1 || video.currentTime < ranges.start(ranges.length - 1)) video.currentTime = Math.max(end - 0.1, ranges.start(ranges.length - 1));
    if (ranges.start(0) < end - 30) {
      buffer.remove(0, end - 10);
      await happens(buffer, "updateend");
    }
  },
};

function happens(target, event) { return new Promise((done) => target.addEventListener(event, done, { once: true })); }

// codec names the profile and level that stand in the box avcC (ISO/IEC 14496-15, 5.3.3.1).
function codec(bytes) {
  for (let i = 0; i + 8 < bytes.length; i++) {
    if (bytes[i] === 0x61 && bytes[i + 1] === 0x76 && bytes[i + 2] === 0x63 && bytes[i + 3] === 0x43) {
      return "avc1." + [...bytes.slice(i + 5, i + 8)].map((b) => b.toString(16).padStart(2, "0")).join("");
    }
  }
  throw new Error("the stream does not say how it is coded");
}
