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

# describe FILM: what gst-discoverer-1.0 finds in a file.
describe() {
  [ -r "$1" ] || stop "cannot read $1"
  gst-discoverer-1.0 -v "$1" || stop "GStreamer cannot read $1; a decoder may be missing"
}

# field NAME DESCRIPTION: the value of the first line `NAME: value` of a description.
field() {
  sed -n "/^ *$1:/{s/^ *$1: *//p;q}" <<<"$2"
}

# frames FILM: counts the pictures of an H.264 film without decoding them.
frames() {
  gst-launch-1.0 -v filesrc location="$(value "$1")" ! parsebin name=p \
    p. ! video/x-h264 ! fakesink silent=false sync=false 2>&1 | grep -c 'last-message = chain'
}
