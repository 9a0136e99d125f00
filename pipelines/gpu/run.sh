#!/bin/sh
# run COMMAND [ARGUMENT...]: COMMAND with the GStreamer and the plugin that lie beside this script.
d=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
libraries=$d/lib
# A library of fallback counts only where the host has none of that name.
known=$({ /sbin/ldconfig -p || ldconfig -p; } 2>/dev/null | grep -E 'x86-64|AArch64')
for f in "$d"/fallback/*; do
  case $known in *"${f##*/} ("*) ;; *) libraries=$libraries:$f ;; esac
done
# The host's come behind: it may reach its driver through this variable.
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PATH="$d/bin:$PATH"
export GST_PLUGIN_PATH_1_0="$d/adainfilter" GST_PLUGIN_SYSTEM_PATH_1_0="$d/plugins"
export GST_PLUGIN_SCANNER_1_0="$d/libexec/gst-plugin-scanner"
# Never one that was written where there was no driver: it says that GStreamer's CUDA plugin has no elements.
if [ -z "${GST_REGISTRY_1_0:-}" ]; then
  GST_REGISTRY_1_0=$(mktemp -u "${TMPDIR:-/tmp}/gst-registry.XXXXXX")
  export GST_REGISTRY_1_0
  "$@"
  code=$?
  rm -f "$GST_REGISTRY_1_0"
  exit $code
fi
exec "$@"
