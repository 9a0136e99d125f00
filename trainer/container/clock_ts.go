package container

import (
	"bytes"
	"encoding/binary"
	"time"
)

func (m *mender) stampAll(b []byte, pts, dts, offset int64) {
	putStamp(b[9:], wrap(pts+offset))
	if dts >= 0 {
		putStamp(b[14:], wrap(dts+offset))
	}
}

// offset is what to add to a time of a stream so that it goes on where the stream was; a jump is a new one for all.
func (m *mender) offset(raw int64, f *flow) int64 {
	latest := m.offsets[len(m.offsets)-1]
	defer func() { f.raw = raw }()
	if f.last == 0 {
		f.last = wrap(raw + latest)
		return latest
	}
	if f.raw > tsWrap/4*3 && raw < tsWrap/4 {
		m.wrapped = true
	}
	for i := len(m.offsets) - 1; i >= max(0, len(m.offsets)-2); i-- {
		if d := signed(raw + m.offsets[i] - f.last); d > -tsReturn && d < tsJump {
			if d > 0 {
				f.last, f.step = f.last+d, d
			}
			return m.offsets[i]
		}
	}
	// Behind what has come of all streams, so that none goes back.
	next := f.last
	for _, other := range m.streams {
		if other.last != 0 {
			next = max(next, other.last+max(other.step, 1))
		}
	}
	fresh := wrap(next - raw)
	if len(m.out.Breaks) < 100 {
		by := time.Duration(signed(raw+latest-f.last)) * time.Second / tsClock
		m.out.Breaks = append(m.out.Breaks, Break{time.Duration(next-m.first()) * time.Second / tsClock, by})
	}
	m.offsets = append(m.offsets, fresh)
	f.last = next
	return fresh
}

// pcr sets the clock of a packet.
func (m *mender) pcr(p []byte, pid int) {
	if p[3]&0x20 == 0 || p[4] < 7 || p[5]&0x10 == 0 || pid != m.program.pcr {
		return
	}
	if !m.clock {
		m.clock, m.pcrs = true, stampPCR(p[6:])
	}
	p[5] &^= 0x80 // no break any more
	if m.offsets == nil && m.known != nil {
		m.offsets = []int64{m.known.offsets[0]}
	}
	if m.offsets == nil {
		return
	}
	raw, best := stampPCR(p[6:]), int64(0)
	near := m.first()
	if f := m.streams[int(m.program.video().ID)]; f.last != 0 {
		near = f.last
	}
	distance := int64(1 << 62)
	for _, o := range m.offsets[max(0, len(m.offsets)-2):] {
		if d := signed(raw + o - near); max(d, -d) < distance {
			distance, best = max(d, -d), o
		}
	}
	at := wrap(raw + best)
	if distance > 2*tsClock || at < m.beat {
		// Of a clock that no stream has come with yet, or of one that runs further behind its streams: a later one will do.
		p[5] = 0
		copy(p[6:5+int(p[4])], bytes.Repeat([]byte{0xff}, int(p[4])-1))
		return
	}
	m.beat = at
	putPCR(p[6:], at)
}

func wrap(t int64) int64 { return t & (tsWrap - 1) }

// signed is a difference of times in the nearer direction.
func signed(d int64) int64 {
	d = wrap(d)
	if d >= tsWrap/2 {
		d -= tsWrap
	}
	return d
}

func stamp(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}

func putStamp(b []byte, t int64) {
	b[0] = b[0]&0xf0 | byte(t>>29)&0x0e | 1
	b[1], b[2], b[3], b[4] = byte(t>>22), byte(t>>14)|1, byte(t>>7), byte(t<<1)|1
}

func stampPCR(b []byte) int64 { return int64(binary.BigEndian.Uint32(b))<<1 | int64(b[4]>>7) }

func putPCR(b []byte, t int64) {
	binary.BigEndian.PutUint32(b, uint32(t>>1))
	b[4] = byte(t<<7) | 0x7e | b[4]&1
}
