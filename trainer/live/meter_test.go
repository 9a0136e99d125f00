package live

import (
	"testing"
	"time"

	"github.com/go-gst/go-gst/gst"
)

func TestMeter(t *testing.T) {
	var m meter
	if got := m.rates(); got != (rates{}) {
		t.Errorf("without frames the rates are %v", got)
	}
	began := time.Now()
	const n, each = 20, 10 * time.Millisecond
	for i := range n {
		m.arrive(gst.ClockTime(2 * i)) // a timestamp of the film's last round: the newer one counts
		time.Sleep(each / 2)
		m.arrive(gst.ClockTime(2 * i))
		m.arrive(gst.ClockTime(2*i + 1)) // dropped on the way
		time.Sleep(each / 2)
		m.end(gst.ClockTime(2 * i))
	}
	took := time.Since(began)
	got := m.rates()
	if want := n / took.Seconds(); got.FPS < 0.9*want || got.FPS > 1.2*want {
		t.Errorf("%v frames per second, wanted about %v", got.FPS, want)
	}
	// Sleeping may take longer, never shorter; an older arrival would say twice as much.
	if limit := took.Seconds() * 1000 / n; got.Latency < 5 || got.Latency > 0.95*limit {
		t.Errorf("the latency is %v ms, wanted 5 to %v", got.Latency, 0.95*limit)
	}
	if got := m.arrived(); got != 3*n {
		t.Errorf("%d frames arrived, wanted %d", got, 3*n)
	}
}
