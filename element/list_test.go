package element

import (
	"slices"
	"testing"
)

func TestSplitStyles(t *testing.T) {
	for _, c := range []struct {
		list string
		want []string
	}{
		{"", []string{""}},
		{"a", []string{"a"}},
		{"a,b,c", []string{"a", "b", "c"}},
		{`a\,b,c`, []string{"a,b", "c"}},
		{`a\\,b`, []string{`a\`, "b"}},
		{`a\b`, []string{`a\b`}},
		{`a\`, []string{`a\`}},
		{"a,", []string{"a", ""}},
		{",", []string{"", ""}},
		{`ä b 100%\,,写`, []string{"ä b 100%,", "写"}},
	} {
		if got := splitStyles(c.list); !slices.Equal(got, c.want) {
			t.Errorf("splitStyles(%q) is %q, wanted %q", c.list, got, c.want)
		}
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{"file missing": "File missing.", "écran": "Écran.", "Done!": "Done!", "x": "X."} {
		if got := sentence(in); got != want {
			t.Errorf("sentence(%q) is %q, wanted %q", in, got, want)
		}
	}
}
