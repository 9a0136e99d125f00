package style

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// Split takes a list of names apart at its commas: `\,` is a comma inside a name and `\\` a backslash; before anything else a backslash
// is an ordinary letter. A list that is as a whole the name of a file is that one name: shells and gst-launch-1.0 take backslashes away.
// Names are as they stand, blanks and empty ones included; there is always at least one.
func Split(list string) []string {
	if _, err := os.Stat(list); err == nil {
		return []string{list}
	}
	var names []string
	var name strings.Builder
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && i+1 < len(list) && (list[i+1] == ',' || list[i+1] == '\\'):
			i++
			name.WriteByte(list[i])
		case c == ',':
			names = append(names, name.String())
			name.Reset()
		default:
			name.WriteByte(c)
		}
	}
	return append(names, name.String())
}

// Join makes the list that Split takes apart into names.
func Join(names []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`)
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = escape.Replace(name)
	}
	return strings.Join(escaped, ",")
}

// ParseWeights reads the shares of styles in a mix: numbers of 0 or more, separated by commas, blanks around them allowed. Errors name the
// value, counted from 1.
func ParseWeights(list string) ([]float64, error) {
	var weights []float64
	for i, text := range strings.Split(list, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("value %d is %q, wanted a number", i+1, text)
		}
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("value %d is %v, wanted 0 or more", i+1, w)
		}
		weights = append(weights, w)
	}
	return weights, nil
}
