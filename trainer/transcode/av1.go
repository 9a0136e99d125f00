package transcode

import "encoding/binary"

// The colours of AV1 stand in the sequence header (AV1 Bitstream & Decoding Process Specification, 5.5), whose fields before them have lengths that
// depend on each other. GStreamer's encoders leave the description out; it has 24 bits, so all that follows stays in its place within a byte.

// bits reads fields of a header.
type bits struct {
	data []byte
	at   int
	over bool // more was read than is there
}

func (b *bits) read(n int) (v int) {
	for range n {
		v <<= 1
		if b.at >= 8*len(b.data) {
			b.over = true
			return 0
		}
		v |= int(b.data[b.at/8]>>(7-b.at%8)) & 1
		b.at++
	}
	return v
}

func (b *bits) flag() bool { return b.read(1) == 1 }

// uvlc passes over a number of a variable length (4.10.3).
func (b *bits) uvlc() {
	zeros := 0
	for !b.flag() && !b.over {
		zeros++
	}
	b.read(min(zeros, 32))
}

// colourPlace is the bit of a sequence header that says whether colours are described, -1 for a header that cannot be read.
func colourPlace(header []byte) int {
	b := &bits{data: header}
	profile := b.read(3)
	b.read(1)
	reduced := b.flag()
	if reduced {
		b.read(5)
	} else {
		b.operatingPoints()
	}
	width, height := b.read(4)+1, b.read(4)+1
	b.read(width + height)
	if !reduced && b.flag() {
		b.read(4 + 3)
	}
	b.read(3)
	if !reduced {
		b.tools()
	}
	b.read(3)
	if deep := b.flag(); profile == 2 && deep {
		b.read(1)
	}
	if profile != 1 {
		b.read(1)
	}
	if b.over {
		return -1
	}
	return b.at
}

// operatingPoints passes over what says how fast a decoder must be.
func (b *bits) operatingPoints() {
	delay, model := 0, false
	if b.flag() { // timing_info
		b.read(64)
		if b.flag() {
			b.uvlc()
		}
		if model = b.flag(); model {
			delay = b.read(5) + 1
			b.read(32 + 5 + 5)
		}
	}
	display := b.flag()
	for range b.read(5) + 1 {
		b.read(12)
		if b.read(5) > 7 {
			b.read(1)
		}
		if model && b.flag() {
			b.read(2*delay + 1)
		}
		if display && b.flag() {
			b.read(4)
		}
	}
}

// tools passes over what the encoder may use.
func (b *bits) tools() {
	b.read(4)
	order := b.flag()
	if order {
		b.read(2)
	}
	screen := 2
	if !b.flag() {
		screen = b.read(1)
	}
	if screen > 0 && !b.flag() {
		b.read(1)
	}
	if order {
		b.read(3)
	}
}

// describeAV1 is a sequence header with colours; one that has some, or cannot be read, stays as it is.
func (c colour) describeAV1(header []byte) []byte {
	place := colourPlace(header)
	if place < 0 || place+1 >= 8*len(header) || header[place/8]>>(7-place%8)&1 == 1 {
		return header
	}
	orUnknown := func(n byte) byte {
		if n == 0 {
			return 2
		}
		return n
	}
	out := make([]byte, len(header)+3)
	put := func(i int, v byte) { out[i/8] |= v << (7 - i%8) }
	bit := func(i int) byte { return header[i/8] >> (7 - i%8) & 1 }
	for i := range place {
		put(i, bit(i))
	}
	put(place, 1)
	for k, n := range []byte{orUnknown(iso.primaries[c[3]]), orUnknown(iso.transfer[c[2]]), orUnknown(iso.matrix[c[1]])} {
		for i := range 8 {
			put(place+1+8*k+i, n>>(7-i)&1)
		}
	}
	for i := place + 1; i < 8*len(header); i++ {
		put(i+24, bit(i))
	}
	if c[0] == rangeFull {
		out[(place+25)/8] |= 1 << (7 - (place+25)%8)
	}
	return out
}

// markAV1 gives colours to the sequence headers of a temporal unit, whose units say their sizes. What cannot be read stays as it is.
func (c colour) markAV1(unit []byte) []byte {
	const sequence, withExtension, withSize = 1, 4, 2
	var out []byte
	for rest := unit; len(rest) > 0; {
		head := 1
		if rest[0]&withExtension != 0 {
			head = 2
		}
		if rest[0]&withSize == 0 || len(rest) < head+1 {
			return unit
		}
		size, n := binary.Uvarint(rest[head:])
		if n <= 0 || size > uint64(len(rest)-head-n) {
			return unit
		}
		payload := rest[head+n:][:size]
		if rest[0]>>3&15 == sequence {
			payload = c.describeAV1(payload)
		}
		out = append(out, rest[:head]...)
		out = append(binary.AppendUvarint(out, uint64(len(payload))), payload...)
		rest = rest[head+n+int(size):]
	}
	return out
}
