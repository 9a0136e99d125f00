package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// testProfile is an ICC profile of version 2: a matrix of colorants (XYZ of red, green and blue at D50) and one curve for all channels.
func testProfile(colorants [3][3]float64, curve []byte) []byte {
	fixed := func(v float64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(int32(math.Round(v*65536)))) }
	xyz := func(v [3]float64) []byte {
		return bytes.Join([][]byte{[]byte("XYZ \x00\x00\x00\x00"), fixed(v[0]), fixed(v[1]), fixed(v[2])}, nil)
	}
	white := [3]float64{0.9642, 1, 0.8249}
	tags := []struct {
		name string
		data []byte
	}{
		{"wtpt", xyz(white)}, {"rXYZ", xyz(colorants[0])}, {"gXYZ", xyz(colorants[1])}, {"bXYZ", xyz(colorants[2])},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
		{"desc", append([]byte("desc\x00\x00\x00\x00\x00\x00\x00\x02x\x00"), make([]byte, 78)...)}, {"cprt", []byte("text\x00\x00\x00\x00x\x00")},
	}
	table, data := binary.BigEndian.AppendUint32(nil, uint32(len(tags))), []byte(nil)
	for _, t := range tags {
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		table = append(table, t.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(132+12*len(tags)+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(t.data)))
		data = append(data, t.data...)
	}
	head := make([]byte, 128)
	copy(head[8:], []byte{2, 0x10, 0, 0})
	copy(head[12:], "mntrRGB XYZ ")
	copy(head[36:], "acsp")
	copy(head[68:], bytes.Join([][]byte{fixed(white[0]), fixed(white[1]), fixed(white[2])}, nil))
	all := bytes.Join([][]byte{head, table, data}, nil)
	binary.BigEndian.PutUint32(all, uint32(len(all)))
	return all
}

var (
	srgbColorants  = [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.7141}}
	p3Colorants    = [3][3]float64{{0.51512, 0.2412, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.1571, 0.06657, 0.78407}}
	adobeColorants = [3][3]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}
	proColorants   = [3][3]float64{{0.79767, 0.28802, 0}, {0.13519, 0.71188, 0}, {0.03134, 0.00009, 0.82491}}
)

// gammaCurve is a curve of one exponent, in steps of 1/256.
func gammaCurve(g float64) []byte {
	return append([]byte("curv\x00\x00\x00\x00\x00\x00\x00\x01"), byte(int(g*256)>>8), byte(int(g*256)), 0, 0)
}

// tableCurve are 1024 points of sRGB's curve.
func tableCurve() []byte {
	b := []byte("curv\x00\x00\x00\x00\x00\x00\x04\x00")
	for i := range 1024 {
		v := float64(i) / 1023
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(v*65535+0.5))
	}
	return b
}

// parametricCurve is sRGB's curve as a function.
func parametricCurve() []byte {
	b := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, v := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		b = binary.BigEndian.AppendUint32(b, uint32(v*65536+0.5))
	}
	return b
}

// insertChunk puts a chunk behind a PNG's header.
func insertChunk(file []byte, name string, data []byte) []byte {
	return bytes.Join([][]byte{file[:pngHead], pngChunk(name, data), file[pngHead:]}, nil)
}

// iccp is the content of a chunk iCCP.
func iccp(profile []byte) []byte {
	b, err := packProfile(profile)
	if err != nil {
		panic(err)
	}
	return b
}

