#!/bin/bash
# record.sh FILE.mkv [OPTION...]: records the stylised camera with its sound, until Ctrl-C. Options are those of `adain live`.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

[ $# -ge 1 ] || stop 'usage: record.sh FILE.mkv [OPTION...]'
live --output "$@"
