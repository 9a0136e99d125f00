#!/bin/bash
# styles.sh FILM [SECOND]: makes the built-in styles of both built-in networks anew (builtin.sh), and styles.jpg: a sheet of one frame in all of
# them, by model/builtin/lite.safetensors. Afterwards the program is to be built again.
#
# Environment: ADAIN, the command (build/adain); PYTHON, with numpy and pillow (python3).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
builtin=$here/../model/builtin
adain=${ADAIN:-$here/../build/adain}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/builtin.sh" lite
"$here/builtin.sh" fine

ffmpeg -v error -ss "${2:-2}" -i "$1" -frames:v 1 -vf scale=480:270:flags=lanczos "$work/frame.png"
paint() { # STYLE ALPHA NAME
  "$adain" stylize --weights "$builtin/lite.safetensors" --precision float32 --content "$work/frame.png" --style "$builtin/styles/lite/$1.safetensors" \
    --alpha "$2" --out "$work/$3.png" 2>/dev/null
}
paint warm-oil 1 first
paint warm-oil 0.5 last
inputs=(-i "$work/frame.png" -i "$work/first.png")
small='' places='0_0|480_0' stack='[0][1]' n=2
for file in "$builtin"/styles/lite/*.safetensors last; do
  name=$(basename "$file" .safetensors)
  [ "$name" = warm-oil ] && continue
  [ "$name" = last ] || paint "$name" 1 "$name"
  inputs+=(-i "$work/$name.png")
  small+="[$n]scale=240:135:flags=lanczos[s$n];"
  row=$(((n - 2) / 4))
  places+="|$(((n - 2) % 4 * 240))_$((270 + row * 135))"
  stack+="[s$n]"
  n=$((n + 1))
done
ffmpeg -v error -y "${inputs[@]}" -filter_complex "$small${stack}xstack=inputs=$n:layout=$places" -q:v 3 "$here/styles.jpg"
