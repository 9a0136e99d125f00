package picture

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
)

// Bounds on what a container may carry beside its pixels.
const (
	maxBeside = 16 << 20 // bytes of EXIF data or of a profile
	maxScans  = 100      // of a JPEG; cameras and programs write 10
)

// container is what a picture file holds beside its pixels.
type container struct {
	exif        []byte // a TIFF structure, as EXIF has it; nil if there is none
	profile     []byte // an ICC profile; nil if there is none
	frames      int    // pictures of an animation, 0 where the file says nothing
	scans       int    // of a JPEG
	progressive bool   // a JPEG whose coefficients come in parts
}

// look walks through a file of a kind without decoding pixels. What is broken there counts as missing: the pixels may be good all the same.
func look(r io.ReadSeeker, k kind) (c container) {
	defer func() {
		if recover() != nil {
			c = container{}
		}
	}()
	if k.look == nil {
		return c
	}
	if _, err := r.Seek(0, io.SeekStart); err == nil {
		_ = k.look(r, &c)
	}
	return c
}

var errTooLong = errors.New("too long")

// take reads n bytes if that is no more than the bound.
func take(r io.Reader, n int64) ([]byte, error) {
	if n > maxBeside {
		return nil, errTooLong
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// lookJPEG reads the segments of a JPEG, and counts its scans to the end of the file.
func lookJPEG(file io.ReadSeeker, c *container) error {
	r := bufio.NewReaderSize(file, 1<<16)
	var parts [256][]byte
	count, total := 0, 0
	defer func() {
		if count > 0 {
			c.profile = bytes.Join(parts[:], nil)
		}
	}()
	for {
		// Between segments, and through the data of scans, up to the next marker.
		if _, err := r.ReadSlice(0xff); err == bufio.ErrBufferFull {
			continue
		} else if err != nil {
			return err
		}
		marker, err := r.ReadByte()
		for err == nil && marker == 0xff {
			marker, err = r.ReadByte()
		}
		switch {
		case err != nil:
			return err
		case marker == 0xd9:
			return nil
		case marker <= 1, marker >= 0xd0 && marker <= 0xd8:
			continue
		}
		var length [2]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return err
		}
		data, err := take(r, int64(max(binary.BigEndian.Uint16(length[:]), 2))-2)
		if err != nil {
			return err
		}
		switch {
		case marker == 0xda:
			c.scans++
		case marker == 0xc2:
			c.progressive = true
		case marker == 0xe1 && c.exif == nil && bytes.HasPrefix(data, []byte("Exif\x00\x00")):
			c.exif = data[6:]
		case marker == 0xe2 && bytes.HasPrefix(data, []byte("ICC_PROFILE\x00")) && len(data) > 14 && parts[data[12]] == nil && total < maxBeside:
			parts[data[12]] = data[14:]
			count++
			total += len(data)
		}
	}
}

// lookPNG reads the chunks of a PNG.
func lookPNG(r io.ReadSeeker, c *container) error {
	if _, err := r.Seek(8, io.SeekStart); err != nil {
		return err
	}
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		n := int64(binary.BigEndian.Uint32(head[:]))
		switch string(head[4:]) {
		case "eXIf", "iCCP", "acTL":
			data, err := take(r, n)
			if err != nil {
				return err
			}
			c.chunk(string(head[4:]), data)
			n = 0
		case "IEND":
			return nil
		}
		if _, err := r.Seek(n+4, io.SeekCurrent); err != nil {
			return err
		}
	}
}

func (c *container) chunk(name string, data []byte) {
	switch name {
	case "eXIf":
		c.exif = data
	case "acTL":
		if len(data) == 8 {
			c.frames = int(binary.BigEndian.Uint32(data))
		}
	case "iCCP": // a name, 0, the method 0, and the compressed profile
		_, packed, ok := bytes.Cut(data, []byte{0})
		if !ok || len(packed) < 1 || packed[0] != 0 {
			return
		}
		z, err := zlib.NewReader(bytes.NewReader(packed[1:]))
		if err != nil {
			return
		}
		if profile, err := io.ReadAll(io.LimitReader(z, maxBeside+1)); err == nil && len(profile) <= maxBeside {
			c.profile = profile
		}
	}
}

// lookWebP reads the chunks of a WebP file. A chunk of odd length is followed by a byte that does not count.
func lookWebP(r io.ReadSeeker, c *container) error {
	if _, err := r.Seek(12, io.SeekStart); err != nil {
		return err
	}
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		skip := n + n%2
		switch name := string(head[:4]); name {
		case "EXIF", "ICCP":
			data, err := take(r, n)
			if err != nil {
				return err
			}
			if name == "ICCP" {
				c.profile = data
			} else if c.exif == nil {
				c.exif = bytes.TrimPrefix(data, []byte("Exif\x00\x00"))
			}
			skip = n % 2
		case "ANMF":
			c.frames++
		}
		if _, err := r.Seek(skip, io.SeekCurrent); err != nil {
			return err
		}
	}
}

// lookGIF counts the pictures of a GIF.
func lookGIF(file io.ReadSeeker, c *container) error {
	r := bufio.NewReader(file)
	var head [13]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	table := func(flags byte) int {
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	if _, err := r.Discard(table(head[10])); err != nil {
		return err
	}
	for {
		kind, err := r.ReadByte()
		switch {
		case err != nil || kind == 0x3b:
			return err
		case kind == 0x2c:
			c.frames++
			var at [9]byte
			if _, err := io.ReadFull(r, at[:]); err != nil {
				return err
			}
			if _, err := r.Discard(table(at[8]) + 1); err != nil {
				return err
			}
		case kind == 0x21:
			if _, err := r.ReadByte(); err != nil {
				return err
			}
		default:
			return errors.New("unknown block")
		}
		for n := byte(1); n > 0; {
			if n, err = r.ReadByte(); err != nil {
				return err
			}
			if _, err := r.Discard(int(n)); err != nil {
				return err
			}
		}
	}
}

// lookTIFF takes the profile, and EXIF data of what does not describe this file's samples.
func lookTIFF(r io.ReadSeeker, c *container) error {
	head, err := take(r, 8)
	if err != nil {
		return err
	}
	t := tiffData{data: head}
	if !t.order() {
		return errors.New("no TIFF structure")
	}
	c.exif = fromTIFF(&fieldReader{order: t.bytes, fetch: func(at, n int64) ([]byte, error) {
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			return nil, err
		}
		return take(r, n)
	}}, t.bytes.Uint32(head[4:]))
	if _, err := r.Seek(int64(t.bytes.Uint32(head[4:])), io.SeekStart); err != nil {
		return err
	}
	count, err := take(r, 2)
	if err != nil {
		return err
	}
	entries, err := take(r, 12*int64(t.bytes.Uint16(count)))
	if err != nil {
		return err
	}
	for ; len(entries) > 0; entries = entries[12:] {
		if n := int64(t.bytes.Uint32(entries[4:])); t.bytes.Uint16(entries) == tagProfile {
			if _, err := r.Seek(int64(t.bytes.Uint32(entries[8:])), io.SeekStart); err != nil {
				return err
			}
			if c.profile, err = take(r, n); err != nil {
				c.profile = nil
				return err
			}
		}
	}
	return nil
}
