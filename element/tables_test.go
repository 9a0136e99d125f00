package element_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/element/harness"
	"adainfilter/model"
	"adainfilter/model/hdr"
)

const (
	pq      = "video/x-raw,format=NV12,width=16,height=16,framerate=25/1,colorimetry=bt2100-pq"
	hlg     = "video/x-raw,format=NV12,width=16,height=16,framerate=25/1,colorimetry=bt2100-hlg"
	sdr     = "video/x-raw,format=NV12,width=16,height=16,framerate=25/1,colorimetry=bt2020"
	display = ",mastering-display-info=(string)35400:14600:8500:39850:6550:2300:15635:16450:40000000:50"
	level   = ",content-light-level=(string)600:400"
)

// table writes a 1D table that has everything at v.
func table(t *testing.T, v string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.cube")
	row := v + " " + v + " " + v + "\n"
	must(t, os.WriteFile(path, []byte("LUT_1D_SIZE 2\n"+row+row), 0o600))
	return path
}

// TestHighDynamicRange demands that frames get the tables of their caps and that tags go on as they came.
func TestHighDynamicRange(t *testing.T) {
	for _, c := range []struct {
		caps, hdr string
		want      *hdr.Source
	}{
		{pq, "auto", &hdr.Source{Transfer: hdr.PQ, Peak: 1000}},
		{hlg, "auto", &hdr.Source{Transfer: hdr.HLG, Peak: 1000}},
		{pq + display, "auto", &hdr.Source{Transfer: hdr.PQ, Peak: 4000}},
		{pq + display + level, "auto", &hdr.Source{Transfer: hdr.PQ, Peak: 600}},
		{strings.Replace(pq, "bt2100-pq", "2:5:16:1", 1), "auto", nil},
		{pq, "off", nil},
		{sdr, "auto", nil},
	} {
		var seen []model.Stylization
		use(t, looks(&seen).open)
		h := harness.New(c.caps, "hdr", c.hdr)
		must(t, h.PushMany(c.caps, 2))
		out := h.Out()
		h.Close()
		for _, tag := range strings.Split(c.caps, ",")[5:] {
			if name, value, _ := strings.Cut(tag, "="); !strings.Contains(out, name) || !strings.Contains(out, strings.TrimPrefix(value, "(string)")) {
				t.Errorf("%s: the caps behind it are %s, wanted %s in them", c.caps, out, tag)
			}
		}
		if len(seen) != 2 {
			t.Fatalf("%s: the engine saw %d frames, wanted 2", c.caps, len(seen))
		}
		if c.want == nil {
			if seen[0].Before != nil || seen[0].After != nil {
				t.Errorf("%s, hdr=%s: there are tables, wanted none", c.caps, c.hdr)
			}
			continue
		}
		before, after := c.want.Tables()
		if seen[0].Before == nil || seen[0].After == nil {
			t.Fatalf("%s: there are no tables", c.caps)
		}
		half := [3]float64{0.4, 0.5, 0.6}
		if seen[0].Before.At(half) != before.At(half) || seen[0].After.At(half) != after.At(half) {
			t.Errorf("%s: the tables are not those of %v", c.caps, c.want)
		}
		if seen[1].Before != seen[0].Before || seen[1].After != seen[0].After {
			t.Errorf("%s: the second frame has other tables", c.caps)
		}
	}
}

// TestTableFiles demands that files come into force instead of hdr, that alpha 0 does not go round them, and a sentence for what is no table.
func TestTableFiles(t *testing.T) {
	var seen []model.Stylization
	use(t, looks(&seen).open)
	path := table(t, "0.25")
	for _, property := range []string{"lut", "output-lut"} {
		seen = nil
		h := harness.New(pq, property, path, "alpha", "0")
		if got := h.Get(property); got != path {
			t.Errorf("%s was set to %s and reads %s", property, path, got)
		}
		must(t, h.PushMany(pq, 2))
		h.Close()
		if len(seen) != 2 {
			t.Fatalf("%s at alpha 0: the engine saw %d frames, wanted 2", property, len(seen))
		}
		got, other := seen[1].Before, seen[1].After
		if property == "output-lut" {
			got, other = other, got
		}
		if got == nil || got.At([3]float64{1, 1, 1})[0] != 0.25 || other != nil || seen[1].Discontinuity {
			t.Errorf("%s: the engine gets %+v", property, seen[1])
		}
	}
}
