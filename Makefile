# Runs the tools; what depends on what inside the program is Go's business. `make` alone lists the targets.
# Everything that is built lies in $(BUILD).

BUILD   := build
PLUGIN  := $(BUILD)/gstreamer-1.0/libgstadainfilter.so
COMMAND := $(BUILD)/adain
# The manual page and the completion scripts, which the command prints.
SHARE   := $(BUILD)/share
PREFIX  := /usr/local
ZSHDIR   = $(PREFIX)/share/zsh/site-functions
# The folder that GStreamer itself scans, asked only when installing.
PLUGINDIR = $(shell pkg-config --variable=pluginsdir gstreamer-1.0)

# The folder of cuda.h: fetched unless a toolkit's is given, say CUDA_INCLUDE=/usr/local/cuda/include. The compiler finds it
# through its environment, which is no part of the keys of Go's cache: CGO_CFLAGS would compile the bindings anew.
FETCHED      := $(abspath $(BUILD))/cuda/include
CUDA_INCLUDE := $(FETCHED)
ifeq ($(CUDA_INCLUDE),$(FETCHED))
HEADERS := tools/nvidia '$(BUILD)/cuda' include
else
HEADERS := grep -q '^\#define CUDA_VERSION 12' '$(CUDA_INCLUDE)/cuda.h' || { echo 'CUDA_INCLUDE=$(CUDA_INCLUDE) has no cuda.h of CUDA 12' >&2; exit 1; }
endif
# The folder of gst/cuda/*.h where the system has none.
GSTCUDA := $(abspath $(BUILD))/gstcuda
export C_INCLUDE_PATH := $(if $(C_INCLUDE_PATH),$(C_INCLUDE_PATH):)$(CUDA_INCLUDE):$(GSTCUDA)
export CPLUS_INCLUDE_PATH := $(if $(CPLUS_INCLUDE_PATH),$(CPLUS_INCLUDE_PATH):)$(CUDA_INCLUDE)
# Only where a toolkit lies in a folder that gorgonia.org/cu looks into first, and may be of a release that it does not fit.
ifneq ($(wildcard $(addsuffix /include/cuda.h,/usr/local/cuda /usr/local/cuda-10.2 /opt/cuda)),)
export CGO_CFLAGS := -I$(CUDA_INCLUDE) $(or $(CGO_CFLAGS),-g -O2)
endif

# An official Go archive lies there and is often not in root's PATH.
export PATH := $(PATH):/usr/local/go/bin
# One way to compile for the plugin, the command and the tests: they share go-gst, which takes minutes.
# Without VCS stamps a build also works where git is missing or distrusts the folder's owner.
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -buildmode=pie -buildvcs=false

# What is installed first must be there for what comes next.
.NOTPARALLEL:

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help deps demo-deps headers build plugin command share demo tests bucket test test-all arm64 bare lint kernels bench gpu-bundle deb install clean

help:
	@echo 'make demo        stylise a film: demo.mp4 and demo.png  (VIDEO=film STYLE=style ALPHA=0..1)'
	@echo 'make test        run the tests that a change usually breaks'
	@echo 'make test-all    run all tests, the race detector and the sanitizers'
	@echo 'make build       $(PLUGIN) and $(COMMAND)'
	@echo 'make deps        install what is missing (apt; headers of CUDA from PyPI, or CUDA_INCLUDE=folder of cuda.h)'
	@echo 'make bucket      the S3 server that tests with a bucket start: $(BUILD)/versitygw (Go 1.25)'
	@echo 'make lint        formatting, vet, staticcheck, import rules, scripts in sh, bash and Python'
	@echo 'make kernels     compile cuda/kernels/*.cu to PTX and cubins (with CHECK=1 only compare)'
	@echo 'make bench       speed of the engine, of the element and of each video format'
	@echo 'make gpu-bundle  tests and benchmarks for a host that has only a GPU and its driver: $(BUILD)/gpu-bundle.tar.gz'
	@echo 'make bare        try all this on a bare Debian, RELEASE=bookworm or trixie (root, debootstrap)'
	@echo 'make arm64       plugin, command and tests for 64-bit ARM, run under QEMU: $(BUILD)/arm64 (Debian; 640 MB)'
	@echo 'make deb         a Debian package: $(BUILD)/adainfilter_VERSION_ARCHITECTURE.deb'
	@echo 'make install     plugin to PLUGINDIR (GStreamer'"'"'s own), command, manual page and completions to PREFIX; DESTDIR is honoured'
	@echo 'make clean       remove what was built'

deps:
	@tools/deps all
	@$(HEADERS)
	@tools/gstcuda '$(GSTCUDA)'

headers:
	@$(HEADERS)
	@tools/gstcuda '$(GSTCUDA)'

build: deps plugin command

# Only the linker is told c-shared. Told to `go build`, it runs cgo and gcc again on go-gst, minutes each time, to make C
# headers that nobody reads, whenever the packages in its cache were first compiled as pie.
plugin: headers
	go build -ldflags=-buildmode=c-shared -o '$(PLUGIN)' ./plugin

