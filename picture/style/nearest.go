package style

import (
	"strings"

	"github.com/xrash/smetrics"
)

// Alike words have a similarity of Jaro and Winkler from here to 1.
const alike = 0.8

// Nearest is the word most like one that was mistyped, the first of equals, "" where none is like it. Case does not count.
func Nearest(mistyped string, words []string) (nearest string) {
	best := alike
	for _, word := range words {
		// Their usual constants: from which similarity on, and up to which letter, equal beginnings count more.
		if s := smetrics.JaroWinkler(strings.ToLower(mistyped), strings.ToLower(word), 0.7, 4); s > best {
			nearest, best = word, s
		}
	}
	return nearest
}
