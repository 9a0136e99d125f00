#!/bin/bash
# meeting.sh [OPTION...]: the stylised camera as a camera for meetings, at DEVICE (/dev/video10). Options are those of `adain live`.
set -euo pipefail
# shellcheck source=pipelines/launch.bash
. "$(dirname "${BASH_SOURCE[0]}")/launch.bash"

live --output "v4l2:${DEVICE:-/dev/video10}" "$@"
