#!/bin/bash
# bundle.sh FOLDER: packs the plugin, the command, tests and the parts of GStreamer that they need into FOLDER and FOLDER.tar.gz.
# There they run on a host with an NVIDIA driver and glibc, and nothing else: no Go, no GStreamer, no network.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
out=${1:?usage: bundle.sh FOLDER}

tools='gst-launch-1.0 gst-inspect-1.0'
plugins='coreelements videotestsrc videoconvertscale app nvcodec videoparsersbad'
libraries='libgstcuda-1.0.so.0'
tests='cuda cuda/driver element'
ask() { pkg-config --variable="$1" gstreamer-1.0; }

rm -rf "$out" "$out.tar.gz"
mkdir -p "$out"/{bin,lib,libexec,plugins,adainfilter,tests}
out=$(cd "$out" && pwd)

# Without symbol tables: they are half of each program, and panics are readable without.
go build -ldflags='-s -w -buildmode=c-shared' -o "$out/adainfilter/libgstadainfilter.so" ./plugin
go build -ldflags='-s -w' -o "$out/bin/adain" ./trainer
for t in $tests; do
  mkdir -p "$out/tests/$t"
  go test -c -ldflags='-s -w' -o "$out/tests/$t/test" "./$t"
  [ ! -d "$t/testdata" ] || cp -r "$t/testdata" "$out/tests/$t/"
done
mkdir -p "$out/tests/model"
cp -r model/testdata "$out/tests/model/"
git describe --always --dirty >"$out/version" 2>/dev/null || echo unknown >"$out/version"

gcc -O2 -Wall -shared -fPIC -o "$out/lib/copies.so" "$here/copies.c" -ldl

for t in $tools; do cp -L "$(ask toolsdir)/$t" "$out/bin/"; done
cp -L "$(ask pluginscannerdir)/gst-plugin-scanner" "$out/libexec/"
for p in $plugins; do cp -L "$(ask pluginsdir)/libgst$p.so" "$out/plugins/"; done
for l in $libraries; do cp -L "$(ask libdir)/$l" "$out/lib/"; done

# What all these need, under the names that the loader asks for.
find "$out" -type f -perm -u+x -o -name '*.so*' -type f | sort | env -u LD_LIBRARY_PATH -u LD_PRELOAD xargs ldd >"$out/needed"
if grep 'not found' "$out/needed" >&2; then exit 1; fi
awk '$2 == "=>" { print $1, $3 }' "$out/needed" | sort -u | while read -r name path; do
  case $name in
    # glibc and the driver are always the host's
    ld-linux* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.* | libutil.so.* | libmvec.so.*) ;;
    libcuda.so.* | libnvcuvid.so.* | libnvidia-*) ;;
    # The host's own programs need these too, so its copy must win where it has one.
    libstdc++.so.* | libgcc_s.so.* | libgomp.so.* | libz.so.* | libexpat.so.* | liblzma.so.* | libbz2.so.* | libffi.so.* | libzstd.so.*)
      mkdir -p "$out/fallback/$name"
      cp -L "$path" "$out/fallback/$name/$name" ;;
    *) cp -L "$path" "$out/lib/$name" ;;
  esac
done
rm "$out/needed"

cp "$here/run.sh" "$out/run"
cp "$here/run-gpu-tests.sh" "$out/run-gpu-tests"
cp "$here/train.sh" "$out/train"
chmod 755 "$out/run" "$out/run-gpu-tests" "$out/train"

# A film for the GPU's decoder.
gst-launch-1.0 -q videotestsrc num-buffers=60 pattern=ball ! video/x-raw,format=I420,width=1920,height=1080,framerate=60/1 \
  ! x264enc speed-preset=veryfast bitrate=4000 ! video/x-h264,profile=high ! h264parse \
  ! video/x-h264,stream-format=byte-stream,alignment=au ! filesink location="$out/film.h264"

tar -C "$(dirname "$out")" --owner=0 --group=0 -czf "$out.tar.gz" "$(basename "$out")"
bytes=$(stat -c %s "$out.tar.gz")
printf '%s: %d MB, unpacked %d MB\n' "$out.tar.gz" $((bytes / 1000000)) $(($(du -sb "$out" | cut -f1) / 1000000))
[ "$bytes" -le 66000000 ] || { echo 'bundle.sh: more than 66 MB' >&2; exit 1; }
