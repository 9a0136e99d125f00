#!/bin/sh
# run-gpu-tests [REPORT]: everything that only a GPU can show, into one file (gpu-report.txt), what would spoil most first: do the
# instructions do what the kernels expect, are wide layers right, how long do frames take; sanitizers and PyTorch last. A step that fails
# does not stop the others, one that there is no time for is skipped; the exit status is 0 if none failed. Ends within 15 minutes, with a
# summary even where it is stopped before.
#
# Environment: STEPS are the steps to run, in this order (all), BUDGET the seconds for all of them (870), LIMIT those for one command (180),
# SIZES the frames to measure ("1920x1080 3840x2160"), RUNS their number (100), FRAMES the number of frames of a pipeline (60), BASELINE a
# Python script that measures PyTorch, with its BASELINE_ARGUMENTS; it runs where python3 has torch.
set -u
d=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
report=${1:-gpu-report.txt}
: "${STEPS:=host selftest wide bench driver conformance pipelines element film baseline sanitizer counters}"
: "${SIZES:=1920x1080 3840x2160}" "${RUNS:=100}" "${FRAMES:=60}" "${LIMIT:=180}" "${BUDGET:=870}"
: "${BASELINE:=}" "${BASELINE_ARGUMENTS=--compile --layers --sizes $(echo "$SIZES" | tr ' ' ,)}"
work=$(mktemp -d) || exit 1
trap 'finish; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export GST_REGISTRY_1_0="$work/registry.bin"
export EMU_FOLDER=none # no emulated driver, where the sources are at hand
: >"$report" || exit 1
: >"$work/summary"

say() { printf '%s\n' "$@" | tee -a "$report"; }

# finish shows the summary, once.
finish() {
  [ -s "$work/summary" ] || return
  say '' '## Summary'
  tee -a "$report" <"$work/summary"
  echo "report: $report"
  grep -q '^FAILED' "$work/summary" && failed=1
  : >"$work/summary"
}

# left: seconds that there are for a command.
began=$(date +%s)
left() {
  now=$(date +%s)
  rest=$((began + BUDGET - now))
  [ "$rest" -lt "$LIMIT" ] || rest=$LIMIT
  echo "$rest"
}

# result STATUS TITLE: a line of the summary.
result() {
  printf '%-8s %s\n' "$1" "$2" | tee -a "$report" >>"$work/summary"
  echo "$1: $2"
}

# step TITLE COMMAND...: runs it with the bundle's libraries, reports what it prints.
step() {
  title=$1
  shift
  limit=$(left)
  : >"$work/out"
  if [ "$limit" -lt 5 ]; then
    result skipped "$title: no time left"
    return 1
  fi
  say '' "\$ $*"
  timeout -k 10 "$limit" "$d/run" "$@" >"$work/out" 2>&1
  code=$?
  # Of tests, what passed is not repeated.
  grep -vE '^(=== (RUN|PAUSE|CONT|NAME)|[ ]*--- PASS)' "$work/out" | cut -c 1-400 | tail -n 300 >>"$report"
  case $code in
    0) result ok "$title" ;;
    124 | 137) result FAILED "$title: no end after $limit s" ;;
    *) result FAILED "$title: exit status $code" ;;
  esac
  return $code
}

count() { grep -c -- "^--- $1" "$work/out"; }

# tests FOLDER TESTS [ARGUMENT...]: runs one test program where its files are. TESTS must be among those that pass: what is skipped for
# want of a GPU proves nothing.
tests() {
  folder=$1 needed=$2
  shift 2
  cd "$d/tests/$folder" || return
  step "tests of $folder" ./test -test.v -test.timeout "$(left)s" "$@"
  cd "$start" || exit 1
  [ "$limit" -ge 5 ] || return # skipped
  result '' "  $folder: $(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
  for t in $needed; do
    grep -q -- "^--- PASS: $t " "$work/out" || result FAILED "tests of $folder: $t has not passed"
  done
}

