package transcode

import "testing"

// TestReady begins the joined video only when the film's own flows and all other streams have come, in whatever order.
func TestReady(t *testing.T) {
	for name, came := range map[string]func(m *muxing){
		"video first": func(m *muxing) {
			m.flows.Store(true)
			m.ready()
			m.wanted.Add(-1)
			begun(t, m, false)
			m.wanted.Add(-1)
		},
		"video last": func(m *muxing) { m.wanted.Add(-2); m.ready(); begun(t, m, false); m.flows.Store(true) },
	} {
		m := &muxing{begin: make(chan struct{})}
		m.wanted.Store(2)
		t.Log(name)
		came(m)
		begun(t, m, false)
		m.ready()
		begun(t, m, true)
	}
}

func begun(t *testing.T, m *muxing, wanted bool) {
	t.Helper()
	got := false
	select {
	case <-m.begin:
		got = true
	default:
	}
	if got != wanted {
		t.Errorf("the video begins: %v, wanted %v", got, wanted)
	}
}

func TestOtherIs(t *testing.T) {
	for _, c := range []struct {
		o      other
		number int
		id     string
		wanted bool
	}{
		{other{Number: 1, ID: "c0"}, 0, "c0", true},  // found in another order this time
		{other{Number: 1, ID: "c0"}, 1, "e0", false}, // the video has its place
		{other{Number: 1}, 1, "e0", true},
		{other{Number: 1, ID: "c0"}, 1, "", true},
		{other{Number: 1}, 0, "", false},
	} {
		if got := c.o.is(c.number, c.id); got != c.wanted {
			t.Errorf("%+v is stream %d %q: %v, wanted %v", c.o, c.number, c.id, got, c.wanted)
		}
	}
}
