package stylize

import (
	"bytes"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

// TestChooseNetwork looks at sizes alone: no picture is made.
func TestChooseNetwork(t *testing.T) {
	for _, c := range []struct {
		w, h, asked int
		alpha       float32
		want        int
	}{
		{6000, 4000, 0, 1, 0}, {10000, 8000, 0, 1, 3072}, {16384, 12288, 0, 1, 1024}, {16384, 12288, 512, 1, 512}, {16384, 12288, 0, 0, 0},
		{200000, 1000, 0, 1, 0}, // a stripe has little to win
	} {
		var said bytes.Buffer
		j := &Job{ProcessingSize: c.asked, Alpha: c.alpha, progress: terminal.NewSteps(&said, "x", 1)}
		j.chooseNetwork("p.jpg", &model.Image{Width: c.w, Height: c.h})
		if j.network != c.want || (said.Len() > 0) != (c.want != c.asked) || c.want != c.asked && !strings.Contains(said.String(), "p.jpg") {
			t.Errorf("%+v: %d, %q", c, j.network, said.String())
		}
	}
}
