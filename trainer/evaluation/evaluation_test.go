package evaluation

import (
	"context"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"adainfilter/model"
	"adainfilter/trainer/files"
	"adainfilter/trainer/fixture"
	"adainfilter/trainer/terminal"
)

// plainEngine has no network: at alpha 0 frames stay as they are, at alpha 1 they are inverted with half the contrast.
type plainEngine struct{ model.Engine }

func (plainEngine) Statistics(*model.Image) (model.Stats, error) { return model.Stats{}, nil }

func (plainEngine) Stylize(dst, src *model.Image, s *model.Stylization) error {
	for i, v := range src.Planes[0].Data {
		dst.Planes[0].Data[i] = v
		if s.Alpha == 1 {
			dst.Planes[0].Data[i] = 200 - v/2
		}
	}
	return nil
}

// plainEye sees a picture's mean only.
type plainEye struct{}

func (plainEye) Extract(picture []float32, _, _ int) (features []float32, levels [4]model.Stats, err error) {
	sum := float32(0)
	for _, v := range picture {
		sum += v
	}
	for i := range levels {
		levels[i] = model.Stats{Mean: []float32{sum}, Std: []float32{0}}
	}
	return []float32{sum}, levels, nil
}

func TestNoiseAndFlicker(t *testing.T) {
	dir := t.TempDir()
	grey := fixture.Noise(model.RGB, 32, 32, 1)
	for i, v := range grey.Planes[0].Data {
		grey.Planes[0].Data[i] = 64 + v/2 // far from black and white, where noise is cut off
	}
	fixture.WritePicture(t, filepath.Join(dir, "c.png"), grey)
	fixture.WritePicture(t, filepath.Join(dir, "s.png"), fixture.Noise(model.RGB, 32, 32, 2))
	o := Options{Contents: []files.File{{Path: filepath.Join(dir, "c.png"), Base: "c"}}, Styles: []files.File{{Path: filepath.Join(dir, "s.png"), Base: "s"}}, Pairs: 1, Size: 32, Alphas: []float64{0, 1}}
	var frames []*model.Image
	for i := range 4 {
		frames = append(frames, fixture.Noise(model.RGB, 40, 24, uint64(i)))
	}
	e, err := Run(context.Background(), o, plainEngine{}, plainEye{}, frames, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ noise, flicker, tolerance float64 }{
		{1, 1, 0}, {0, 0, 0}, {1, 1, 0},
		// Half of an odd difference is rounded up or down, which adds 1/4 to its square. Half of the differences are odd, and
		// their variance is 2^2 and 1/12 of rounding. The tolerance is four standard errors.
		{math.Sqrt(0.25 + 0.125/(4+1.0/12)), 0.5, 0.03},
	} {
		got := e.rows[i].table()
		if !(math.Abs(got.NoiseGain-want.noise) <= want.tolerance) || got.Flicker == nil || !(math.Abs(*got.Flicker-want.flicker) <= want.tolerance) {
			t.Errorf("%s: noise gain %v, flicker %v, wanted %v and %v", got.Name, got.NoiseGain, terminal.Number(got.Flicker, 4), want.noise, want.flicker)
		}
	}
	if _, err := Run(context.Background(), o, plainEngine{}, plainEye{}, []*model.Image{frames[0], frames[0]}, io.Discard); err == nil || !strings.Contains(err.Error(), "nothing moves") {
		t.Errorf("a still film: error is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, o, plainEngine{}, plainEye{}, nil, io.Discard); err != context.Canceled {
		t.Errorf("interrupted: error is %v", err)
	}
}
