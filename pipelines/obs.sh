#!/bin/bash
# obs.sh [OPTION...]: the stylised camera for OBS: its source "Media Source" opens srt://127.0.0.1:9998, without "Local File". Where PipeWire
# runs, `obs.sh --output pipewire` is a camera besides. Options are those of `adain live`.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

live --output "srt://127.0.0.1:${PORT:-9998}?mode=listener" "$@"