# close TITLE: compares the samples in $work/cpu and $work/gpu.
close() {
  bytes=$(wc -c <"$work/cpu")
  if [ "$bytes" -eq 0 ] || [ "$bytes" -ne "$(wc -c <"$work/gpu")" ]; then
    result FAILED "$1: $bytes and $(wc -c <"$work/gpu") bytes"
    return
  fi
  decibels=$(cmp -l "$work/cpu" "$work/gpu" | awk -v n="$bytes" '
    function octal(s) { return int(s / 100) * 64 + int(s % 100 / 10) * 8 + s % 10 }
    { d = octal($2) - octal($3); sum += d * d }
    END { printf "%d", sum ? 10 * log(255 * 255 * n / sum) / log(10) : 99 }')
  if [ "$decibels" -ge 45 ]; then result ok "$1: PSNR $decibels dB"; else result FAILED "$1: PSNR $decibels dB, wanted 45"; fi
}

has() { "$d/run" gst-inspect-1.0 --exists "$1" >/dev/null 2>&1; }

# clocks COMMAND...: the command, with what the GPU did meanwhile.
clocks() {
  watcher=
  if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=clocks.sm,clocks.mem,power.draw,temperature.gpu,clocks_throttle_reasons.active --format=csv,noheader -lms 500 >"$work/clocks" &
    watcher=$!
  fi
  "$@"
  [ -n "$watcher" ] || return
  kill "$watcher" && wait "$watcher" 2>/dev/null
  say "clock of the processors, of the memory, power, temperature, limits (every 0.5 s, how often):"
  sort "$work/clocks" | uniq -c | sort -rn | head -n 12 | tee -a "$report"
}

report=$(CDPATH='' cd -- "$(dirname -- "$report")" && pwd -P)/$(basename -- "$report")
start=$(pwd -P)
say "# adainfilter $(cat "$d/version") on a GPU, $(date -u +%Y-%m-%dT%H:%MZ)"

# copies N [THROUGH]: sets copied to the copies between host and GPU while N times FRAMES frames go there, through THROUGH, and back.
copies() {
  n=$(($1 * FRAMES))
  rm -f "$work/copies"
  # shellcheck disable=SC2086
  step "$n frames to the GPU and back ${2:-}" env COPIES="$work/copies" LD_PRELOAD="$d/lib/copies.so" gst-launch-1.0 \
    videotestsrc num-buffers=$n ! $caps ! cudaupload ! $cuda ${2:-} ! cudadownload ! video/x-raw ! fakesink || return
  read -r to_gpu to_host _ <"$work/copies" && copied=$((to_gpu + to_host))
}

# film N: seconds for N times the film through the decoder and the element.
film() {
  rm -f "$work/film.h264"
  i=0
  while [ $i -lt "$1" ]; do
    cat "$d/film.h264" >>"$work/film.h264"
    i=$((i + 1))
  done
  step "nvh264dec ! adainfilter, $1 x 60 frames 1920x1080" gst-launch-1.0 filesrc location="$work/film.h264" ! h264parse ! nvh264dec \
    ! 'video/x-raw(memory:CUDAMemory)' ! adainfilter device=cuda ! 'video/x-raw(memory:CUDAMemory)' ! fakesink sync=false || return
  seconds=$(sed -n 's/^Execution ended after \([0-9]*\):\([0-9]*\):\([0-9.]*\).*/\1 \2 \3/p' "$work/out" | awk '{ print $1 * 3600 + $2 * 60 + $3 }')
}

step_host() {
  {
    uname -srm
    grep -m1 '^PRETTY_NAME' /etc/os-release
    ldd --version 2>/dev/null | head -n 1
    grep -m1 'model name' /proc/cpuinfo
    echo "processors: $(nproc)"
    echo "NVIDIA_DRIVER_CAPABILITIES=${NVIDIA_DRIVER_CAPABILITIES:-}"
    { /sbin/ldconfig -p || ldconfig -p; } 2>/dev/null | grep -E 'libcuda\.so|libnvcuvid|libnvidia-encode|libnvidia-ptxjit'
    if command -v nvidia-smi >/dev/null; then
      nvidia-smi --query-gpu=index,name,compute_cap,driver_version,vbios_version,memory.total,clocks.sm,clocks.max.sm,clocks.max.mem,power.limit,mig.mode.current --format=csv
      nvidia-smi
    else
      echo 'nvidia-smi: not there'
    fi
  } 2>&1 | tee -a "$report"
  step 'a GPU that can be used' adain bench --device cuda --size 64x64 --runs 1
}

step_selftest() {
  # Without wgmma all else is worth measuring on the other path.
  step 'instructions: mma, ldmatrix, cp.async, wgmma, TMA' adain bench --selftest || export ADAIN_CUDA_PATH=80
}

step_wide() {
  tests cuda 'TestWideLayers TestGPUMemory' -test.run 'TestWideLayers|TestEveryHopperLayerOfVGG19|TestGPUMemory'
}

step_driver() {
  tests cuda/driver '' -test.skip '^Test(Emulated|Table|Link)' # about the emulator and the sources
}

step_conformance() {
  tests cuda 'TestConformance TestTrainingConformance TestGoldenTraining'
}

step_sanitizer() {
  sanitizer=$(PATH=$PATH:/usr/local/cuda/bin command -v compute-sanitizer)
  if [ -n "$sanitizer" ]; then
    for tool in memcheck racecheck synccheck initcheck; do
      for widths in vgg19 lite; do
        step "compute-sanitizer $tool, $widths" "$sanitizer" --tool "$tool" --error-exitcode 9 --print-limit 20 \
          adain bench --device cuda --random "$widths" --size 75x53 --format NV12 --runs 2
      done
    done
  else
    result skipped 'compute-sanitizer: not on this host'
  fi
}

step_element() {
  tests element '' -test.run 'CUDA|Cuda|GPU|ZeroCopy'
}

step_pipelines() {
  size=${SIZES%% *}
  caps="video/x-raw,format=NV12,width=${size%x*},height=${size#*x},framerate=60/1"
  cuda='video/x-raw(memory:CUDAMemory)'
  frames="videotestsrc num-buffers=$FRAMES"
  filter='adainfilter device=cuda'
  # shellcheck disable=SC2086 # launch lines are lists of words
  if has cudaupload; then
    # What the element adds to the copies per frame of upload and download.
    copies 1 "! $filter ! $cuda" && with=$copied && copies 2 "! $filter ! $cuda" && with=$((copied - with)) &&
      copies 1 && without=$copied && copies 2 && without=$((copied - without)) && {
      say "copies between host and GPU, $FRAMES frames: $with with the element, $without without"
      if [ "$with" -eq "$without" ]; then result ok 'host copies of the element: 0'; else result FAILED "host copies of the element: $((with - without))"; fi
    }
    for format in NV12 I420 RGB BGR RGBA BGRA RGBx BGRx; do
      picture="videotestsrc num-buffers=3 pattern=zone-plate kx2=20 ky2=20 kt=5 ! video/x-raw,format=$format,width=320,height=240"
      step "$format on the CPU" gst-launch-1.0 $picture ! adainfilter device=cpu precision=float32 ! filesink location="$work/cpu" &&
        step "$format on the GPU" gst-launch-1.0 $picture ! cudaupload ! $cuda ! $filter ! $cuda ! cudadownload ! video/x-raw ! filesink location="$work/gpu" &&
        close "$format: GPU against CPU in float32"
    done
  else
    result FAILED 'no cudaupload: GStreamer needs libnvcuvid.so.1 or libnvidia-encode.so.1 beside libcuda.so.1'
  fi
  # shellcheck disable=SC2086
  step 'host frames' gst-launch-1.0 $frames ! $caps ! $filter ! fakesink
}

step_bench() {
  for widths in lite vgg19; do
    for size in $SIZES; do
      clocks step "bench $widths $size" adain bench --device cuda --random "$widths" --size "$size" --format NV12 --runs "$RUNS" --kernels
    done
  done
}

step_film() {
  if has nvh264dec; then
    if film 2; then
      short=$seconds
      film 12 && say "decoder and element: $(awk -v a="$short" -v b="$seconds" 'BEGIN { printf "%.1f", 600 / (b - a) }') frames per second"
    fi
    if has nvh264enc; then
      step 'nvh264dec ! adainfilter ! nvh264enc' gst-launch-1.0 filesrc location="$d/film.h264" ! h264parse ! nvh264dec \
        ! adainfilter device=cuda ! nvh264enc ! h264parse ! filesink location="$work/film.out"
    else
      result skipped 'nvh264enc: this GPU or driver has no encoder'
    fi
  else
    result skipped 'nvh264dec: this GPU or driver has no decoder (libnvcuvid.so.1)'
  fi
}

step_baseline() {
  if [ -z "$BASELINE" ]; then
    result skipped 'PyTorch: BASELINE names no script'
  elif ! python3 -c 'import torch' 2>/dev/null; then
    result skipped 'PyTorch: python3 has no torch'
  else
    say "\$ python3 $BASELINE $BASELINE_ARGUMENTS"
    # shellcheck disable=SC2086
    if timeout -k 10 "$(left)" python3 "$BASELINE" $BASELINE_ARGUMENTS >"$work/out" 2>&1; then result ok PyTorch; else result FAILED PyTorch; fi
    tail -n 200 "$work/out" | tee -a "$report"
  fi
}

step_counters() {
  counters=$(PATH=$PATH:/usr/local/cuda/bin:/opt/nvidia/nsight-compute/2025.3.1 command -v ncu)
  if [ -z "$counters" ]; then
    result skipped 'ncu: not on this host'
    return
  fi
  step 'counters of a frame' "$counters" --clock-control none --csv --page details --section SpeedOfLight --section WarpStateStats \
    --launch-count 60 adain bench --device cuda --random vgg19 --size "${SIZES%% *}" --format NV12 --runs 1
  [ ! -s "$work/out" ] || cp "$work/out" "${report%.txt}-counters.csv"
}

for s in $STEPS; do
  say '' "## $s"
  case $s in
    host) step_host ;;
    selftest) step_selftest ;;
    wide) step_wide ;;
    bench) step_bench ;;
    driver) step_driver ;;
    conformance) step_conformance ;;
    pipelines) step_pipelines ;;
    element) step_element ;;
    film) step_film ;;
    baseline) step_baseline ;;
    sanitizer) step_sanitizer ;;
    counters) step_counters ;;
    *) result FAILED "there is no step $s" ;;
  esac
done

failed=0
finish
exit $failed
