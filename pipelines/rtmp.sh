#!/bin/bash
# rtmp.sh ADDRESS [OPTION...]: the stylised camera with a microphone to a server such as rtmp://server/app/key; MICROPHONE=source is the
# sound of the source. Options are those of `adain live`.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

[ $# -ge 1 ] || stop 'usage: rtmp.sh ADDRESS [OPTION...]'
live --sound "${MICROPHONE:-microphone}" --output "$@"
