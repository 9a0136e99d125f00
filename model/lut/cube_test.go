package lut

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const pair = "LUT_1D_SIZE 2\n0 0 0\n1 1 1\n"

// TestRead demands of each kind of line what it says.
func TestRead(t *testing.T) {
	got, err := Read(strings.NewReader("\ufeff# x\r\n\r\nTITLE \"S-Log3 to 709\"\r\nLUT_3D_SIZE 2\r\nDOMAIN_MIN -1 0 0\r\nDOMAIN_MAX 1 2 4\r\n" +
		"  0 0 0\r\n1 0 0\r\n# between\r\n0 1 0\r\n1 1 0\r\n0 0 1\r\n1e0 0 1\r\n0 1.0 1\r\n-1 2.5 +.5\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Title != "S-Log3 to 709" || !got.Cube || got.Size != 2 || got.Low != [3]float32{-1, 0, 0} || got.High != [3]float32{1, 2, 4} {
		t.Errorf("read %+v", got)
	}
	if want := []float32{-1, 2.5, 0.5, 0}; !slices.Equal(got.Values[28:], want) {
		t.Errorf("the last sample is %v, wanted %v", got.Values[28:], want)
	}
	if got, err := Read(strings.NewReader("LUT_1D_INPUT_RANGE -0.5 2\n" + pair)); err != nil || got.Cube || got.Low[1] != -0.5 || got.High[2] != 2 {
		t.Errorf("read %+v, error %v", got, err)
	}
}

// TestHostile demands a sentence for what is no table.
func TestHostile(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "there is no LUT_1D_SIZE"},
		{"# only\n", "there is no LUT_1D_SIZE"},
		{"\x89PNG\r\n\x1a\n", `line 1: "\x89PNG" stands before LUT_1D_SIZE`},
		{"0 0 0\n" + pair, "line 1: \"0\" stands before LUT_1D_SIZE"},
		{"LUT_1D_SIZE 3\n0 0 0\n1 1 1\n", "2 samples, wanted the 3"},
		{pair + "1 1 1\n", "line 4: there are more samples than the 2"},
		{"LUT_1D_SIZE 2\n0 0\n1 1 1\n", "line 2: 2 values, wanted three"},
		{"LUT_1D_SIZE 2\n0 0 0 0\n1 1 1\n", "line 2: 4 values, wanted three"},
		{"LUT_1D_SIZE 2\n0 nan 0\n1 1 1\n", `"nan" is no number`},
		{"LUT_1D_SIZE 2\n0 inf 0\n1 1 1\n", `"inf" is no number`},
		{"LUT_1D_SIZE 2\n0 1e99 0\n1 1 1\n", `"1e99" is no number`},
		{"LUT_1D_SIZE 2\n0 zero 0\n1 1 1\n", `"zero" is no number`},
		{"LUT_1D_SIZE 1\n0 0 0\n", "LUT_1D_SIZE: \"1\" samples along each axis, wanted 2 to 65536"},
		{"LUT_1D_SIZE 65537\n", "wanted 2 to 65536"},
		{"LUT_3D_SIZE 257\n", "wanted 2 to 256"},
		{"LUT_3D_SIZE 99999999999999999999\n", "wanted 2 to 256"},
		{"LUT_3D_SIZE -2\n", "wanted 2 to 256"},
		{"LUT_3D_SIZE\n", "0 numbers, wanted one"},
		{"LUT_3D_SIZE 256\n0 0 0\n", "1 samples, wanted the 16777216"},
		{"LUT_1D_SIZE 2\nLUT_1D_SIZE 2\n", "LUT_1D_SIZE stands here a second time"},
		{"LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n", "a 1D and a 3D table"},
		{"TITLE a\nTITLE b\n" + pair, "TITLE stands here a second time"},
		{"LUT_1D_SIZE 2\n0 0 0\nDOMAIN_MIN 0 0 0\n1 1 1\n", "DOMAIN_MIN\" stands behind the samples"},
		{"DOMAIN_MIN 0 0\n" + pair, "DOMAIN_MIN: 2 values"},
		{"DOMAIN_MIN 0 0 1\n" + pair, "begins at 1 and ends at 1"},
		{"DOMAIN_MIN 2 0 0\n" + pair, "begins at 2 and ends at 1"},
		{"DOMAIN_MIN -3e38 0 0\nDOMAIN_MAX 3e38 1 1\n" + pair, "begins at -3e+38"},
		{"LUT_1D_INPUT_RANGE 1\n" + pair, "1 numbers, wanted two"},
		{"LUT_2D_SIZE 2\n" + pair, `unknown keyword "LUT_2D_SIZE"`},
		{strings.Repeat("A", 5000) + "\n" + pair, "line 1 has more than 4096 bytes"},
		{pair + strings.Repeat(" ", 1<<20), "line 4 has more than 4096 bytes"},
	} {
		if _, err := Read(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: error %v, wanted %q", c.text, err, c.want)
		}
	}
}

// TestLoad demands that sentences name the file.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.cube")
	if err := os.WriteFile(bad, []byte("LUT_1D_SIZE 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bad, dir, filepath.Join(dir, "none.cube")} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, wanted %s in it", err, path)
		}
	}
	if table, err := Load(file(t, random(true, 3))); err != nil || !slices.Equal(table.Values, random(true, 3).Values) {
		t.Errorf("what was written came back as %v, error %v", table, err)
	}
}

// FuzzRead demands that whatever is read can be used.
func FuzzRead(f *testing.F) {
	f.Add(pair)
	f.Add("LUT_3D_SIZE 2\nDOMAIN_MAX 1 2 4\n" + strings.Repeat("0 1 .5\n", 8))
	f.Add("TITLE \"a\"\nLUT_1D_INPUT_RANGE 0 1\n" + pair)
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Read(strings.NewReader(text))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("the sentence %q is no line", err)
			}
			return
		}
		if err := table.Check(); err != nil {
			t.Error(err)
		}
		table.At([3]float64{0.3, -1, 7})
		if len(table.Values) > 4*len(text) {
			t.Errorf("%d values of %d bytes of text", len(table.Values), len(text))
		}
	})
}
