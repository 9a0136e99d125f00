package cuda

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/cuda/emu"
	"adainfilter/model"
	"adainfilter/model/modeltest"
)

// verdictsIn lets verdicts lie in an empty folder during the test.
func verdictsIn(t *testing.T) string {
	t.Helper()
	before, folder := verdictFolder, filepath.Join(t.TempDir(), "a", "b")
	verdictFolder = func() (string, error) { return folder, nil }
	t.Cleanup(func() { verdictFolder = before })
	return folder
}

// TestPath demands mma.sync, and a warning that names the instruction, on a GPU whose wgmma does something else than the kernels expect or
// cannot be tried, and that ADAIN_CUDA_PATH overrules the self-test.
func TestPath(t *testing.T) {
	emu.Need(t)
	for _, c := range []struct {
		name, capability, wrong, path, fails string
		multiplies, warns, refuses           string
	}{
		{name: "right", capability: "90", multiplies: "wgmma"},
		{name: "wgmma of 64 columns", capability: "90", wrong: "wgmma64", multiplies: "mma.sync", warns: "m64n64k16"},
		{name: "wgmma of 128 columns", capability: "90", wrong: "wgmma128", multiplies: "mma.sync", warns: "m64n128k16"},
		{name: "wgmma of 256 columns", capability: "90", wrong: "wgmma256", multiplies: "mma.sync", warns: "m64n256k16"},
		{name: "stmatrix", capability: "90", wrong: "stmatrix", multiplies: "mma.sync", warns: "stmatrix"},
		{name: "no tensor map", capability: "90", fails: "cuTensorMapEncodeTiled", multiplies: "mma.sync", warns: "tensor map"},
		{name: "no launch", capability: "90", fails: "cuLaunchKernel", multiplies: "mma.sync", warns: "selftest_90"},
		{name: "no context", capability: "90", fails: "cuCtxCreate_v2", multiplies: "mma.sync", warns: "cuCtxCreate"},
		{name: "80 forced", capability: "90", path: "80", multiplies: "mma.sync"},
		{name: "90 forced", capability: "90", wrong: "stmatrix", path: "90", multiplies: "wgmma"},
		{name: "older", capability: "80", wrong: "wgmma256", multiplies: "mma.sync"},
		{name: "80 forced where there is nothing else", capability: "80", path: "80", multiplies: "mma.sync"},
		{name: "90 forced where there is no wgmma", capability: "80", path: "90", refuses: "compute capability 8.0"},
		{name: "newer", capability: "100", multiplies: "mma.sync"},
		{name: "a path that is none", capability: "90", path: "70", refuses: `"70", wanted 80 (mma.sync), 90 (wgmma)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdictsIn(t)
			t.Setenv("EMU_CC", c.capability)
			t.Setenv("EMU_WRONG", c.wrong)
			t.Setenv(pathVariable, c.path)
			if c.fails != "" {
				emu.FailFunction(c.fails, 1, unknown)
				defer emu.Reset()
			}
			before := emu.Live()
			e, err := Open(modeltest.RandomWeights(1, modeltest.Widths), model.Options{DeviceID: -1})
			if c.refuses != "" {
				if err == nil || !strings.Contains(err.Error(), c.refuses) {
					t.Errorf("%v, wanted %q in it", err, c.refuses)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := e.Describe(); !strings.Contains(text, c.multiplies+",") {
				t.Errorf("%q, wanted %s", text, c.multiplies)
			}
			warning := model.Warning(e)
			if (warning == "") != (c.warns == "") || !strings.Contains(warning, c.warns) {
				t.Errorf("warning %q, wanted %q in it", warning, c.warns)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			if after := emu.Live(); after != before {
				t.Errorf("left on the GPU: %+v, before: %+v", after, before)
			}
		})
	}
}

// TestVerdict demands that a self-test is made once for a card and driver, whatever it says, but again where it came to no end.
func TestVerdict(t *testing.T) {
	emu.Need(t)
	t.Setenv("EMU_CC", "90")
	t.Setenv("EMU_IDLE", "0")
	for _, c := range []struct {
		name, wrong, fails string
		kept               bool
	}{{"right", "", "", true}, {"wrong", "wgmma128", "", true}, {"no end", "", "cuLaunchKernel", false}} {
		t.Run(c.name, func(t *testing.T) {
			folder := verdictsIn(t)
			t.Setenv("EMU_WRONG", c.wrong)
			warning := func() (text string, contexts int) {
				emu.Reset()
				if c.fails != "" {
					emu.FailFunction(c.fails, 1, unknown)
				}
				defer emu.Reset()
				e := open(t, modeltest.Widths, model.Options{DeviceID: -1})
				return e.Warning(), emu.Calls()["cuCtxCreate_v2"]
			}
			first, made := warning()
			if made != 1 {
				t.Fatalf("%d contexts for the self-test, wanted 1", made)
			}
			second, again := warning()
			if (again == 0) != c.kept || first != second {
				t.Errorf("%d contexts the second time; warnings %q and %q", again, first, second)
			}
			if files, _ := os.ReadDir(folder); (len(files) == 1) != c.kept {
				t.Errorf("files %v", files)
			}
			t.Setenv("EMU_DRIVER_VERSION", "13000")
			if _, anew := warning(); anew != 1 {
				t.Errorf("%d contexts under another driver, wanted 1", anew)
			}
		})
	}
}
