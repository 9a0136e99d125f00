package main

import (
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"adainfilter/cuda/emu"
)

// emulated is the environment in which programs find the emulated driver; the test is skipped where it cannot be built.
func emulated(t *testing.T) []string {
	t.Helper()
	folder, err := emu.Folder()
	if errors.Is(err, emu.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{"LD_LIBRARY_PATH=" + folder}
	if _, err := run(t, environment, "gst-inspect-1.0", "--exists", "cudaupload"); err != nil {
		t.Skip("GStreamer's elements cudaupload and cudadownload are not installed")
	}
	return environment
}

// TestNotLinked: a machine without a GPU has neither library.
func TestNotLinked(t *testing.T) {
	out, err := exec.Command("ldd", built(t, "ldd")+"/libgstadainfilter.so").CombinedOutput()
	if err != nil {
		t.Fatalf("ldd: %v\n%s", err, out)
	}
	if found := regexp.MustCompile(`.*lib(gst)?cuda.*`).FindAllString(string(out), -1); found != nil || !strings.Contains(string(out), "libgstreamer") {
		t.Errorf("the plugin is linked with %q, wanted neither libcuda nor libgstcuda; all of it:\n%s", found, out)
	}
}

const system = "videotestsrc num-buffers=2 ! video/x-raw,format=NV12,width=16,height=16 ! "

// TestLeaksOnGPU runs lines with frames in GPU memory, on an emulated GPU, under the leak tracer.
func TestLeaksOnGPU(t *testing.T) {
	environment := emulated(t)
	const onGPU = system + "cudaupload ! video/x-raw(memory:CUDAMemory) ! "
	for line, engine := range map[string]string{
		onGPU + "adainfilter device=cuda ! cudadownload ! fakesink":                                   "engine: GPU 0",
		onGPU + "adainfilter device=cpu ! cudadownload ! fakesink":                                    "copied from the GPU and back",
		onGPU + "adainfilter alpha=0 ! adainfilter ! queue ! cudadownload ! fakesink":                 "engine: GPU 0",
		system + "adainfilter ! cudaupload ! video/x-raw(memory:CUDAMemory) ! adainfilter ! fakesink": "engine: GPU 0",
	} {
		if out := leaks(t, environment, strings.Fields(line)); !strings.Contains(out, engine) {
			t.Errorf("%s: wanted %q in\n%s", line, engine, out)
		}
	}
}

// TestUnusableGPUs: with each of these the element works on the CPU, and the log says why.
func TestUnusableGPUs(t *testing.T) {
	driver := emulated(t)
	for machine, why := range map[string]string{
		"EMU_DEVICES=0": "finds no GPU", "EMU_CC=75": "compute capability 7.5", "EMU_DRIVER_VERSION=11000": "too old", "EMU_MEMORY=1000": "OUT_OF_MEMORY",
	} {
		environment := append(driver, machine)
		out := leaks(t, environment, strings.Fields(system+"adainfilter ! adainfilter ! fakesink"))
		if !strings.Contains(out, "engine: CPU") || !strings.Contains(out, "no GPU: cuda: ") || !strings.Contains(out, why) {
			t.Errorf("%s: wanted an engine on the CPU because of %q in\n%s", machine, why, out)
		}
		out, err := run(t, environment, "gst-launch-1.0", strings.Fields("-f "+system+"adainfilter device=cuda ! fakesink")...)
		if err == nil || !strings.Contains(out, "ERROR: from element") || !strings.Contains(out, why) {
			t.Errorf("%s, device=cuda: %v, wanted an error with %q in\n%s", machine, err, why, out)
		}
	}
}
