package cpu

import (
	"testing"

	"adainfilter/model"
	"adainfilter/model/ref"
)

// TestDeepRamp demands that no format loses of a ramp's 1024 levels what it could hold, through the built-in network where the style hardly
// counts. Written with 16 bits the result tells 900 and more of them apart, so that they were read in full. Written with 10 bits it has the
// levels that rounding leaves of those and no fewer; how many that are is the network's doing, which steepens some parts of the ramp and
// flattens others.
func TestDeepRamp(t *testing.T) {
	w, err := model.BuiltinWeights()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := Open(w, model.Options{Precision: model.Float32})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	for _, c := range []struct{ shallow, deep model.Format }{{model.P010, model.P016}, {model.V210, model.Y444x16}, {model.GBRx10, model.GBRx16}} {
		deep := throughNetwork(t, engine, c.deep)
		rounded := make([]int, len(deep))
		for x, v := range deep {
			rounded[x] = int(float64(v)*1023/65535 + 0.5)
		}
		shallow := throughNetwork(t, engine, c.shallow)
		kept, could, levels := distinct(deep), distinct(rounded), distinct(shallow)
		t.Logf("%v keeps %d of 1024 levels, which are %d when rounded to 10 bits; %v keeps %d", c.deep, kept, could, c.shallow, levels)
		if kept < 900 || levels < could*99/100 {
			t.Errorf("%v keeps %d of 1024 levels, wanted 900 and more; %v keeps %d, wanted %d or nearly so", c.deep, kept, c.shallow, levels, could)
		}
	}
}

// throughNetwork is the first channel of a row of what becomes of a ramp of 10 bits from black to white in a format.
func throughNetwork(t *testing.T, engine model.Engine, f model.Format) []int {
	t.Helper()
	src, dst := model.NewImage(f, 1024, 64), model.NewImage(f, 1024, 64)
	src.Colorimetry.FullRange = true
	dst.Colorimetry = src.Colorimetry
	most := 1<<f.Layout().Depth - 1
	for c, channel := range ref.Channels(src) {
		for i := range channel.Width * channel.Height {
			v := (most + 1) / 2
			if c == 0 || !f.YUV() {
				v = (i%channel.Width*most + 511) / 1023
			}
			channel.Set(i%channel.Width, i/channel.Width, v)
		}
	}
	style, err := engine.Statistics(src)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Stylize(dst, src, &model.Stylization{Style: style, Alpha: 0.01}); err != nil {
		t.Fatal(err)
	}
	row := make([]int, dst.Width)
	for x := range row {
		row[x] = ref.Channels(dst)[0].Get(x, dst.Height/2)
	}
	return row
}

// distinct is how many values there are.
func distinct(row []int) int {
	seen := map[int]bool{}
	for _, v := range row {
		seen[v] = true
	}
	return len(seen)
}
