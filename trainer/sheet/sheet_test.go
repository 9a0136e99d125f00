package sheet

import (
	"strings"
	"testing"

	"adainfilter/model"
)

// plain is a picture of one value.
func plain(f model.Format, width, height int, v uint8) *model.Image {
	m := model.NewImage(f, width, height)
	for i := range m.Planes[0].Data {
		m.Planes[0].Data[i] = v
	}
	return m
}

// TestPut draws sheets as text: a digit for each pixel, . for white.
func TestPut(t *testing.T) {
	clear := plain(model.RGBA, 2, 2, 0) // transparent
	for _, c := range []struct {
		name   string
		layout Layout
		put    [][3]int // column, row, value
		size   [2]int   // of the pictures
		want   string
	}{
		{"grid", Grid(2, 2, 2, 2), [][3]int{{0, 0, 1}, {1, 0, 2}, {0, 1, 3}, {1, 1, 4}}, [2]int{2, 2}, "1122 1122 3344 3344"},
		{"gap and margin", Layout{[]int{2, 2}, 2, 1, 1, 1}, [][3]int{{1, 0, 2}, {0, 1, 3}}, [2]int{2, 1}, "....... ....22. ....... .33.... ......."},
		{"columns of other widths, small and large pictures", Layout{[]int{1, 3, 2}, 1, 2, 0, 0}, [][3]int{{0, 0, 1}, {1, 0, 2}, {2, 0, 3}}, [2]int{2, 3}, "122.33 122.33"},
		{"transparent", Grid(1, 1, 2, 2), [][3]int{{0, 0, 0}}, [2]int{}, ".. .."},
	} {
		s, err := New(c.layout)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.put {
			img := clear
			if p[2] > 0 {
				img = plain(model.RGB, c.size[0], c.size[1], uint8(p[2]))
			}
			s.Put(p[0], p[1], img)
		}
		var rows []string
		m := s.Image()
		for y := range m.Height {
			row := ""
			for x := range m.Width {
				at := m.Planes[0].Data[y*m.Planes[0].Stride+3*x:]
				switch {
				case at[0] != at[1] || at[1] != at[2]:
					row += "?"
				case at[0] == 255:
					row += "."
				default:
					row += string(rune('0' + at[0]))
				}
			}
			rows = append(rows, row)
		}
		if got := strings.Join(rows, " "); got != c.want {
			t.Errorf("%s: the sheet is\n%s, wanted\n%s", c.name, got, c.want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	if _, err := New(Grid(2, 2, 10000, 5000)); err == nil || !strings.Contains(err.Error(), "20000x10000") {
		t.Errorf("error is %v", err)
	}
}
