#!/bin/bash
# builtin.sh NETWORK [WEIGHTS]: makes the built-in network NETWORK (lite or fine) of a weights file of that name, in float16 and without the
# styles that it carries; and, of this or of the present network, the built-in styles anew: of the pictures of styles.py. Afterwards the
# program is to be built again.
#
# Environment: ADAIN, the command (build/adain); PYTHON, with numpy and pillow (python3).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
builtin=$here/../model/builtin
adain=${ADAIN:-$here/../build/adain}
python=${PYTHON:-python3}
network=$1
case $network in
  lite | fine) ;;
  *)
    echo "network is $network, wanted lite or fine" >&2
    exit 2
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ $# -gt 1 ]; then
  "$adain" export --format float16 --out "$work" "$(realpath "$2")"
  "$python" - "$work/weights.safetensors" "$builtin/$network.safetensors" "$network" <<'PYTHON'
import json
import sys

source, target, network = sys.argv[1:]
with open(source, "rb") as f:
    header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
    tensors = f.read()
metadata = header["__metadata__"]
if metadata["network"] != network:
    sys.exit(f"the weights are of network {metadata['network']}, wanted {network}: adain train --name {network}")
metadata.pop("styles", None)
text = json.dumps(header, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
text += b" " * (-len(text) % 8)
with open(target, "wb") as f:
    f.write(len(text).to_bytes(8, "little") + text + tensors)
PYTHON
fi

"$python" "$here/styles.py" "$work/pictures"
mkdir -p "$builtin/styles/$network"
rm -f "$builtin/styles/$network"/*.safetensors # a name that is not painted any more
"$adain" style --weights "$builtin/$network.safetensors" --precision float32 --out "$builtin/styles/$network" "$work"/pictures/*.png
