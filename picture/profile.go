package picture

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/kovidgoyal/imaging/prism/meta/icc"
)

// srgbProfile is a small ICC profile of sRGB, to tag results with.
//
//go:embed srgb.icc
var srgbProfile []byte

// xyzToLinear takes XYZ of the profile connection space (D50) to linear sRGB: the inverse of the colorants that sRGB's profile has, which
// are those of IEC 61966-2-1 adapted to D50 by Bradford's matrix.
var xyzToLinear = [3][3]float64{
	{3.1341359, -1.6173860, -0.4906627}, {-0.9787955, 1.9162544, 0.0334427}, {0.0719551, -0.2289769, 1.4053858},
}

// conversion takes samples of an RGB profile to sRGB. Where the profile adds up its channels (curves and a matrix, as displays' and
// cameras' do) it is exact: tables hold the linear light that each value of a channel gives. Other profiles are asked for each colour.
type conversion struct {
	tables   [3][][3]float32 // by channel, and value or, of 16 bits, tableSteps between which lies a line
	pipeline *icc.Pipeline   // of what does not add up, else nil
	max      float64         // largest value: 255 or 65535
	seen     []known         // results of pipeline
}

// tableSteps are enough that a line between two is within 0.001 code values of 8 bits, down to black.
const tableSteps = 4096

type known struct {
	key uint64
	to  [3]uint16
}

// encoded are the code values of 65536 steps of linear light, for 16 bits: sRGB's curve.
var encoded = func() (t [65537]float32) {
	for i := range t {
		v := float64(i) / 65536
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = float32(v)
	}
	return t
}()

// newConversion prepares a profile for samples of 0 to steps-1. Errors: a profile that is damaged or of something else than RGB.
func newConversion(profile []byte, steps int) (c *conversion, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the profile is damaged")
		}
	}()
	if err := checkProfile(profile); err != nil {
		return nil, err
	}
	p, err := icc.DecodeProfile(bytes.NewReader(profile))
	if err != nil {
		return nil, err
	}
	toXYZ, err := p.CreateTransformerToPCS(icc.PerceptualRenderingIntent, 3, true)
	if err != nil {
		return nil, err
	}
	c = &conversion{max: float64(steps - 1)}
	linear := func(r, g, b float64) (v [3]float64) {
		x, y, z := toXYZ.Transform(r, g, b)
		for i, row := range xyzToLinear {
			v[i] = row[0]*x + row[1]*y + row[2]*z
		}
		return v
	}
	if p.Header.ProfileConnectionSpace != icc.ColorSpaceXYZ || !addsUp(linear) {
		c.pipeline, err = p.CreateTransformerToSRGB(icc.PerceptualRenderingIntent, false, 3, true, false, true)
		c.seen = make([]known, 1<<16)
		return c, err
	}
	for channel := range c.tables {
		entries := min(steps, tableSteps+1)
		c.tables[channel] = make([][3]float32, entries)
		for i := range entries {
			var in [3]float64
			in[channel] = float64(i) / float64(entries-1)
			for k, v := range linear(in[0], in[1], in[2]) {
				c.tables[channel][i][k] = float32(v)
			}
		}
	}
	return c, nil
}

// hasTables says whether a profile of RGB is more than curves and a matrix.
func hasTables(profile []byte) bool {
	return checkProfile(profile) == nil && (bytes.Contains(profile[128:min(len(profile), 2048)], []byte("A2B0")) || bytes.Contains(profile[128:min(len(profile), 2048)], []byte("A2B1")))
}

// IsSRGB says whether a profile is that of sRGB, so far that no sample of 8 bits changes: then samples are left as they are.
func IsSRGB(profile []byte) bool {
	c, err := newConversion(profile, 1<<8)
	return err == nil && c.identity()
}

// identity says whether colours stay what they are, but for less than rounding to 8 bits.
func (c *conversion) identity() bool {
	random := rand.New(rand.NewPCG(2, 2))
	top := int(c.max)
	for i := range 256 {
		in := [3]int{i * top / 255, i * top / 255, i * top / 255}
		if i >= 128 {
			in = [3]int{random.IntN(top + 1), random.IntN(top + 1), random.IntN(top + 1)}
		}
		for k, v := range c.convert(in[0], in[1], in[2]) {
			if !(math.Abs(float64(v)-float64(in[k])/c.max) < 0.75/255) {
				return false
			}
		}
	}
	return true
}

// addsUp says whether the light of a colour is the sum of that of its channels, and that of black is none.
func addsUp(linear func(r, g, b float64) [3]float64) bool {
	random := rand.New(rand.NewPCG(1, 1))
	for range 64 {
		r, g, b := random.Float64(), random.Float64(), random.Float64()
		all, one, two, three := linear(r, g, b), linear(r, 0, 0), linear(0, g, 0), linear(0, 0, b)
		for i := range all {
			if !(math.Abs(all[i]-one[i]-two[i]-three[i]) < 1e-5) {
				return false
			}
		}
	}
	return true
}

