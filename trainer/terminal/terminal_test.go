package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

func TestTables(t *testing.T) {
	var out bytes.Buffer
	if err := Table(&out, []Row{{"name", "value"}, {"a longer\x1b", "two\nlines"}}); err != nil {
		t.Fatal(err)
	}
	if want := "name            value\n\"a longer\\x1b\"  \"two\\nlines\"\n"; out.String() != want {
		t.Errorf("the table is\n%q, wanted\n%q", out.String(), want)
	}
	out.Reset()
	if err := Columns(&out, []string{"", "first", "second"}, [][]string{{"a", "1", "10"}, {"long\a", "123456", "-"}}); err != nil {
		t.Fatal(err)
	}
	if want := "\n             first  second\n  a              1      10\n  \"long\\a\"  123456       -\n"; out.String() != want {
		t.Errorf("the columns are\n%q, wanted\n%q", out.String(), want)
	}
}

func TestTexts(t *testing.T) {
	v := 1.25
	for _, c := range []struct{ got, want string }{
		{Number(&v, 1), "1.2"}, {Number(nil, 3), "-"},
		{Printable("café"), "café"}, {Printable("a\x1b[2J"), `"a\x1b[2J"`}, {Printable("\xff"), `"\xff"`},
		{ShellWord("a/b-c.png"), "a/b-c.png"}, {ShellWord("it's"), `'it'\''s'`}, {ShellWord(""), "''"}, {ShellWord("a b"), "'a b'"},
	} {
		if c.got != c.want {
			t.Errorf("text is %s, wanted %s", c.got, c.want)
		}
	}
}

// TestSteps counts steps where there is no terminal.
func TestSteps(t *testing.T) {
	var out bytes.Buffer
	s := NewSteps(&out, "counting", 3)
	s.Step("one")
	s.Failed(errors.New("no luck"))
	s.Step("three")
	s.Finish()
	if want := "1/3 one\nadain: no luck\n3/3 three\n"; out.String() != want {
		t.Errorf("printed %q, wanted %q", out.String(), want)
	}
	var none *Steps
	none.Step("one")
	none.Failed(errors.New("no luck"))
	none.Finish()
}

// terminals are the two ends of a terminal of 24 lines.
func terminals(t *testing.T) (program, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminal can be had: ", err)
	}
	t.Cleanup(func() { person.Close() })
	control := func(request uintptr, value unsafe.Pointer) {
		if _, _, err := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(value)); err != 0 {
			t.Skip("no terminal can be had: ", err)
		}
	}
	var number, locked int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{24, 100}
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Skip("no terminal can be had: ", err)
	}
	t.Cleanup(func() { program.Close() })
	return program, person
}

// TestBars looks at what a terminal gets: bars, the texts behind them and the lines above.
func TestBars(t *testing.T) {
	program, person := terminals(t)
	seen := make(chan string, 1)
	go func() {
		var text bytes.Buffer
		for part := make([]byte, 4096); !strings.Contains(text.String(), "the end"); {
			n, err := person.Read(part)
			if err != nil {
				break
			}
			text.Write(part[:n])
		}
		seen <- text.String()
	}()
	p := NewProgress(program)
	films := p.Bar(BarOptions{Title: "films", Total: 7, Text: func(done int) string { return fmt.Sprint("behind ", done) }, Last: true})
	film := p.Bar(BarOptions{Title: "a film", Total: 5, Transient: true})
	film.Add(4)
	film.Add(-2)
	films.Set(3)
	films.Set(7) // does not complete it
	fmt.Fprintln(p, "a line above")
	time.Sleep(300 * time.Millisecond) // bars are drawn some times a second
	film.Remove()
	p.Finish()
	p.Finish()
	if p.Bar(BarOptions{Title: "late", Total: 1}) != nil {
		t.Error("a bar was added behind the end")
	}
	fmt.Fprintln(p, "the end")
	select {
	case text := <-seen:
		for _, want := range []string{"films 3/7", "behind 3", "a film 2/5", "a line above\r\n", "the end"} {
			if !strings.Contains(text, want) {
				t.Errorf("the terminal does not show %q:\n%q", want, text)
			}
		}
	case <-time.After(20 * time.Second):
		t.Error("the terminal got no end")
	}
}

// TestQuiet passes on whole lines that are warnings.
func TestQuiet(t *testing.T) {
	var out bytes.Buffer
	q := Quiet(&out)
	for _, text := range []string{"1/2 a\nada", "in: warning", "\n2/2 b\nadain: no end"} {
		if n, err := q.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("wrote %d of %d bytes: %v", n, len(text), err)
		}
	}
	if out.String() != "adain: warning\n" {
		t.Errorf("passed on %q", out.String())
	}
}

// TestNoColor: the name is red on a terminal, and nowhere else.
func TestNoColor(t *testing.T) {
	program, _ := terminals(t)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if got := Name(program); got != "\x1b[1;31madain:\x1b[0m" {
		t.Errorf("on a terminal the name is %q", got)
	}
	if got := Name(&bytes.Buffer{}); got != "adain:" {
		t.Errorf("elsewhere the name is %q", got)
	}
	t.Setenv("NO_COLOR", "1")
	if got := Name(program); got != "adain:" {
		t.Errorf("with NO_COLOR the name is %q", got)
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if got := Name(program); got != "adain:" || NewProgress(program).bars != nil {
		t.Errorf("on a dumb terminal the name is %q, or there are bars", got)
	}
}
