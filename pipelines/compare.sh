#!/bin/bash
# compare.sh IN OUT [STYLE] [ALPHA]: original on the left, result on the right.
#
# OUT is a film to write (.mp4 or .mkv, without sound) or the word `window`, which SINK replaces by another element.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

case $# in 2 | 3 | 4) ;; *) stop 'usage: compare.sh IN OUT|window [STYLE] [ALPHA]' ;; esac
in=$1 out=$2
write=(x264enc pass=qual quantizer=20 speed-preset=veryfast)
case $out in
  window) window && write=(videoconvert ! "${sink[@]}") ;;
  *.mp4) write+=(! mp4mux ! filesink location="$(value "$out.part")") ;;
  *.mkv) write+=(! matroskamux ! filesink location="$(value "$out.part")") ;;
  *) stop "OUT must end in .mp4 or .mkv or be the word window, found $out" ;;
esac
[ ! "$in" -ef "$out" ] || stop "OUT is IN: $in"

look "$in"

filter "${3:-}" "${4:-}"
trap 'rm -f "$out.part"' EXIT # of a film that failed
# H.264 asks for even sizes.
size="width=$((width * 2)),height=$((height / 2 * 2))"
launch -e filesrc location="$(value "$in")" ! decodebin expose-all-streams=false caps='video/x-raw(ANY)' \
  ! videoconvert ! videoflip video-direction=auto ! tee name=t \
  compositor name=both background=black sink_1::xpos="$width" \
  ! videoconvertscale ! "video/x-raw,format=I420,$size" ! queue ! "${write[@]}" \
  t. ! queue ! videoconvert ! both.sink_0 \
  t. ! queue ! videoconvert ! "${filter[@]}" ! videoconvert ! both.sink_1
[ "$out" = window ] || mv "$out.part" "$out"
