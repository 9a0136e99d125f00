#!/bin/bash
# sheet.sh ORIGINAL RESULT OUT.png: a contact sheet, four moments of a film: originals on the left, results on the right.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

[ $# -eq 3 ] || stop 'usage: sheet.sh ORIGINAL RESULT OUT.png'
found=$(describe "$2")
width=$(field Width "$found") height=$(field Height "$found")
IFS=:. read -r h m s fraction <<<"$(field Duration "$found")"
ms=$((((10#$h * 60 + 10#$m) * 60 + 10#$s) * 1000 + 10#${fraction:0:3}))
width=$((width > 640 ? 640 : width)) height=$((height * width / $(field Width "$found")))

work=$(mktemp -d)
trap 'rm -rf "$work" "$3.part"' EXIT
cells=() inputs=()
for side in 0 1; do
  films=("$1" "$2")
  launch -q filesrc location="$(value "${films[side]}")" ! decodebin expose-all-streams=false caps='video/x-raw(ANY)' \
    ! videoconvert ! videoflip video-direction=auto ! videorate drop-only=true ! "video/x-raw,framerate=4000/$ms" \
    ! videoconvertscale ! "video/x-raw,format=RGB,width=$width,height=$height,pixel-aspect-ratio=1/1" \
    ! pngenc ! multifilesink location="$work/$side-%d.png"
  for row in 0 1 2 3; do
    n=$((2 * row + side))
    cells+=("sink_$n::xpos=$((side * width))" "sink_$n::ypos=$((row * height))")
    inputs+=(filesrc location="$work/$side-$row.png" ! pngdec ! videoconvert ! "sheet.sink_$n")
  done
done
launch -q compositor name=sheet "${cells[@]}" ! video/x-raw,format=AYUV ! videoconvert ! pngenc snapshot=true \
  ! filesink location="$(value "$3.part")" "${inputs[@]}"
mv "$3.part" "$3"
