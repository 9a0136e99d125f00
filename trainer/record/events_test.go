package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestEvents(t *testing.T) {
	f := open(t, t.TempDir(), New)
	if err := f.WriteEvents(3); err != nil {
		t.Fatal(err)
	}
	samples := image.NewGray(image.Rect(0, 0, 5, 4))
	if err := errors.Join(
		f.Append(Entry{Iteration: 7, Content: 0.5, Total: 2, Scores: &Scores{StyleRatio: 0.25}}),
		f.Write("samples-7.png", func(w io.Writer) error { return png.Encode(w, samples) }),
		f.AppendSamples(7, "samples-7.png")); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(f.path, eventsPrefix+"*"))
	data, err := os.ReadFile(strings.Join(names, ""))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for len(data) > 0 {
		n := binary.LittleEndian.Uint64(data)
		event := data[12 : 12+n]
		if binary.LittleEndian.Uint32(data[8:]) != masked(data[:8]) || binary.LittleEndian.Uint32(data[12+n:]) != masked(event) {
			t.Fatal("a checksum is wrong")
		}
		found, data = append(found, fields(t, event)), data[16+n:]
	}
	for i, want := range []string{
		"1:t 2:0 3:brain.Event:2", "1:t 2:4 7:[1:1]",
		"1:t 2:7 5:[1:[1:loss/content 2:0.5] 1:[1:loss/total 2:2] 1:[1:loss/gradient 2:0]", "1:t 2:7 5:[1:[1:samples 4:[1:4 2:5 3:3 4:PNG]]]",
	} {
		if len(found) != 4 || !strings.HasPrefix(found[i], want) {
			t.Errorf("event %d of %d is %s, wanted %s", i, len(found), found[i], want)
		}
	}
	if !strings.Contains(found[2], "1:[1:scores/style ratio 2:0.25]") {
		t.Errorf("the scores are not there: %s", found[2])
	}
	// 32 zero bytes, of RFC 3720, appendix B.4, have CRC-32C aa36918a.
	sum := uint32(0x8a9136aa)
	if got := masked(make([]byte, 32)); got != bits.RotateLeft32(sum, 17)+0xa282ead8 {
		t.Errorf("the checksum is %08x", got)
	}
}

func fields(t *testing.T, message []byte) string {
	t.Helper()
	var texts []string
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		message = message[n:]
		var text string
		switch kind {
		case protowire.Fixed64Type:
			_, n = protowire.ConsumeFixed64(message)
			text = "t"
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			text = fmt.Sprint(math.Float32frombits(v))
		case protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(message)
			text = fmt.Sprint(v)
		case protowire.BytesType:
			var v []byte
			v, n = protowire.ConsumeBytes(message)
			switch {
			case bytes.HasPrefix(v, []byte("\x89PNG")):
				text = "PNG"
			case number == 3 || number == 1 && v[0] >= 'a':
				text = string(v)
			default:
				text = "[" + fields(t, v) + "]"
			}
		}
		if n < 0 {
			t.Fatalf("field %d: %v", number, protowire.ParseError(n))
		}
		texts, message = append(texts, fmt.Sprintf("%d:%s", number, text)), message[n:]
	}
	return strings.Join(texts, " ")
}
