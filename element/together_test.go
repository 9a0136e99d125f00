package element

import (
	"slices"
	"testing"
)

func TestJoinStyles(t *testing.T) {
	for _, names := range [][]string{
		{"a"}, {"a", "b", "c"}, {"a,b", "c"}, {`a\`, "b"}, {`a\,b`, `\\`}, {`a\b.png`}, {"ä b 100%,", "写", ","}, {"", ""},
	} {
		if got := splitStyles(joinStyles(names)); !slices.Equal(got, names) {
			t.Errorf("%q joined is %q and apart again %q", names, joinStyles(names), got)
		}
	}
}
