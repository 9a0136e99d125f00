# Read by the scripts beside it: finds the plugin, prints and runs launch lines.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
built=$here/../build/gstreamer-1.0

# The plugin of this checkout wins over an installed one.
if [ -e "$built/libgstadainfilter.so" ]; then
  export GST_PLUGIN_PATH="$built${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
fi

# stop MESSAGE: says why the script cannot go on.
stop() {
  echo "$(basename "$0"): $1" >&2
  exit 1
}

# launch ARGUMENT...: prints the line in a form that a shell reads back, then runs it.
launch() {
  printf '%q ' gst-launch-1.0 --no-fault "$@" >&2
  printf '\n' >&2
  gst-launch-1.0 --no-fault "$@" # its fault handler would turn a crash into a hang
}

# live OPTION...: runs `adain live`, of this checkout where it is built.
live() {
  local adain=$here/../build/adain
  [ -x "$adain" ] || adain=adain
  exec "$adain" live "$@"
}

# filter STYLE ALPHA: sets the array `filter` to the element with these settings; "" leaves the element's default.
# A style that is the name of one existing file has its commas and backslashes escaped, since the property takes a list.
filter() {
  filter=(adainfilter)
  local style=$1
  if [ -e "$style" ]; then
    style=${style//\\/\\\\}
    style=${style//,/\\,}
  fi
  [ -z "$style" ] || filter+=("style=$(value "$style")")
  [ -z "$2" ] || filter+=("alpha=$2")
}

# value TEXT: TEXT as one quoted string for the right side of PROPERTY= in a launch line.
value() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# window: sets the array `sink` to the elements of SINK, or to the first that can open a window here. autovideosink would take a sink that
# shows nothing where none can, and end well.
window() {
  read -ra sink <<<"${SINK:-}"
  [ ${#sink[@]} -eq 0 ] || return 0
  [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] \
    || stop 'no screen for a window: neither DISPLAY nor WAYLAND_DISPLAY is set (over ssh: ssh -X; on a console: SINK=kmssink)'
  local found=''
  for sink in ${WAYLAND_DISPLAY:+waylandsink} ${DISPLAY:+xvimagesink ximagesink} glimagesink; do
    gst-inspect-1.0 --exists "$sink" || continue
    gst-launch-1.0 --no-fault -q fakesrc num-buffers=0 ! "$sink" >/dev/null 2>&1 && return
    found+=" $sink"
  done
  [ -n "$found" ] || stop 'GStreamer has no element for a window: install gstreamer1.0-x'
  stop "no window opens on DISPLAY=${DISPLAY:-} WAYLAND_DISPLAY=${WAYLAND_DISPLAY:-}, tried:$found"
}

# describe FILM: what gst-discoverer-1.0 finds in a file.
describe() {
  [ -r "$1" ] || stop "cannot read $1"
  gst-discoverer-1.0 -v "$1" || stop "GStreamer cannot read $1; a decoder may be missing"
}

# field NAME DESCRIPTION: the value of the first line `NAME: value` of a description.
field() {
  sed -n "/^ *$1:/{s/^ *$1: *//p;q}" <<<"$2"
}

# look FILM: sets `found` to the description of a film, `width` and `height` to those of its upright pictures.
look() {
  found=$(describe "$1")
  width=$(field Width "$found") height=$(field Height "$found")
  [ -n "$width" ] || stop "no video in $1"
  case $(field 'image orientation' "$found") in
    *90 | *270) read -r width height <<<"$height $width" ;;
  esac
}

# frames FILM: counts the pictures of an H.264 film without decoding them.
frames() {
  gst-launch-1.0 -v filesrc location="$(value "$1")" ! parsebin name=p \
    p. ! video/x-h264 ! fakesink silent=false sync=false 2>&1 | grep -c 'last-message = chain'
}
