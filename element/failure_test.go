package element

import "testing"

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{"file missing": "File missing.", "écran": "Écran.", "Done!": "Done!", "x": "X."} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) is %q, wanted %q", in, got, want)
		}
	}
}
