package element

import (
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

func TestFadeAllocatesNothing(t *testing.T) {
	a := &scene{style: &model.Style{Stats: modeltest.RandomStats(1, 64)}}
	b := &scene{style: &model.Style{Stats: modeltest.RandomStats(2, 64)}, transition: 1 << 40}
	f := arrived(a).towards(b, 5)
	var s model.Stylization
	time, sum := uint64(5), float32(0)
	if n := testing.AllocsPerRun(1000, func() {
		time += 1 << 20
		f.at(time, &s)
		sum += s.Style.Mean[0]
	}); n != 0 {
		t.Errorf("a frame of a transition takes %v allocations, wanted none", n)
	}
	if got := f.statistics().Mean[3]; got == a.style.Mean[3] || got == b.style.Mean[3] {
		t.Errorf("statistics are at an end of the transition, wanted them under way")
	}
}

// BenchmarkFade is what a transition adds to each frame, with a mask and the 512 channels of the largest network.
func BenchmarkFade(b *testing.B) {
	mask := &model.Mask{Width: 1, Height: 1, White: []uint8{255}, Second: modeltest.RandomStats(3, 512)}
	restyled := *mask
	restyled.Second = modeltest.RandomStats(4, 512)
	from := &scene{style: &model.Style{Stats: modeltest.RandomStats(1, 512)}, mask: mask}
	to := &scene{style: &model.Style{Stats: modeltest.RandomStats(2, 512)}, mask: &restyled, transition: 1 << 62}
	f := arrived(from).towards(to, 0)
	var s model.Stylization
	for time := uint64(0); b.Loop(); time++ {
		f.at(time, &s)
	}
}
