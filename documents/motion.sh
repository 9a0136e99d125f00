#!/bin/bash
# motion.sh FILM [SECOND [CROP]]: shows what smoothing does where a film moves. Stylises a second of FILM from SECOND on, without smoothing and with it, and makes
# motion.jpg, crops of four frames of the film, without and with, and ./motion.mp4, all three side by side at a third of their speed.
# CROP is WIDTH:HEIGHT:X:Y, 192:216:128:30 without it.
#
# Environment: ADAIN, the command (build/adain); STYLE (woodcut).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
adain=${ADAIN:-$here/../build/adain}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ffmpeg -v error -ss "${2:-0.5}" -i "$1" -t 1 -an -vf "scale=640:-2:flags=lanczos" -c:v ffv1 "$work/film.mkv"
for smoothing in 0 0.8; do
  "$adain" transcode --style "${STYLE:-woodcut}" --smoothing "$smoothing" --codec ffv1 --container mkv --silent --out "$work/$smoothing" "$work/film.mkv"
done
inputs=(-i "$work/film.mkv" -i "$work/0/film.mkv" -i "$work/0.8/film.mkv")
crop="crop=${3:-192:216:128:30},select='gte(n,12)*lt(n,20)*not(mod(n,2))',tile=4x1"
ffmpeg -v error -y "${inputs[@]}" -filter_complex "[0]${crop}[a];[1]${crop}[b];[2]${crop}[c];[a][b][c]vstack=3,format=yuvj420p" -frames:v 1 -q:v 4 "$here/motion.jpg"
ffmpeg -v error -y "${inputs[@]}" -filter_complex "[0][1][2]hstack=3,setpts=3*PTS,format=yuv420p" -c:v libx264 -crf 26 -movflags +faststart motion.mp4
