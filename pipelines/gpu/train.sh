#!/bin/sh
# train CONTENTS STYLES VGG FOLDER: trains a network on the GPU for seven minutes, and scores it. CONTENTS and
# STYLES are folders or archives of pictures, VGG is what `adain train --vgg` takes; FOLDER gets the run, whose log
# ends with scores of pictures that were held out, and scores.json, of any pairs.
#
# Environment: TIME of the training (7m), NETWORK lite or decoder (lite), BATCH pairs a step (8), CROP their side (256), PAIRS to score (100).
set -eu
d=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
[ $# -eq 4 ] || { echo 'usage: train CONTENTS STYLES VGG FOLDER' >&2; exit 2; }
: "${TIME:=7m}" "${NETWORK:=lite}" "${BATCH:=8}" "${CROP:=256}" "${PAIRS:=100}"
losses='--style-balance --content-weight 1.5 --style-weight 25 --identity-weight 400 --consistency-weight 1000'
[ "$NETWORK" = lite ] || losses=

# shellcheck disable=SC2086 # several options
"$d/run" adain train --device cuda --network "$NETWORK" --batch-size "$BATCH" --crop "$CROP" --time "$TIME" --max-iter 1000000 \
  --lr 5e-4 --schedule cosine --warmup 1200 --clip-norm 5 --ema 0.999 --validate-share 0.02 --validate-interval 1000000 $losses \
  --content "$1" --style "$2" --vgg "$3" --out "$4"
"$d/run" adain eval --device cuda --weights "$4/weights.safetensors" --vgg "$3" --content "$1" --style "$2" --pairs "$PAIRS" --json >"$4/scores.json"
cat "$4/scores.json"
