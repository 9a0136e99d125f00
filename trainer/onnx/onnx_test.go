package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

var tiny = model.Widths{4, 8, 16, 32}

// fields are the values of a message's fields by number: numbers as their digits, others as their bytes.
func fields(t *testing.T, data []byte) map[protowire.Number][]string {
	t.Helper()
	all := map[protowire.Number][]string{}
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			t.Fatalf("damaged message: %v", protowire.ParseError(n))
		}
		data = data[n:]
		var text string
		switch kind {
		case protowire.VarintType:
			v, m := protowire.ConsumeVarint(data)
			text, n = fmt.Sprint(v), m
		case protowire.BytesType:
			v, m := protowire.ConsumeBytes(data)
			text, n = string(v), m
		default:
			t.Fatalf("field %d is of type %d", number, kind)
		}
		if n < 0 {
			t.Fatalf("damaged field %d: %v", number, protowire.ParseError(n))
		}
		all[number] = append(all[number], text)
		data = data[n:]
	}
	return all
}

// shape is that of a ValueInfoProto.
func shape(t *testing.T, value string) (name, dimensions string) {
	v := fields(t, []byte(value))
	tensor := fields(t, []byte(fields(t, []byte(v[2][0]))[1][0]))
	if tensor[1][0] != "1" {
		t.Errorf("%s has element type %s, wanted float32", v[1][0], tensor[1][0])
	}
	var all []string
	for _, d := range fields(t, []byte(tensor[2][0]))[1] {
		f := fields(t, []byte(d))
		all = append(all, append(f[1], f[2]...)...)
	}
	return v[1][0], strings.Join(all, ",")
}

func TestModel(t *testing.T) {
	w := modeltest.RandomWeights(1, tiny)
	w.Metadata = map[string]string{"recipe": "none", "format": "adain-1"}
	for _, c := range []struct {
		side          model.Side
		input, output string
		operators     string
	}{
		{model.Encoder, "picture N,3,H,W", "features N,32,h,w",
			"Conv Pad Conv Relu Pad Conv Relu MaxPool Pad Conv Relu Pad Conv Relu MaxPool Pad Conv Relu Pad Conv Relu Pad Conv Relu Pad Conv Relu MaxPool Pad Conv Relu"},
		{model.Decoder, "features N,32,h,w", "picture N,3,8h,8w",
			"Pad Conv Relu Resize Pad Conv Relu Pad Conv Relu Pad Conv Relu Pad Conv Relu Resize Pad Conv Relu Pad Conv Relu Resize Pad Conv Relu Pad Conv"},
	} {
		m := fields(t, Model(w, c.side, "0.0"))
		g := fields(t, []byte(m[7][0]))
		known := map[string]bool{"": true}
		tensors := map[string]map[protowire.Number][]string{}
		for _, data := range g[5] {
			f := fields(t, []byte(data))
			known[f[8][0]], tensors[f[8][0]] = true, f
		}
		in, dimensions := shape(t, g[11][0])
		if got := in + " " + dimensions; got != c.input {
			t.Errorf("input is %s, wanted %s", got, c.input)
		}
		known[in] = true
		var operators []string
		for _, data := range g[1] {
			f := fields(t, []byte(data))
			for _, name := range f[1] {
				if !known[name] {
					t.Errorf("%s of %s takes %q, which nobody has computed", f[4][0], c.side, name)
				}
			}
			if known[f[2][0]] {
				t.Errorf("%q is there twice", f[2][0])
			}
			known[f[2][0]] = true
			operators = append(operators, f[4][0])
		}
		if got := strings.Join(operators, " "); got != c.operators {
			t.Errorf("%s is\n%s\nwanted\n%s", c.side, got, c.operators)
		}
		out, dimensions := shape(t, g[12][0])
		if got := out + " " + dimensions; got != c.output || !known[out] {
			t.Errorf("output is %s, wanted %s", got, c.output)
		}
		checkTensors(t, w, c.side, tensors)
		checkMetadata(t, w, m)
	}
}

// Behind a bilinear upsampling stands a padding that repeats the edge, and nowhere else.
func TestUpsampling(t *testing.T) {
	for _, c := range []struct{ words, want string }{
		{"nearest", "reflect nearest reflect reflect reflect reflect nearest reflect reflect nearest reflect reflect"},
		{"bilinear,nearest,bilinear", "reflect linear edge reflect reflect reflect nearest reflect reflect linear edge reflect"},
	} {
		w, err := modeltest.RandomWeights(1, tiny).WithUpsamplings(c.words)
		if err != nil {
			t.Fatal(err)
		}
		m := fields(t, Model(w, model.Decoder, "0.0"))
		var modes []string
		for _, data := range fields(t, []byte(m[7][0]))[1] {
			n := fields(t, []byte(data))
			attributes := map[string]string{}
			for _, a := range n[5] {
				f := fields(t, []byte(a))
				attributes[f[1][0]] = strings.Join(f[4], "")
			}
			if mode := attributes["mode"]; mode != "" {
				modes = append(modes, mode)
			}
			if way := map[string]string{"nearest": "asymmetric", "linear": "half_pixel"}[attributes["mode"]]; attributes["coordinate_transformation_mode"] != way {
				t.Errorf("%s: %v, wanted %q", c.words, attributes, way)
			}
		}
		if got := strings.Join(modes, " "); got != c.want {
			t.Errorf("%s: modes are %s, wanted %s", c.words, got, c.want)
		}
		checkMetadata(t, w, m)
	}
}

func checkTensors(t *testing.T, w *model.Weights, side model.Side, tensors map[string]map[protowire.Number][]string) {
	t.Helper()
	for _, l := range w.Layers {
		if l.Side != side {
			continue
		}
		f := tensors[l.Key()+".weight"]
		if f == nil {
			t.Fatalf("%s is missing", l.Key())
		}
		if got, want := strings.Join(f[1], ","), fmt.Sprintf("%d,%d,%d,%d", l.Out, l.In, l.Kernel, l.Kernel); got != want || f[2][0] != "1" {
			t.Errorf("%s has shape %s of type %s, wanted %s", l.Key(), got, f[2][0], want)
		}
		for i, v := range slices.Concat(l.Weight, l.Bias) {
			data := f[9][0] + tensors[l.Key()+".bias"][9][0]
			if got := math.Float32frombits(binary.LittleEndian.Uint32([]byte(data[4*i:]))); got != v {
				t.Fatalf("%s: value %d is %v, wanted %v", l.Key(), i, got, v)
			}
		}
	}
}

func checkMetadata(t *testing.T, w *model.Weights, m map[protowire.Number][]string) {
	t.Helper()
	if opset := fields(t, []byte(m[8][0])); m[1][0] != "7" || opset[2][0] != "13" {
		t.Errorf("IR version %s, opset %s", m[1][0], opset[2][0])
	}
	got := map[string]string{}
	for _, e := range m[14] {
		f := fields(t, []byte(e))
		got[f[1][0]] = f[2][0]
	}
	for key, want := range map[string]string{
		"format": Format, "network": w.Network, "widths": "4,8,16,32", "encoder": w.EncoderID(), "adain": Adaption, "recipe": w.Metadata["recipe"],
		"upsampling": w.Upsamplings(),
	} {
		if got[key] != want {
			t.Errorf("metadata %q is %q, wanted %q", key, got[key], want)
		}
	}
	if format := w.Metadata["format"]; format != "" && format != "adain-1" {
		t.Error("the weights' metadata were changed")
	}
}
