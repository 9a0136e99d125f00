package transcode

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/go-gst/go-gst/gst"

	"adainfilter/trainer/film"
)

// believable takes decoding times that cannot be from the frames of a pipeline's encoder, before a parser believes them and gives the frames those of
// decoding as those of showing. x265 reads memory that it has not written where it codes fewer frames than it would reorder.
func believable(p *film.Pipeline, encoder *gst.Element) {
	p.Probe(encoder.GetStaticPad("src"), gst.PadProbeTypeBuffer, func(_ *gst.Pad, info *gst.PadProbeInfo) gst.PadProbeReturn {
		b := film.BufferOf(info)
		if b == nil {
			return gst.PadProbeOK
		}
		if shown, decoded := b.PresentationTimestamp(), b.DecodingTimestamp(); shown != gst.ClockTimeNone && decoded != gst.ClockTimeNone && decoded > shown {
			setDTS(b, shown) // without the field no film can be joined, which says so
		}
		return gst.PadProbeOK
	})
}

// setDTS sets the decoding timestamp, for which the bindings have no function.
func setDTS(b *gst.Buffer, t gst.ClockTime) error { return setWord(b.Instance(), "dts", uint64(t)) }

// setWord sets a field of 64 bits of a structure of C's that a pointer leads to: its place is that of C's own structure.
func setWord(structure any, name string, v uint64) error {
	p := reflect.ValueOf(structure)
	offset, err := wordIn(p.Type().Elem(), name)
	if err == nil {
		*(*uint64)(unsafe.Add(p.UnsafePointer(), offset)) = v
	}
	return err
}

// wordIn is the place of a field of 64 bits without a sign in a structure. The error says that there is none of this name and kind: writing
// elsewhere would damage memory.
func wordIn(structure reflect.Type, name string) (uintptr, error) {
	field, ok := structure.FieldByName(name)
	if !ok || field.Type.Kind() != reflect.Uint64 {
		return 0, fmt.Errorf("%v of these GStreamer bindings has no field %s of 64 bits", structure, name)
	}
	return field.Offset, nil
}
