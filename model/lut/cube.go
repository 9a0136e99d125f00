package lut

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// maxLine is far beyond any real line of a .cube file; the specification has 250 bytes.
const maxLine = 4096

// Load reads a .cube file: Adobe's Cube LUT Specification 1.0, and DaVinci Resolve's LUT_1D_INPUT_RANGE and LUT_3D_INPUT_RANGE. Errors
// name the file, and the line where one is at fault.
func Load(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: it is not a plain file, wanted a .cube file", path)
	}
	t, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Read reads the text of a .cube file. Its memory grows with what was read, whatever the size line says.
func Read(r io.Reader) (*Table, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, maxLine), maxLine)
	p := parser{t: &Table{High: [3]float32{1, 1, 1}}, seen: map[string]bool{}}
	for lines.Scan() {
		p.line++
		text := lines.Text()
		if p.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if err := p.take(text); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d has more than %d bytes, wanted the text of a .cube file", p.line+1, maxLine)
	} else if err != nil {
		return nil, err
	}
	return p.finish()
}

// parser holds a table while its lines come.
type parser struct {
	t    *Table
	line int
	seen map[string]bool // keywords
}

// take takes one line.
func (p *parser) take(text string) error {
	fields := strings.Fields(text)
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return nil
	}
	if first := fields[0][0]; first >= 'A' && first <= 'Z' {
		return p.keyword(fields[0], fields[1:], text)
	}
	return p.sample(fields)
}

// keyword takes a line that begins with one. All stand before the samples, and each once.
func (p *parser) keyword(name string, args []string, text string) (err error) {
	if p.seen[name] {
		return fmt.Errorf("%s stands here a second time, wanted it once", name)
	}
	if len(p.t.Values) > 0 {
		return fmt.Errorf("%s stands behind the samples, wanted it before the first", excerpt(name))
	}
	switch name {
	case "TITLE":
		p.t.Title = strings.Trim(strings.TrimSpace(text[strings.Index(text, name)+len(name):]), `"`)
	case "LUT_1D_SIZE", "LUT_3D_SIZE":
		err = p.size(name == "LUT_3D_SIZE", args)
	case "DOMAIN_MIN":
		p.t.Low, err = triple(args)
	case "DOMAIN_MAX":
		p.t.High, err = triple(args)
	case "LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE":
		err = p.inputRange(args)
	default:
		return fmt.Errorf("unknown keyword %s, wanted TITLE, LUT_1D_SIZE, LUT_3D_SIZE, DOMAIN_MIN, DOMAIN_MAX, LUT_1D_INPUT_RANGE or "+
			"LUT_3D_INPUT_RANGE", excerpt(name))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.seen[name] = true
	return nil
}

func (p *parser) size(cube bool, args []string) error {
	if p.seen["LUT_1D_SIZE"] || p.seen["LUT_3D_SIZE"] {
		return errors.New("the file holds a 1D and a 3D table, wanted only one of them")
	}
	if len(args) != 1 {
		return fmt.Errorf("%d numbers, wanted one", len(args))
	}
	n, err := strconv.Atoi(args[0])
	if most := maxSize(cube); err != nil || n < MinSize || n > most {
		return fmt.Errorf("%s samples along each axis, wanted %d to %d", excerpt(args[0]), MinSize, most)
	}
	p.t.Cube, p.t.Size = cube, n
	return nil
}

// inputRange takes Resolve's name for a domain that is the same in all channels.
func (p *parser) inputRange(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%d numbers, wanted two", len(args))
	}
	for i, to := range []*[3]float32{&p.t.Low, &p.t.High} {
		v, err := number(args[i])
		if err != nil {
			return err
		}
		*to = [3]float32{v, v, v}
	}
	return nil
}

func (p *parser) sample(fields []string) error {
	if p.t.Size == 0 {
		return fmt.Errorf("%s stands before LUT_1D_SIZE or LUT_3D_SIZE, wanted the size first, as in a .cube file", excerpt(fields[0]))
	}
	if want := count(p.t.Cube, p.t.Size); len(p.t.Values) == 4*want {
		return fmt.Errorf("there are more samples than the %d that its size wants", want)
	}
	v, err := triple(fields)
	if err != nil {
		return err
	}
	p.t.Values = append(p.t.Values, v[0], v[1], v[2], 0)
	return nil
}

// finish looks at what only the end of the file shows.
func (p *parser) finish() (*Table, error) {
	if p.t.Size == 0 {
		return nil, errors.New("there is no LUT_1D_SIZE and no LUT_3D_SIZE, wanted the text of a .cube file")
	}
	if got, want := len(p.t.Values)/4, count(p.t.Cube, p.t.Size); got != want {
		return nil, fmt.Errorf("%d samples, wanted the %d of a %s of size %d", got, want, kind(p.t.Cube), p.t.Size)
	}
	return p.t, p.t.Check()
}

func triple(fields []string) (v [3]float32, err error) {
	if len(fields) != 3 {
		return v, fmt.Errorf("%d values, wanted three numbers", len(fields))
	}
	for c, f := range fields {
		if v[c], err = number(f); err != nil {
			return v, err
		}
	}
	return v, nil
}

func number(text string) (float32, error) {
	v, err := strconv.ParseFloat(text, 32)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s is no number, wanted one like 0.5", excerpt(text))
	}
	return float32(v), nil
}

// excerpt is a word of a file as a sentence can show it.
func excerpt(word string) string {
	const most = 40
	if len(word) > most {
		word = word[:most] + "..."
	}
	return strconv.Quote(word)
}
