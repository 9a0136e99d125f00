#!/bin/bash
# bench.sh [SIZE] [FRAMES]: milliseconds per frame of the engine alone and inside GStreamer, and their ratio.
#
# The element's time is that of `videotestsrc ! adainfilter ! fakesink`: the time of 2 x FRAMES frames less that of FRAMES
# frames, so that starting does not count. SIZE is 640x360, FRAMES 60 unless given.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

size=${1:-640x360} frames=${2:-60}
adain=$here/../build/adain
[ -x "$adain" ] || adain=adain

# run FRAMES: nanoseconds from start to end of a pipeline.
run() {
  local start
  start=$(date +%s%N)
  launch -q videotestsrc num-buffers="$1" ! "video/x-raw,format=RGB,width=${size%x*},height=${size#*x}" \
    ! adainfilter qos=false ! fakesink
  echo $(($(date +%s%N) - start))
}

engine=$("$adain" bench --size "$size" | tee /dev/stderr | sed -n 's/^ms_per_frame //p')
short=$(run "$frames")
long=$(run $((2 * frames)))
awk -v e="$engine" -v d=$((long - short)) -v n="$frames" 'BEGIN {
  ms = d / 1e6 / n
  printf "engine  %.2f ms per frame, %.1f frames per second\n", e, 1000 / e
  printf "element %.2f ms per frame, %.1f frames per second\n", ms, 1000 / ms
  printf "element / engine, frames per second: %.3f\n", e / ms
}'