// TestProfilesAgainstLCMS compares pictures with profiles with what lcms makes of the same colours.
func TestProfilesAgainstLCMS(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("transicc"); err != nil {
		t.Skip("transicc is missing, of Debian's liblcms2-utils")
	}
	random := rand.New(rand.NewPCG(5, 5))
	const w, h = 41, 25
	eight, sixteen := image.NewNRGBA(image.Rect(0, 0, w, h)), image.NewNRGBA64(image.Rect(0, 0, w, h))
	for i := range w * h {
		v := [3]uint16{uint16(random.Uint32()), uint16(random.Uint32()), uint16(random.Uint32())}
		for k := range v { // the corners of the cube and its dark end too
			switch {
			case i < 8:
				v[k] = uint16(i >> k & 1 * 65535)
			case i < 100:
				v[k] /= 16
			}
		}
		sixteen.SetNRGBA64(i%w, i/w, color.NRGBA64{v[0], v[1], v[2], 65535})
		eight.SetNRGBA(i%w, i/w, color.NRGBA{uint8(v[0] >> 8), uint8(v[1] >> 8), uint8(v[2] >> 8), 255})
	}
	for name, profile := range map[string][]byte{
		"Display P3, function":   testProfile(p3Colorants, parametricCurve()),
		"Display P3, table":      testProfile(p3Colorants, tableCurve()),
		"Adobe RGB":              testProfile(adobeColorants, gammaCurve(2.199219)),
		"ProPhoto":               testProfile(proColorants, gammaCurve(1.8)),
		"sRGB, as results carry": srgbProfile,
	} {
		path := filepath.Join(t.TempDir(), "p.icc")
		if err := os.WriteFile(path, profile, 0o666); err != nil {
			t.Fatal(err)
		}
		p, err := decode(bytes.NewReader(insertChunk(pngBytes(t, eight), "iCCP", iccp(profile))), Options{}, "")
		if err != nil {
			t.Fatal(err)
		}
		want := lcms(t, path, eight.Pix, 1)
		for i, v := range p.Image.Planes[0].Data {
			if d := float64(v) - want[i]; !(math.Abs(d) <= 1) {
				t.Fatalf("%s: sample %d of %v is %d, lcms has %.2f", name, i%3, eight.Pix[i/3*4:i/3*4+3], v, want[i])
			}
		}
		q, err := decode(bytes.NewReader(insertChunk(pngBytes(t, sixteen), "iCCP", iccp(profile))), Options{Deep: true}, "")
		if err != nil {
			t.Fatal(err)
		}
		want = lcms(t, path, sixteen.Pix, 2)
		for i, v := range q.Deep {
			if d := float64(v)/257 - want[i]; !(math.Abs(d) <= 0.5) {
				t.Fatalf("%s, 16 bits: sample %d is %.2f, lcms has %.2f", name, i, float64(v)/257, want[i])
			}
			if d := float64(q.Image.Planes[0].Data[i]) - float64(v)/257; !(math.Abs(d) <= 1) {
				t.Fatalf("%s: sample %d is %d and with 16 bits %d", name, i, q.Image.Planes[0].Data[i], v)
			}
		}
		kept, err := decode(bytes.NewReader(insertChunk(pngBytes(t, eight), "iCCP", iccp(profile))), Options{KeepProfile: true}, "")
		if err != nil || !bytes.Equal(kept.Profile, profile) || kept.Image.Planes[0].Data[30] != eight.Pix[40] {
			t.Errorf("%s: the kept profile has %d bytes, wanted %d (%v)", name, len(kept.Profile), len(profile), err)
		}
	}
}

// lcms takes RGBA samples of size bytes through a profile to sRGB, as code values of 0 to 255.
func lcms(t *testing.T, profile string, pix []byte, size int) []float64 {
	t.Helper()
	var in strings.Builder
	for i := 0; i < len(pix); i += 4 * size {
		for k := range 3 {
			v := float64(pix[i+k])
			if size == 2 {
				v = float64(binary.BigEndian.Uint16(pix[i+2*k:])) / 257
			}
			fmt.Fprintf(&in, "%.4f ", v)
		}
		in.WriteString("\n")
	}
	c := exec.Command("transicc", "-i", profile, "-o", "*sRGB", "-t", "0", "-n", "-c", "0")
	c.Stdin = strings.NewReader(in.String())
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	for _, field := range strings.Fields(string(out)) {
		var v float64
		if _, err := fmt.Sscan(field, &v); err == nil {
			values = append(values, min(max(v, 0), 255)) // what lies outside of sRGB is cut
		}
	}
	if len(values) != len(pix)/size/4*3 {
		t.Fatalf("transicc gave %d values for %d:\n%.300s", len(values), len(pix)/size/4*3, out)
	}
	return values
}

