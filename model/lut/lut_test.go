package lut

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// file writes a table as a .cube file.
func file(t *testing.T, table *Table) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.cube")
	if err := os.WriteFile(path, []byte(text(table)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func text(table *Table) string {
	var b strings.Builder
	dimensions := 1
	if table.Cube {
		dimensions = 3
	}
	fmt.Fprintf(&b, "# made for a test\nTITLE \"a table\"\nLUT_%dD_SIZE %d\n", dimensions, table.Size)
	fmt.Fprintf(&b, "DOMAIN_MIN %v %v %v\nDOMAIN_MAX %v %v %v\n", table.Low[0], table.Low[1], table.Low[2], table.High[0], table.High[1], table.High[2])
	for i := 0; i < len(table.Values); i += 4 {
		fmt.Fprintf(&b, "%v %v %v\n", table.Values[i], table.Values[i+1], table.Values[i+2])
	}
	return b.String()
}

// random is a table of any values of 0 to 1.
func random(cube bool, size int) *Table {
	r := rand.New(rand.NewPCG(uint64(size), 1))
	table := New(cube, size)
	for i := range table.Values {
		if i%4 != 3 {
			table.Values[i] = r.Float32()
		}
	}
	return table
}

// TestFFmpeg compares At with ffmpeg's filters on colours with 16 bits.
func TestFFmpeg(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("there is no ffmpeg to compare with")
	}
	const side = 64
	const pixels = side * side
	r := rand.New(rand.NewPCG(7, 1))
	planes := make([]float32, 3*pixels) // green, blue, red: ffmpeg's order
	for i := range planes {
		planes[i] = r.Float32()
	}
	for i := range 64 { // corners, greys and the borders of cells
		for c := range 3 {
			planes[c*pixels+i] = float32(i>>c&1) * float32(i%8) / 8
			planes[c*pixels+64+i] = float32(i) / 63
		}
	}
	for _, c := range []struct {
		table  *Table
		filter string
	}{
		{random(true, 2), "lut3d=interp=tetrahedral"},
		{random(true, 17), "lut3d=interp=tetrahedral"},
		{random(true, 33), "lut3d=interp=tetrahedral"},
		{random(false, 2), "lut1d=interp=linear"},
		{random(false, 1000), "lut1d=interp=linear"},
	} {
		cmd := exec.Command(ffmpeg, "-v", "error", "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-s", fmt.Sprintf("%dx%d", side, side), "-i", "-",
			"-vf", c.filter+":file="+file(t, c.table), "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-")
		in, err := binary.Append(nil, binary.LittleEndian, planes)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err, cmd.Stderr)
		}
		want := make([]float32, len(planes))
		if _, err := binary.Decode(out, binary.LittleEndian, want); err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for i := range pixels {
			got := c.table.At([3]float64{float64(planes[2*pixels+i]), float64(planes[i]), float64(planes[pixels+i])})
			for k, plane := range [3]int{2, 0, 1} {
				worst = max(worst, math.Abs(got[k]-float64(want[plane*pixels+i])))
			}
		}
		if !(worst < 1e-6*float64(c.table.Size)) { // a place has as many times the rounding of a colour
			t.Errorf("%s with %d samples along an axis: %v apart", c.filter, c.table.Size, worst)
		}
	}
}

// TestDomain demands that values outside the domain become the table's ends and that greys of a cube come from greys alone.
func TestDomain(t *testing.T) {
	for _, cube := range []bool{false, true} {
		table := random(cube, 5)
		table.Low, table.High = [3]float32{-1, 0, 0.25}, [3]float32{1, 2, 0.5}
		last := len(table.Values) - 4
		for _, c := range []struct {
			rgb [3]float64
			at  int
		}{{[3]float64{-1, 0, 0.25}, 0}, {[3]float64{-9, -9, -9}, 0}, {[3]float64{1, 2, 0.5}, last}, {[3]float64{9, 9, 9}, last}} {
			got := table.At(c.rgb)
			for k, v := range got {
				if math.Abs(v-float64(table.Values[c.at+k])) > 1e-6 {
					t.Errorf("cube %v: %v becomes %v, wanted %v", cube, c.rgb, got, table.Values[c.at:c.at+3])
				}
			}
		}
		if got := table.At([3]float64{math.NaN(), 0, 0.25}); math.Abs(got[0]-float64(table.Values[0])) > 1e-6 {
			t.Errorf("cube %v: NaN becomes %v, wanted the first sample", cube, got[0])
		}
	}
	table := random(true, 2)
	got := table.At([3]float64{0.25, 0.25, 0.25})
	for k := range got {
		if want := 0.75*float64(table.Values[k]) + 0.25*float64(table.Values[28+k]); math.Abs(got[k]-want) > 1e-6 {
			t.Errorf("a grey becomes %v in channel %d, wanted %v", got[k], k, want)
		}
	}
}

// TestSampled demands the identity of a sampled identity.
func TestSampled(t *testing.T) {
	table := Sampled(33, func(rgb [3]float64) [3]float64 { return rgb })
	if err := table.Check(); err != nil {
		t.Fatal(err)
	}
	for _, rgb := range [][3]float64{{0, 0, 0}, {1, 1, 1}, {0.1, 0.5, 0.9}, {0.999, 0.001, 0.3}} {
		for k, v := range table.At(rgb) {
			if math.Abs(v-rgb[k]) > 1e-6 {
				t.Errorf("%v becomes %v in channel %d", rgb, v, k)
			}
		}
	}
}
