#!/bin/bash
# bench.sh [SIZE] [FRAMES] [ROUNDS]: milliseconds per frame of the engine alone and inside GStreamer, and their ratio; and what each video
# format costs at 1280x720 against NV12.
#
# The element's time is that of `videotestsrc ! adainfilter ! fakesink`: the time of 2 x FRAMES frames less that of FRAMES
# frames, so that starting does not count. Engine and element are timed in turn, ROUNDS times, because shared machines change
# their speed from one second to the next; medians count. SIZE is 640x360, FRAMES 30, ROUNDS 9 unless given.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

size=${1:-640x360} frames=${2:-30} rounds=${3:-9}
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

engine() { "$adain" bench --size "$size" --runs "$frames" | sed -n 's/^ms_per_frame //p'; }

"$adain" bench --size "$size" >&2
for ((i = 0; i < rounds; i++)); do
  before=$(engine)
  short=$(run "$frames")
  long=$(run $((2 * frames)))
  after=$(engine)
  awk -v a="$before" -v b="$after" -v d=$((long - short)) -v n="$frames" 'BEGIN { e = (a + b) / 2; ms = d / 1e6 / n; print e, ms, e / ms }'
done | awk '
  # median of the first n values of v
  function median(v, n,   i, j, t) {
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
  }
  { e[NR] = $1; ms[NR] = $2; ratio[NR] = $3 }
  END {
    printf "engine  %.2f ms per frame, %.1f frames per second\n", median(e, NR), 1000 / median(e, NR)
    printf "element %.2f ms per frame, %.1f frames per second\n", median(ms, NR), 1000 / median(ms, NR)
    printf "element / engine, frames per second: %.3f (%.3f to %.3f)\n", median(ratio, NR), ratio[1], ratio[NR]
  }'

echo
"$adain" bench --size 1280x720 --formats --runs "$rounds"