command: headers
	go build -o '$(COMMAND)' ./trainer

share: command
	mkdir -p '$(SHARE)'
	'$(COMMAND)' manual >'$(SHARE)/adain.1'
	'$(COMMAND)' completion bash >'$(SHARE)/adain.bash'
	'$(COMMAND)' completion zsh >'$(SHARE)/_adain'
	'$(COMMAND)' completion fish >'$(SHARE)/adain.fish'

# Elements that only tests and films of rarer kinds need are most of what `make deps` installs.
demo-deps:
	@tools/deps demo

demo: demo-deps plugin command
	@VIDEO='$(VIDEO)' STYLE='$(STYLE)' ALPHA='$(ALPHA)' pipelines/demo.sh

# What takes longest begins first. The tool shows at the end what was skipped and why.
PACKAGES := ./cuda/emu ./cuda ./trainer/transcode ./element ./...
# Where goroutines share data. The race detector takes no pie, so that all is compiled for it once more. The suite of the engines runs
# in cpu and cuda; model/modeltest only tries it on seeded defects, for minutes.
RACES := ./model ./model/ref ./picture ./cpu ./cuda ./element ./trainer/dataset ./trainer/live ./trainer/transcode

tests: headers
	@go build -o '$(BUILD)/tests' ./tools/tests

# An S3 server for tests, pinned in a module of its own: it needs Go 1.25 and 240 modules that nothing else needs.
bucket:
	@go build -C tools/bucket -o '$(abspath $(BUILD))/versitygw' github.com/versity/versitygw/cmd/versitygw

test: build tests
	@'$(BUILD)/tests' -short -timeout 15m $(PACKAGES)

test-all: build tests
	@$(MAKE) --no-print-directory bucket || echo 'no S3 server: tests with a bucket are skipped'
	@status=0; \
	'$(BUILD)/tests' -timeout 30m $(PACKAGES) -- -race -buildmode=exe -short -timeout 30m $(RACES) || status=1; \
	tools/sanitize || status=1; \
	if command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-g++ >/dev/null; then tools/arm64 || status=1; \
	else echo 'nothing was tried on arm64: no qemu-aarch64 or no aarch64-linux-gnu-g++, which make arm64 installs'; fi; \
	exit $$status

# GStreamer's bindings and the engine are compiled once more, minutes of processor time.
arm64: headers
	@tools/deps demo aarch64-linux-gnu-g++:g++-aarch64-linux-gnu qemu-aarch64:qemu-user
	@tools/arm64

lint: deps
	@tools/deps all shellcheck pyflakes3
	@tools/lint '$(STATICCHECK)'

# As root. The base of a release may be kept: BASE=folder that debootstrap made.
bare:
	@tools/bare '$(RELEASE)'

# NVRTC and ptxas, of the pinned release only: another one writes other text.
kernels:
	@tools/nvidia '$(BUILD)/cuda' include lib bin
	@tools/kernels '$(BUILD)/cuda' $(if $(CHECK),--check)

bench: build
	@pipelines/bench.sh

gpu-bundle: deps
	@pipelines/gpu/bundle.sh '$(BUILD)/gpu-bundle'

# dh gives what it calls another home, where Go would compile everything anew. What the build depends on was seen to by tools/deps;
# dpkg-buildpackage would also want the package build-essential, which only names what is there.
deb: build
	@tools/deps all dh:debhelper dpkg-buildpackage:dpkg-dev lintian
	rm -f '$(BUILD)'/adainfilter_*
	DEBFOLDER='$(BUILD)' GOCACHE="$$(go env GOCACHE)" GOMODCACHE="$$(go env GOMODCACHE)" dpkg-buildpackage --build=binary \
	  --no-check-builddeps --unsigned-changes --post-clean \
	  --buildinfo-option=-u'$(BUILD)' --buildinfo-file='$(BUILD)/adainfilter.buildinfo' \
	  --changes-option=-u'$(BUILD)' --changes-file='$(BUILD)/adainfilter.changes'
	lintian --fail-on error --allow-root '$(BUILD)'/adainfilter_*.deb

install: build share
	install -D -m 644 '$(PLUGIN)' '$(DESTDIR)$(PLUGINDIR)/libgstadainfilter.so'
	install -D -m 755 '$(COMMAND)' '$(DESTDIR)$(PREFIX)/bin/adain'
	install -D -m 644 '$(SHARE)/adain.1' '$(DESTDIR)$(PREFIX)/share/man/man1/adain.1'
	install -D -m 644 '$(SHARE)/adain.bash' '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/adain.bash'
	install -D -m 644 '$(SHARE)/_adain' '$(DESTDIR)$(ZSHDIR)/_adain'
	install -D -m 644 '$(SHARE)/adain.fish' '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/adain.fish'

clean:
	rm -rf '$(BUILD)' demo.mp4 demo.png
