// Package terminal is how the command shows figures and progress to a person.
package terminal

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Row is a line of a table: a name and its value.
type Row [2]string

// Table prints names and values in two columns. What would disturb a terminal is quoted.
func Table(out io.Writer, rows []Row) error {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\n", Printable(r[0]), Printable(r[1]))
	}
	t.Flush()
	_, err := text.WriteTo(out)
	return err
}

// Fields are the rows of a table as JSON has them. A name that comes twice keeps its first value.
func Fields(rows []Row) map[string]string {
	values := map[string]string{}
	for _, r := range rows {
		if _, there := values[r[0]]; !there {
			values[r[0]] = r[1]
		}
	}
	return values
}

// Columns prints a head and lines of cells in columns of which all but the first are aligned to the right, behind an empty line. What
// would disturb a terminal in the first column is quoted. The head's first cell is empty.
func Columns(out io.Writer, head []string, lines [][]string) error {
	wide := 0
	for _, l := range lines {
		wide = max(wide, len(Printable(l[0])))
	}
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\n\t%s\t\n", strings.Join(head[1:], "\t"))
	for _, l := range lines {
		fmt.Fprintf(t, "%-*s\t%s\t\n", wide, Printable(l[0]), strings.Join(l[1:], "\t"))
	}
	t.Flush()
	_, err := text.WriteTo(out)
	return err
}

// Printable is text without control characters: quoted where it has any.
func Printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// Number is a figure with some digits behind the point, "-" where nothing could be measured.
func Number(v *float64, digits int) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', digits, 64)
}

// ShellWord is a file's name as a shell takes it.
func ShellWord(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/+,:=@%", r))
	}) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
