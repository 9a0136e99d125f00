#!/bin/bash
# file.sh IN OUT [STYLE] [ALPHA]: stylises a film and keeps its sound, its length and every one of its frames.
#
# IN is any film that GStreamer can decode; OUT ends in .mp4, .m4v, .mov or .mkv and gets H.264 pictures. AAC sound is
# copied, any other sound becomes AAC, no sound stays no sound. The first video and the first sound are taken; subtitles
# are left out. A film that is to be shown turned (phones) is turned upright. H.264 with 4:2:0 colours has even sizes
# only: of an odd size the last column or row is cut off.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

case $# in 2 | 3 | 4) ;; *) stop 'usage: file.sh IN OUT [STYLE] [ALPHA]' ;; esac
in=$1 out=$2
case $out in
  *.mp4 | *.m4v) mux=mp4mux ;;
  *.mov) mux=qtmux ;;
  *.mkv) mux=matroskamux ;;
  *) stop "OUT must end in .mp4, .m4v, .mov or .mkv, found $out" ;;
esac
[ ! "$in" -ef "$out" ] || stop "OUT is IN: $in"

look "$in"
even=()
if [ $((width % 2 + height % 2)) -gt 0 ]; then
  even=('!' videocrop right=$((width % 2)) bottom=$((height % 2)))
fi

# The audio queue is not limited: the encoder looks some seconds of pictures ahead, and compressed sound is small.
queue=(queue max-size-time=0 max-size-bytes=0 max-size-buffers=0)
decode='video/x-raw(ANY)'
case $(field 'audio #[0-9]*' "$found") in
  '') sound=() ;;
  *mpegversion=\(int\)4*stream-format=\(string\)raw* | *mpegversion=\(int\)4*stream-format=\(string\)adts*)
    decode+=';audio/mpeg,mpegversion=(int)4'
    sound=(d. ! audio/mpeg ! aacparse ! "${queue[@]}" ! mux.) ;;
  *)
    decode+=';audio/x-raw(ANY)'
    sound=(d. ! audio/x-raw ! audioconvert ! audioresample ! avenc_aac ! aacparse ! "${queue[@]}" ! mux.) ;;
esac

filter "${3:-}" "${4:-}"
trap 'rm -f "$out.part"' EXIT # of a film that failed
launch -e filesrc location="$(value "$in")" ! decodebin name=d expose-all-streams=false caps="$decode" \
  d. ! video/x-raw ! videoconvert ! videoflip video-direction=auto ! "${filter[@]}" "${even[@]}" \
  ! queue ! x264enc pass=qual quantizer=20 speed-preset=veryfast ! progressreport update-freq=5 ! mux. \
  "${sound[@]}" \
  "$mux" name=mux ! filesink location="$(value "$out.part")" >&2
mv "$out.part" "$out"
