package training

import (
	"math"
	"testing"

	"adainfilter/model"
)

func TestChanged(t *testing.T) {
	for schedule, want := range map[string]int{"decay": 0, "cosine": 1} {
		o := Options{Schedule: schedule, Given: []Option{{"max-iter", "5"}, {"lr", "1"}}}
		if texts := o.changed(map[string]string{"max-iter": "4", "lr": "1"}); len(texts) != want {
			t.Errorf("%s: %v, wanted %d", schedule, texts, want)
		}
	}
}

func TestUpdate(t *testing.T) {
	o := Options{Rate: 0.1, Decay: 0.5, Iterations: 100, EncoderScale: 0.5, FirstScale: 0.25, WarmUp: 3, Average: 0.5, ClipNorm: 5,
		Objective: model.Objective{Content: 1, Style: 2, Identity: 3, Consistency: 4, Lattice: 5}}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) }
	u := o.update(2, 0.02)
	if !near(u.Rate, 0.05) || !near(u.EncoderRate, 0.025) || !near(u.FirstRate, 0.0125) || u.ClipNorm != 5 || !near(u.Average, 0.25) {
		t.Errorf("update is %+v", u)
	}
	if (u.Objective != model.Objective{Content: 1, Identity: 3}) || o.update(3, 0.03).Objective != o.Objective {
		t.Errorf("objectives are %+v in the warm-up, %+v behind", u.Objective, o.update(3, 0.03).Objective)
	}
	if u := o.update(100, 1); u.Average != 0.5 {
		t.Errorf("the moving average has decay %v, wanted 0.5", u.Average)
	}
	o.Schedule = "cosine"
	for step, want := range map[int]float64{0: 0.1, 50: 0.051, 100: 0.002, 200: 0.002} {
		if got := o.rateAt(step, float64(step)/100); !near(got, want) {
			t.Errorf("cosine: rate %v at %d, wanted %v", got, step, want)
		}
	}
	if u := (&Options{Average: 0.9}).update(5, 0); u.Average != 0 {
		t.Errorf("at rate 0 the moving average has decay %v, wanted 0", u.Average)
	}
}
