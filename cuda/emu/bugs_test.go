package emu

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bug is a mistake as somebody might make it, put into a copy of a source; tests of the tests. The kernels know nothing of it.
type bug struct {
	name  string
	file  string // of cuda/kernels, or of cuda/emu/tests
	edits []edit
	test  string // file of tests
	cases string // prefix of the cases that run
	runs  []run  // each must find it
	says  string // what the output must have, besides that of the sanitizer
}

// edit is text that must be there exactly once, with what comes in its place.
type edit struct{ from, to string }

// seed is the text of the bug's file with the bug in it.
func (b *bug) seed(root string) (texts, error) {
	name := filepath.Join("cuda", "kernels", b.file)
	if strings.HasSuffix(b.file, ".cpp") {
		name = filepath.Join("cuda", "emu", "tests", b.file)
	}
	read, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return nil, err
	}
	text := string(read)
	for _, e := range b.edits {
		if n := strings.Count(text, e.from); n != 1 {
			return nil, fmt.Errorf("bug %s: %s has %d times, wanted once:\n%s", b.name, name, n, e.from)
		}
		text = strings.Replace(text, e.from, e.to, 1)
	}
	return texts{name: text}, nil
}

var bugs = []bug{
	{name: "no sync", file: "conv.cu", test: "conv", cases: "conv_n64", edits: []edit{{`overwrite.
      __syncthreads();
`, "overwrite.\n"}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rev", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}},
	{name: "copied too early", file: "conv.cu", test: "conv", cases: "conv_n64", edits: []edit{
		{"      cp_async_wait<S::slots - 2>();\n", "      loader.step();\n      cp_async_wait<S::slots - 2>();\n"},
		{"dy, dx);\n      loader.step();\n", "dy, dx);\n"},
	}, runs: []run{{plain, "fwd", "now", ""}, {plain, "rev", "mix", ""}, {race, "rand:1", "late", ""}}},
	{name: "no wait", file: "conv.cu", test: "conv", cases: "conv_n64", edits: []edit{{"cp_async_wait<S::slots - 2>", "cp_async_wait<S::slots - 1>"}},
		runs: []run{{plain, "fwd", "late", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}},
	{name: "shared overrun", file: "conv_load.cuh", test: "conv", cases: "conv_n64", edits: []edit{{"if (n >= S::channels) break;\n", "if (n++ >= S::channels) break;\n"}},
		runs: []run{{address, "rand:1", "mix", ""}, {race, "lock", "late", ""}}, says: "conv_load.cuh"},
	{name: "shared overrun", file: "conv_load.cuh", test: "conv", cases: "conv_n64", edits: []edit{{"if (n >= S::channels) break;\n", "if (n++ >= S::channels) break;\n"}},
		runs: []run{{plain, "fwd", "late", ""}}, says: "bytes of shared memory"},
	{name: "global overrun", file: "conv_load.cuh", test: "conv", cases: "conv_n64", edits: []edit{{"exists = row + dy < p.H + 2 && col + dx < p.W + 2 && channel", "exists = channel"}},
		runs: []run{{address, "rand:1", "mix", ""}}, says: "conv_load.cuh"},
	{name: "divergent", file: "conv.cu", test: "conv", cases: "conv_n64", edits: []edit{{`overwrite.
      __syncthreads();
`, `overwrite.
      if (threadIdx.x < 96)
        __syncthreads();
      else
        __syncthreads();
`}}, runs: []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}}, says: "wait at different __syncthreads"},
	{name: "fragment", file: "conv.cu", test: "conv", cases: "conv_n64", edits: []edit{{"(lane & 15) + dx, lane >> 4)", "(lane >> 1) + dx, lane & 1)"}},
		runs: []run{{plain, "fwd", "mix", ""}}, says: "values are wrong"},
	{name: "no sync", file: "statistics.cuh", test: "statistics", edits: []edit{{`= v[c];
  __syncthreads();
`, "= v[c];\n"}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rev", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "no sync", file: "statistics.cuh", test: "regions", cases: "regions_sizes", edits: []edit{{`= v[c];
  __syncthreads();
`, "= v[c];\n"}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "no sync", file: "smooth.cu", test: "smooth", cases: "smooth_sizes", edits: []edit{{"n /= 2) {\n    __syncthreads();\n", "n /= 2) {\n"}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "sums begun anew too early", file: "smooth.cu", test: "smooth", cases: "smooth_sizes", edits: []edit{{"  __syncthreads();  // others", "  // others"}},
		runs: []run{{race, "lock", "mix", ""}}},
	{name: "no sync", file: "enlarge.cu", test: "enlarge", cases: "enlarge_fit", edits: []edit{{"left - enlarge_box);\n  __syncthreads();\n", "left - enlarge_box);\n"}},
		runs: []run{{plain, "rev", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "overrun", file: "motion.cu", test: "motion", cases: "motion_sizes", edits: []edit{{"(size_t)motion_limit(y, 0, height - 1)", "(size_t)y"}},
		runs: []run{{address, "rand:1", "mix", ""}}, says: "motion.cu"},
	{name: "no sync", file: "motion.cu", test: "motion", cases: "motion_formats", edits: []edit{{"from[threadIdx.x] = now;\n    __syncthreads();\n", "from[threadIdx.x] = now;\n"}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "halo too small", file: "motion.cu", test: "motion", cases: "motion_levels", edits: []edit{{"motion_tile + 2 * motion_passes, motion", "motion_tile + 2 * motion_passes - 1, motion"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "coarse cell on the wrong side", file: "motion.cu", test: "motion", cases: "motion_levels", edits: []edit{{"(k % 2) * (2 * (p.x % 2) - 1)", "(k % 2) * (1 - 2 * (p.x % 2))"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "way back of the wrong level", file: "motion.cu", test: "motion", cases: "motion_levels", edits: []edit{{"(behind ? back.found : back.settled)", "(behind ? back.settled : back.found)"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "nothing rests", file: "motion.cu", test: "motion", cases: "motion_levels", edits: []edit{{"follows && !f.slopes[i].w", "follows"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "doubts of a column alone", file: "motion.cu", test: "motion", cases: "motion_levels", edits: []edit{{"column + k % 5]", "column + 2]"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "overrun", file: "follow.cuh", test: "follow", cases: "follow_sizes", edits: []edit{{"follow_limit(x, 0, width(f) - 1)", "x"}},
		runs: []run{{address, "rand:1", "mix", ""}}, says: "frame.cuh"},
	{name: "chroma goes as far as luminance", file: "follow.cuh", test: "follow", cases: "follow_formats", edits: []edit{{"corner[3].x, 2 + half)", "corner[3].x, 2)"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "takes over what others read", file: "follow.cu", test: "follow", cases: "follow_formats", edits: []edit{{"now.put(kept, y, x, 0)", "now.put(before, y, x, 0)"}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rev", "mix", ""}}},
	{name: "weights of Catmull and Rom", file: "follow.cuh", test: "follow", cases: "follow_formats", edits: []edit{{"-((3 * f * (16 - f) * (16 - f) + 128) >> 8)", "-((2 * f * (16 - f) * (16 - f) + 128) >> 8)"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "gain of the cell alone", file: "follow.cu", test: "follow", cases: "follow_formats", edits: []edit{{"for (int u = max(x - 1, 0); u < min(x + 2, cells_w); u++) plain", "for (int u = x; u < x + 1; u++) plain"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "overrun", file: "blend.cu", test: "blend", cases: "blend_sizes", edits: []edit{{"min(max(p.y + i, 0), height - 1)", "max(p.y + i, 0)"}},
		runs: []run{{address, "rand:1", "mix", ""}}, says: "blend.cu"},
	{name: "no sync", file: "train_conv.cu", test: "train_conv", cases: "train_conv_wide", edits: []edit{{"    __syncthreads();  // the stage has come, and the other one has been read\n", ""}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}},
	{name: "no wait", file: "train_wgrad.cu", test: "train_wgrad", cases: "train_wgrad_c32", edits: []edit{{"    cp_async_wait<0>();\n", "    cp_async_wait<1>();\n"}},
		runs: []run{{plain, "fwd", "late", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}},
	{name: "turned", file: "train_wgrad.cu", test: "train_wgrad", cases: "train_wgrad_c16", edits: []edit{{"k + dx + (lane & 15)", "k + 2 - dx + (lane & 15)"}},
		runs: []run{{plain, "fwd", "mix", ""}}, says: "values are wrong"},
	{name: "no sync", file: "training.cuh", test: "train_losses", cases: "train_losses_style", edits: []edit{{"n /= 2) {\n    __syncthreads();\n", "n /= 2) {\n"}},
		runs: []run{{plain, "rev", "mix", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}},
	{name: "halo forgotten", file: "training.cuh", test: "train_planes", cases: "train_planes_back", edits: []edit{{"(i == 0 || rows[i] != y)", "i == 0"}},
		runs: []run{{plain, "fwd", "mix", ""}}, says: "values are wrong"},
	{name: "static overrun", file: "emulator.cpp", test: "emulator", cases: "emulator_shapes", edits: []edit{{`  dynamic[i] = block;
`, `  dynamic[i] = block;
  int *volatile behind = fixed;  // volatile: else the compiler itself sees it
  if (i == 0) behind[n > 0 ? 1024 : 0] = 0;
`}}, runs: []run{{address, "rand:1", "mix", ""}}, says: "global-buffer-overflow"},
	{name: "no sync of the warp", file: "instructions.cpp", test: "instructions", cases: "instructions_syncwarp", edits: []edit{{`round);
      __syncwarp();
`, "round);\n"}},
		runs: []run{{plain, "fwd", "mix", ""}, {plain, "rev", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "no wait for room", file: "conv90_body.cuh", test: "conv90", cases: "conv90_several", edits: []edit{{"        mbar_wait(sm.box_empty(box.slot), box.parity ^ 1);\n", ""}},
		runs: []run{{plain, "fwd", "late", ""}, {plain, "rand:1", "mix", ""}}, says: "more arrivals in a phase"},
	{name: "no turns", file: "conv90_body.cuh", test: "conv90", cases: "conv90_several", edits: []edit{{"    mbar_wait(sm.turn(group), turn);\n", ""}},
		runs: []run{{plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}},
	{name: "no wait for room", file: "conv90_first.cu", test: "conv90_first", cases: "conv90_first_sizes", edits: []edit{{"        mbar_wait(sm.box_empty(box.slot), box.parity ^ 1);\n", ""}},
		runs: []run{{plain, "rev", "mix", ""}, {plain, "rev", "late", ""}}},
	{name: "no sync", file: "conv90_first.cu", test: "conv90_first", cases: "conv90_first_sizes", edits: []edit{{"      });\n      named_bar(barrier, producers);\n", "      });\n"}},
		runs: []run{{plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "released too early", file: "conv90_body.cuh", test: "conv90", cases: "conv90_several", edits: []edit{{"          wgmma_wait<1>();\n", "          wgmma_wait<2>();\n"}},
		runs: []run{{plain, "fwd", "late", ""}, {plain, "rand:1", "mix", ""}, {race, "lock", "now", ""}}},
	{name: "no sync", file: "last_strip.cuh", test: "last_up", cases: "last_up_crops", edits: []edit{{"    sync();\n    if (!p.dst.half_x", "    if (!p.dst.half_x"}},
		runs: []run{{plain, "rand:1", "mix", ""}, {race, "lock", "mix", ""}}},
	{name: "no row above", file: "last_up.cu", test: "last_up", cases: "last_up_crops", edits: []edit{{"    if (y == 1) LastWeights(upper[lane]).add(sums[0], f[0]);\n", ""}},
		runs: []run{{plain, "fwd", "mix", ""}}},
	{name: "no column on the right", file: "last_strip.cuh", test: "last_up", cases: "last_up_strips", edits: []edit{{"(q ? right - store : left + store)", "(q ? -1 : left + store)"}},
		runs: []run{{plain, "fwd", "mix", ""}}},
}

func TestSeededBugsAreFound(t *testing.T) {
	for i, b := range bugs {
		wanted := b.runs
		if testing.Short() {
			wanted = wanted[i%len(wanted):][:1]
		}
		for _, r := range wanted {
			t.Run(fmt.Sprintf("%s/%s/%s", b.test, strings.ReplaceAll(b.name, " ", "-"), r), func(t *testing.T) {
				t.Parallel()
				out, err := execute(t, r, build(t, r.variant, b.test, &b), b.cases)
				var exit *exec.ExitError
				if !errors.As(err, &exit) {
					t.Fatalf("not found (%v):\n%s", err, out)
				}
				for _, want := range []string{r.variant.report, b.says} {
					if !strings.Contains(out, want) {
						t.Errorf("it ended with %v, but its output has no %q:\n%s", err, want, out)
					}
				}
			})
		}
	}
}
