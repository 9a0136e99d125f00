package documents

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"adainfilter/model"
)

var update = flag.Bool("update", false, "write what is generated into the pages")

// formatTable lists the formats of the table in model.
func formatTable() string {
	rows := []struct {
		what string
		has  func(l *model.Layout) bool
	}{
		{"RGB, 8 bits", func(l *model.Layout) bool { return l.Colour == model.ColourRGB && l.Depth == 8 }},
		{"RGB, 10 to 16 bits", func(l *model.Layout) bool { return l.Colour == model.ColourRGB && l.Depth > 8 }},
		{"gray", func(l *model.Layout) bool { return l.Colour == model.ColourGray }},
		{"YUV, 8 bits", func(l *model.Layout) bool { return l.Colour == model.ColourYUV && l.Depth == 8 }},
		{"YUV, 10 to 16 bits", func(l *model.Layout) bool { return l.Colour == model.ColourYUV && l.Depth > 8 }},
		{"in GPU memory (`memory:CUDAMemory`)", func(l *model.Layout) bool { return l.CUDA }},
	}
	var b strings.Builder
	b.WriteString("| | formats |\n| --- | --- |\n")
	for _, row := range rows {
		var names []string
		for _, f := range model.Formats() {
			if row.has(f.Layout()) {
				names = append(names, f.String())
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", row.what, strings.Join(names, ", "))
	}
	return b.String()
}

// formatSentence is what the README says of them.
func formatSentence() string {
	deep := 0
	for _, f := range model.Formats() {
		if f.Layout().Depth > 8 {
			deep++
		}
	}
	return fmt.Sprintf("The element takes %d video formats, %d of them with 10 to 16 bits, and %d in the memory of a GPU; [which](documents/element.md#formats).\n", len(model.Formats()), deep, len(model.CUDAFormats()))
}

// TestFormats compares the lists of formats in the pages with the table that they come from.
func TestFormats(t *testing.T) {
	for _, page := range []struct{ file, want string }{{"element.md", formatTable()}, {"../README.md", formatSentence()}} {
		text, err := os.ReadFile(page.file)
		if err != nil {
			t.Fatal(err)
		}
		begin, rest, ok := strings.Cut(string(text), "<!-- formats")
		head, rest, ok2 := strings.Cut(rest, "-->\n")
		_, end, ok3 := strings.Cut(rest, "<!-- end -->")
		if !ok || !ok2 || !ok3 {
			t.Fatalf("%s has no list of formats between <!-- formats --> and <!-- end -->", page.file)
		}
		want := begin + "<!-- formats" + head + "-->\n" + page.want + "<!-- end -->" + end
		if want == string(text) {
			continue
		}
		if !*update {
			t.Errorf("%s: its list of formats is not that of the table: run go test ./documents -run TestFormats -update", page.file)
			continue
		}
		if err := os.WriteFile(page.file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