// checkProfile holds the offsets of a profile against its length: the library allocates what they say.
func checkProfile(b []byte) error {
	if len(b) < 132 || string(b[36:40]) != "acsp" {
		return errors.New("it is no ICC profile")
	}
	if space := string(b[16:20]); space != "RGB " {
		return fmt.Errorf("it is of %q, wanted RGB", space)
	}
	n := int64(binary.BigEndian.Uint32(b[128:]))
	if 132+12*n > int64(len(b)) {
		return errors.New("its table of tags is cut short")
	}
	for i := range n {
		e := b[132+12*i:]
		at, size := int64(binary.BigEndian.Uint32(e[4:])), int64(binary.BigEndian.Uint32(e[8:]))
		if at < 132+12*n || at+size > int64(len(b)) {
			return errors.New("a tag of it lies outside of it")
		}
		if err := checkTag(b[at : at+size]); err != nil {
			return err
		}
	}
	return nil
}

// checkTag holds the numbers of a tag's values against its length (ICC.1:2022, 10.6 curveType, 10.12 lutAToBType).
func checkTag(tag []byte) error {
	curve := func(b []byte) error {
		if len(b) < 12 || int64(binary.BigEndian.Uint32(b[8:])) > int64(len(b)-12)/2 {
			return errors.New("a curve of it has more points than there are")
		}
		return nil
	}
	switch {
	case bytes.HasPrefix(tag, []byte("curv")):
		return curve(tag)
	case bytes.HasPrefix(tag, []byte("mAB ")), bytes.HasPrefix(tag, []byte("mBA ")):
		if len(tag) < 32 {
			return errors.New("a table of it is cut short")
		}
		// A table of 0 bytes a value would have as many values as its head says.
		if at := int64(binary.BigEndian.Uint32(tag[24:])); at != 0 && (at+20 > int64(len(tag)) || tag[at+16] != 1 && tag[at+16] != 2) {
			return errors.New("a table of it has values of neither 1 nor 2 bytes")
		}
		// Its curves lie at places that its other parts say.
		for b := tag[32:]; ; b = b[4:] {
			next := bytes.Index(b, []byte("curv"))
			if next < 0 {
				return nil
			}
			if b = b[next:]; curve(b) != nil {
				return curve(b)
			}
		}
	}
	return nil
}

// convert takes one colour to sRGB, as code values of 0 to 1.
func (c *conversion) convert(r, g, b int) [3]float32 {
	if c.pipeline != nil {
		key := uint64(r)<<32 | uint64(g)<<16 | uint64(b) + 1<<63
		k := &c.seen[(key*0x9e3779b97f4a7c15)>>48]
		if k.key != key {
			x, y, z := c.pipeline.Transform(float64(r)/c.max, float64(g)/c.max, float64(b)/c.max)
			k.key = key
			for i, v := range [3]float64{x, y, z} {
				k.to[i] = uint16(min(max(v, 0), 1)*65535 + 0.5)
			}
		}
		return [3]float32{float32(k.to[0]) / 65535, float32(k.to[1]) / 65535, float32(k.to[2]) / 65535}
	}
	var light, out [3]float32
	for channel, v := range [3]int{r, g, b} {
		table := c.tables[channel]
		if len(table) == 256 {
			for i, l := range table[v] {
				light[i] += l
			}
			continue
		}
		at := float32(v) * (tableSteps / 65535.0)
		low := min(int(at), tableSteps-1)
		for i, l := range table[low] {
			light[i] += l + (at-float32(low))*(table[low+1][i]-l)
		}
	}
	for i := range out {
		v := min(max(light[i], 0), 1) * 65536
		at := min(int(v), 65535)
		out[i] = encoded[at] + (v-float32(at))*(encoded[at+1]-encoded[at])
	}
	return out
}

// apply converts samples in place: rows of width pixels of n samples each, of which the first three are R, G, B.
func apply[T uint8 | uint16](c *conversion, data []T, width, height, n, stride int) {
	top := float32(c.max)
	var before [3]T
	var after [3]T
	for y := range height {
		row := data[y*stride:][:n*width]
		for i := 0; i < len(row); i += n {
			p := row[i : i+3 : i+3]
			now := [3]T{p[0], p[1], p[2]}
			if now != before || y == 0 && i == 0 {
				v := c.convert(int(now[0]), int(now[1]), int(now[2]))
				before = now
				after = [3]T{T(v[0]*top + 0.5), T(v[1]*top + 0.5), T(v[2]*top + 0.5)}
			}
			p[0], p[1], p[2] = after[0], after[1], after[2]
		}
	}
}
