package style

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"stylize", "style", "styles", "train", "transcode", "bench"}
	for mistyped, want := range map[string]string{
		"stylise": "stylize", "styl": "style", "sytle": "style", "stlyes": "styles", "trian": "train", "Transcod": "transcode", "benhc": "bench",
		"qqq": "", "": "", "film.mp4": "",
	} {
		if got := Nearest(mistyped, words); got != want {
			t.Errorf("nearest to %q is %q, wanted %q", mistyped, got, want)
		}
	}
}