// TestSRGBProfilesChangeNothing keeps every sample of pictures that say that they are sRGB.
func TestSRGBProfilesChangeNothing(t *testing.T) {
	t.Parallel()
	img := image.NewNRGBA64(image.Rect(0, 0, 64, 64))
	random := rand.New(rand.NewPCG(8, 8))
	for i := range img.Pix {
		img.Pix[i] = uint8(random.Uint32())
	}
	for i := 6; i < len(img.Pix); i += 8 {
		img.Pix[i], img.Pix[i+1] = 255, 255
	}
	for name, profile := range map[string][]byte{"ours": srgbProfile, "table": testProfile(srgbColorants, tableCurve()), "function": testProfile(srgbColorants, parametricCurve())} {
		p, err := decode(bytes.NewReader(insertChunk(pngBytes(t, img), "iCCP", iccp(profile))), Options{Deep: true}, "")
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range p.Deep {
			if want := binary.BigEndian.Uint16(img.Pix[i/3*8+i%3*2:]); v != want {
				t.Errorf("%s: sample %d is %d, wanted %d", name, i, v, want)
				break
			}
		}
		if !IsSRGB(profile) {
			t.Errorf("%s is not known as sRGB", name)
		}
	}
	if IsSRGB(testProfile(p3Colorants, tableCurve())) || IsSRGB(nil) {
		t.Error("Display P3, or nothing, is taken for sRGB")
	}
}

// TestDamagedProfiles has profiles that must change nothing and take nothing.
func TestDamagedProfiles(t *testing.T) {
	t.Parallel()
	good := testProfile(p3Colorants, tableCurve())
	plain := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range plain.Pix {
		plain.Pix[i] = uint8(40*i) | 3
		if i%4 == 3 {
			plain.Pix[i] = 255
		}
	}
	put := func(at int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
	for name, profile := range map[string][]byte{
		"cut short": good[:300], "empty": {}, "of CMYK": bytes.Replace(good, []byte("RGB XYZ "), []byte("CMYKXYZ "), 1),
		"many tags": put(128, 1<<28), "tag of 4 GB": put(140, 0xffffff00), "tag before its table": put(136, 4), "curve of 4 billion points": put(bytes.Index(good, []byte("curv"))+8, 0xffffffff),
		"no colorants": bytes.Replace(good, []byte("gXYZ"), []byte("gxyz"), 1),
	} {
		p, err := decode(bytes.NewReader(insertChunk(pngBytes(t, plain), "iCCP", iccp(profile))), Options{}, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, v := range p.Image.Planes[0].Data {
			if want := plain.Pix[i/3*4+i%3]; v != want {
				t.Errorf("%s: sample %d is %d, wanted %d", name, i, v, want)
				break
			}
		}
	}
}

// TestDamagedTags has tags whose numbers ask for gigabytes: the profile's library would take them, at times for half a minute.
func TestDamagedTags(t *testing.T) {
	t.Parallel()
	curve := func(points uint32, bytes int) []byte {
		return append(binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), points), make([]byte, bytes)...)
	}
	table := func(kind string, size byte, curves ...[]byte) []byte {
		b := append([]byte(kind), 0, 0, 0, 0, 3, 3, 0, 0)
		b = append(b, make([]byte, 12)...)
		b = append(binary.BigEndian.AppendUint32(b, 32), 0, 0, 0, 0)
		b = append(append(b, bytes.Repeat([]byte{255}, 16)...), size, 0, 0, 0)
		return append(b, bytes.Join(curves, nil)...)
	}
	for name, c := range map[string]struct {
		tag  []byte
		good bool
	}{
		"curve": {curve(5, 10), true}, "gamma": {curve(1, 4), true}, "identity": {curve(0, 0), true}, "4 billion points": {curve(0xffffffff, 10), false},
		"a point too many": {curve(6, 10), false}, "short curve": {[]byte("curv\x00\x00\x00\x00"), false},
		"table": {table("mAB ", 2, curve(2, 4), curve(2, 4)), true}, "backward": {table("mBA ", 1, curve(2, 4)), true}, "no bytes a value": {table("mAB ", 0), false},
		"curve in a table": {table("mAB ", 1, curve(2, 4), curve(1<<30, 4)), false}, "short table": {[]byte("mAB 1234"), false},
		"table outside": {table("mAB ", 1)[:40], false}, "text": {[]byte("text\x00\x00\x00\x00curve of the camera"), true}, "nothing": {nil, true},
	} {
		if err := checkTag(c.tag); (err == nil) != c.good {
			t.Errorf("%s: the error is %v, wanted one: %v", name, err, !c.good)
		}
	}
}
