package pipelines

import (
	"regexp"
	"strconv"
	"testing"
)

// TestShown: the figures of shown.py fit together.
func TestShown(t *testing.T) {
	needsPython(t)
	t.Setenv("SINK", "fakesink")
	said, err := run(t, "./shown.py", "--seconds", "0.5", "--properties", "alpha=0.5")
	if err != nil {
		t.Fatalf("shown.py: %v\n%s", err, said)
	}
	lines := regexp.MustCompile(`(live|film), processing-size=(?:0|-1): (\d+) frames shown in 0.5 s .* of (\d+) computable; (\d+) computed, (\d+) of them late, (\d+) dropped`).
		FindAllStringSubmatch(said, -1)
	if len(lines) != 4 {
		t.Fatalf("shown.py says %q, wanted a line for each of four ways", said)
	}
	for _, l := range lines {
		var n [5]int
		for i := range n {
			n[i], _ = strconv.Atoi(l[2+i])
		}
		if shown, computed, dropped := n[0], n[2], n[4]; shown > computed || computed+dropped != 15 || shown == 0 {
			t.Errorf("%s: %d shown of %d computed, %d dropped, wanted 15 frames in all", l[0], shown, computed, dropped)
		}
	}
	if said, err := run(t, "./shown.py", "--properties", "alpha=nonsense"); err == nil {
		t.Errorf("a wrong property ends well: %s", said)
	}
}
