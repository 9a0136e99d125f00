#!/bin/bash
# webcam.sh [STYLE] [ALPHA] [DEVICE]: shows a camera, stylised, in a window.
#
# DEVICE is /dev/video0 unless given. The network works at the largest size that keeps up with the camera on this machine
# (processing-size=-1); a picture that cannot be shown in time is dropped. SIZE=WIDTHxHEIGHT (640x360) is what is shown. SOURCE and SINK replace camera and window by other
# elements, for instance SOURCE='videotestsrc is-live=true' SINK=fakesink.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

[ $# -le 3 ] || stop 'usage: webcam.sh [STYLE] [ALPHA] [DEVICE]'
size=${SIZE:-640x360}
source=(v4l2src device="$(value "${3:-/dev/video0}")")
[ -z "${SOURCE:-}" ] || read -ra source <<<"$SOURCE"
[ -n "${SOURCE:-}" ] || [ -e "${3:-/dev/video0}" ] || stop "no camera at ${3:-/dev/video0}"

window
filter "${1:-}" "${2:-}"
# decodebin lets raw pictures pass and decodes the JPEG pictures of many cameras.
launch "${source[@]}" ! decodebin ! videoconvertscale add-borders=true \
  ! "video/x-raw,width=${size%x*},height=${size#*x},pixel-aspect-ratio=1/1" \
  ! queue max-size-buffers=1 leaky=downstream ! "${filter[@]}" processing-size=-1 ! videoconvert ! "${sink[@]}" sync=false
