package driver

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/cu"

	"adainfilter/cuda/emu"
)

// hasDriver tells whether a libcuda.so.1 is found without the emulated one.
func hasDriver() bool {
	for _, dir := range []string{"lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib64", "lib"} {
		if _, err := os.Stat(filepath.Join("/usr", dir, "libcuda.so.1")); err == nil {
			return true
		}
	}
	cache, err := os.ReadFile("/etc/ld.so.cache") // what ldconfig knows of other folders
	return err == nil && bytes.Contains(cache, []byte("/libcuda.so.1"))
}

func without(environment []string, names ...string) []string {
	var left []string
	for _, e := range environment {
		name, _, _ := strings.Cut(e, "=")
		keep := true
		for _, n := range names {
			keep = keep && n != name
		}
		if keep {
			left = append(left, e)
		}
	}
	return left
}

// alone runs one test of this program in a process of its own, with environment variables more and the emulated driver or none.
func alone(t *testing.T, test string, emulated bool, variables ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(self, "-test.run=^"+test+"$", "-test.v")
	run.Env = append(os.Environ(), append(variables, "DRIVER_TEST_ALONE="+test)...)
	if !emulated {
		run.Env = without(run.Env, "LD_LIBRARY_PATH", "EMU_FOLDER")
	}
	text, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "--- PASS: "+test) {
		t.Errorf("%v: %v\n%s", variables, err, text)
	}
}

func TestNoDriver(t *testing.T) {
	if os.Getenv("DRIVER_TEST_ALONE") == "" {
		if hasDriver() {
			t.Skip("this machine has an NVIDIA driver")
		}
		alone(t, "TestNoDriver", false)
		return
	}
	if c := Copies(); c != (Counts{}) {
		t.Errorf("copies: %+v", c)
	}
	if n, err := cu.NumDevices(); n != 0 || err != nil {
		t.Errorf("cu.NumDevices() is %d, %v", n, err)
	}
	err := Available()
	if err == nil || !strings.HasPrefix(err.Error(), "no NVIDIA driver (libcuda.so.1: ") {
		t.Errorf("Available: %v", err)
	}
	_, _, versionErr := Version()
	_, currentErr := Current()
	_, retainErr := RetainPrimary(0)
	_, deviceErr := DeviceOf(1)
	_, hostErr := HostAlloc(1)
	_, moduleErr := LoadModule(probe)
	_, mapErr := EncodeTiled(16, [4]int{64, 1, 1, 1}, [3]int{128, 128, 128}, [4]int{64, 1, 1, 1})
	_, graphErr := NewGraph(nil)
	_, kernelErr := NewKernel("probe", cu.Function{}, 8)
	for i, err := range []error{versionErr, currentErr, retainErr, deviceErr, hostErr, moduleErr, mapErr, graphErr, Push(0), Pop(),
		ReleasePrimary(0), SharedMemory(cu.Function{}, 1), kernelErr} {
		var e *Error
		if !errors.As(err, &e) || e.Code != 100 || e.Name != "CUDA_ERROR_NO_DEVICE" {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

func TestMissingInContainer(t *testing.T) {
	before := controlDevice
	defer func() { controlDevice = before }()
	controlDevice = os.DevNull
	fails(t, "missing", missing("dlopen's words"), "NVIDIA_DRIVER_CAPABILITIES=compute,video,utility")
	fails(t, "missing", missing("dlopen's words"), "no NVIDIA driver (dlopen's words)")
	controlDevice = filepath.Join(t.TempDir(), "absent")
	if err := missing("dlopen's words"); strings.Contains(err.Error(), "CAPABILITIES") {
		t.Error(err)
	}
}

func TestAvailable(t *testing.T) {
	emu.Need(t)
	if os.Getenv("DRIVER_TEST_ALONE") != "" {
		err := Available()
		if wanted := os.Getenv("DRIVER_TEST_WANTED"); wanted != "" {
			fails(t, "Available", err, wanted)
		} else if err != nil {
			t.Error(err)
		}
		return
	}
	alone(t, "TestAvailable", true)
	alone(t, "TestAvailable", true, "EMU_DEVICES=0", "DRIVER_TEST_WANTED=finds no GPU")
	alone(t, "TestAvailable", true, "EMU_DRIVER_VERSION=12040",
		"DRIVER_TEST_WANTED=too old: it supports CUDA 12.4, the kernels need 12.8, which is driver 570")
	alone(t, "TestAvailable", true, "EMU_DRIVER_VERSION=13000")
}
