package documents

import (
	"os/exec"
	"regexp"
	"strings"
)

// notHere are lines that no test of this folder can run, and why. Their spelling is checked all the same.
var notHere = []struct{ begins, reason string }{
	{"podman ", "needs a container engine and an image"},
	{"docker ", "needs a container engine and an image"},
	{"kubectl ", "needs a cluster; TestKubernetes in pipelines runs the commands of the file"},
	{"pipelines/slurm.sh ", "needs a cluster; TestSlurm in pipelines runs it on one of one machine, TestSlurmScript on a bucket"},
	{"adain transcode --out s3://", "needs a bucket; TestWorkers in trainer/transcode has one"},
	{"adain transcode --status s3://", "needs a bucket; TestStatus in trainer/transcode has one"},
	{"adain transcode --worker --metrics :9090 ", "the port may be taken; TestPublish in trainer asks it"},
	{"parallel --nonall ", "needs hosts; TestHosts in pipelines has them"},
	{"for host in ", "needs hosts; TestHosts in pipelines has them"},
	{"curl -LO https://", "needs the network"},
	{"curl -O http://", "needs the network"},
	{"gst-launch-1.0 filesrc location=film.mp4 ! qtdemux ! h264parse ! nvh264dec ", "needs an NVIDIA GPU"},
	{"gst-launch-1.0 videotestsrc ! cudaupload ", "needs an NVIDIA GPU"},
	{"gpu-bundle/run", "needs a host with an NVIDIA GPU"},
	{"tar xzf gpu-bundle.tar.gz", "needs the bundle on another host"},
	{"go test ./cuda/...", "make test runs it"},
	{"sudo ", "needs root, and a kernel with modules"},
}

// instead replaces what only a reader's machine has, or what would take long; make is asked what it would do.
var instead = []struct {
	what   *regexp.Regexp
	by     string
	reason string
}{
	{regexp.MustCompile(`^make `), "make -C $$REPOSITORY --dry-run ", "takes minutes"},
	{regexp.MustCompile(`\b(autovideosink|ximagesink)\b`), "fakesink", "no display"},
	{regexp.MustCompile(`\bvideotestsrc( num-buffers=\d+)?`), "videotestsrc num-buffers=3", "never ends"},
	{regexp.MustCompile(` --window\b`), "", "no display"},
	{regexp.MustCompile(`--source screen\b`), "--source test", "no display"},
	{regexp.MustCompile(`^((?:\w+=\S+ )?\S*adain live)(.*)`), "timeout --foreground --signal INT --preserve-status 3 $1 --source test --listen 127.0.0.1:0$2", "no camera; never ends"},
	{regexp.MustCompile(`--output v4l2:\S+`), "--output camera.mkv", "no module v4l2loopback"},
	{regexp.MustCompile(`--sound microphone\b`), "--sound source", "no microphone"},
	{regexp.MustCompile(`--output rtmp://server\S+`), "--output udp://127.0.0.1:9", "needs the network"},
	{regexp.MustCompile(`\| ffplay -`), "| ffprobe -v error -", "no display"},
	{regexp.MustCompile(`--source test (.*--source )`), "$1", "given twice"},
	{regexp.MustCompile(`^curl (.*)http://127\.0\.0\.1:8080/`), "curl --fail-with-body --silent --show-error $1$${PAGE}", "the address may be taken"},
	{regexp.MustCompile(`--start 1m --duration 10s`), "--start 300ms --duration 400ms", "the test's film lasts a second"},
	{regexp.MustCompile(`--skip 100 --frames 200\b`), "--skip 1 --frames 3", "the test's film lasts a second"},
	{regexp.MustCompile(`--size 720\b`), "--size 48", "takes long"},
	{regexp.MustCompile(`eval --video film.mp4`), "eval --size 48 --frames 3 --video film.mp4", "takes long"},
	{regexp.MustCompile(`--max-iter \d+`), "--max-iter 2", "takes hours"},
	{regexp.MustCompile(`--crop 128 --batch-size 4\b`), "--crop 32 --batch-size 2", "takes long"},
	{regexp.MustCompile(`--validate-share 0.02 --patience 5\b`), "--validate-share 0.3 --validate-pairs 2 --patience 5", "the test has few pictures"},
	{regexp.MustCompile(`adain quantize `), "adain quantize --pictures 2 --size 32 ", "takes long"},
	{regexp.MustCompile(`--pool 4\b`), "--pool 1", "takes long"},
	{regexp.MustCompile(` --content-size 256 --style-size 256\b`), "", "takes long"},
	{regexp.MustCompile(`\badain train (.*--vgg)`), "adain train --content-size 64 --style-size 64 $1", "takes long"},
	{regexp.MustCompile(`documents/refit.py `), "documents/refit.py --pairs 1 ", "takes long"},
	{regexp.MustCompile(`--warmup \d+`), "--warmup 1", "takes hours"},
	{regexp.MustCompile(`--pairs 20\b`), "--pairs 2 --size 64", "takes long"},
	{regexp.MustCompile(`(adain transcode --shard )0/4(.*)`), "for i in 0 1 2 3; do $1$$i/4$2; done", "four machines"},
	{regexp.MustCompile(` /shared/`), " shared/", "not of this machine"},
	{regexp.MustCompile(`(documents/paintings.py .*)--number 2000`), "$1 --number 20 --pause 0 --tables file://$$PWD/tables/", "needs the network"},
}

// Elements and programs without which a line that has the word is left out.
var wants = map[string]string{
	"h265": "element x265enc", "ffv1": "element avenc_ffv1", "compare.sh": "element compositor", "transcode": "element x264enc", "file.sh": "element x264enc",
	"ffmpeg": "program ffmpeg", "ffplay": "program ffprobe", "--output": "element x264enc", "curl": "program curl", "openssl": "program openssl", "lscpu": "program lscpu", "film.mp4": "element avdec_h264", "timeline.py": "module gi", "refit.py": "module safetensors",
}

// cheap are the lines that a short run has; the others take a second or more each, or a whole VGG-19.
var cheap = regexp.MustCompile(`^(make|export|cat|mkdir|(build/)?adain (stylize --content photo.jpg --style painting.jpg --out|style|--version))`)

// missing says what a line needs and this machine does not have.
func missing(text string) string {
	for word, what := range wants {
		if !strings.Contains(text, word) {
			continue
		}
		kind, name, _ := strings.Cut(what, " ")
		var err error
		switch kind {
		case "element":
			err = exec.Command("gst-inspect-1.0", "--exists", name).Run()
		case "program":
			_, err = exec.LookPath(name)
		case "module":
			program := map[string]string{"gi": "import gi; gi.require_version('Gst', '1.0')", "safetensors": "import numpy, PIL, safetensors"}
			err = exec.Command("/usr/bin/python3", "-c", program[name]).Run()
		}
		if err != nil {
			return what
		}
	}
	return ""
}
