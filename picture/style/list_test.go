package style

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
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
		{`\,,\,`, []string{",", ","}},
		{`ä b 100%\,,写`, []string{"ä b 100%,", "写"}},
	} {
		if got := Split(c.list); !slices.Equal(got, c.want) {
			t.Errorf("Split(%q) is %q, wanted %q", c.list, got, c.want)
		}
	}
}

func TestSplitKeepsNameOfFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a,b.png", `a\,b.png`, `a\\b.png`} {
		path := filepath.Join(t.TempDir(), name)
		if got := Split(path); slices.Equal(got, []string{path}) {
			t.Errorf("without the file, Split(%q) is %q", path, got)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := Split(path); !slices.Equal(got, []string{path}) {
			t.Errorf("with the file, Split(%q) is %q", path, got)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{
		{"a"}, {"a", "b", "c"}, {"a,b", "c"}, {`a\`, "b"}, {`a\,b`, `\\`}, {`a\b.png`}, {"ä b 100%,", "写", ","}, {"", ""},
	} {
		if got := Split(Join(names)); !slices.Equal(got, names) {
			t.Errorf("%q joined is %q and apart again %q", names, Join(names), got)
		}
	}
}

func TestParseWeights(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list string
		want []float64
		err  string
	}{
		{list: "1", want: []float64{1}},
		{list: "1, 2.5 ,0", want: []float64{1, 2.5, 0}},
		{list: "", err: `value 1 is "", wanted a number`},
		{list: "1,", err: `value 2 is "", wanted a number`},
		{list: "1,x", err: `value 2 is "x", wanted a number`},
		{list: "0,-1", err: "value 2 is -1, wanted 0 or more"},
		{list: "NaN", err: "value 1 is NaN, wanted 0 or more"},
		{list: "1,inf", err: "value 2 is +Inf, wanted 0 or more"},
		{list: "1,1e999", err: "value 2"},
	} {
		got, err := ParseWeights(c.list)
		if !slices.Equal(got, c.want) && c.err == "" || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("ParseWeights(%q) is %v, %v, wanted %v, %q", c.list, got, err, c.want, c.err)
		}
	}
}
