package container

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
)

// packets are those of a transport stream, one by one; missed is how many bytes belonged to none.
type packets interface {
	next() ([]byte, error)
	missed() int
}

// mender goes through a stream once.
type mender struct {
	program *program
	out     *Mended
	known   *mender // what the first time has found
	w       io.Writer
	streams map[int]*flow
	offsets []int64 // what has been added to times, the latest last
	held    [][]byte
	started bool    // the first picture has come
	video   int64   // new time of the first picture
	least   int64   // of all new times
	clock   bool    // a PCR has come
	pcrs    int64   // the first, in the clock of the file
	beat    int64   // the last that was written
	late    bool    // something lay before the first PCR
	before  []int64 // the earliest time, of the file, of what came before the first picture; empty if nothing has
	wrapped bool
	tables  int // packets of tables, for their counters
	maps    int
}

// flow is one stream of the programme on its way.
type flow struct {
	*stream
	open bool  // a PES packet that is wanted goes on
	last int64 // new time of the last, 0 for none
	seen bool
	raw  int64
	step int64 // between the last two
}

// retyped says whether a stream is known under another type only, or not at all.
func (m *mender) retyped() bool {
	again := false
	for _, f := range m.streams {
		if f.seen && !f.known {
			m.out.Lost = append(m.out.Lost, f.Track)
		}
		again = again || f.seen && f.retype(m.program) != f.typ
	}
	slices.SortFunc(m.out.Lost, func(a, b Track) int { return int(a.ID) - int(b.ID) })
	return again
}

// retype is the type that readers know a stream by: DTS outside Blu-ray has one of its own that they take for something else.
func (s *stream) retype(g *program) byte {
	if s.Format == "DTS" && registration(g.info) != "HDMV" {
		return 0x06
	}
	return s.typ
}

func (m *mender) run(file *os.File, w io.Writer) error {
	var r packets
	r, err := newTSReader(file)
	if m.program.pid == psTable && m.program.pcr == psClock {
		r, err = newPSReader(file)
	}
	if err != nil {
		return err
	}
	m.w, m.least, m.streams = w, 1<<62, map[int]*flow{}
	for _, s := range m.program.streams {
		m.streams[int(s.ID)] = &flow{stream: s}
	}
	if m.known != nil {
		if err := m.begin(); err != nil {
			return err
		}
	}
	for {
		p, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if err := m.packet(p); err != nil {
			return err
		}
	}
	m.out.Bytes = int64(r.missed())
	return m.release(false)
}

// begin writes the tables and a clock, before which readers understand nothing.
func (m *mender) begin() error {
	if err := m.writeTables(); err != nil {
		return err
	}
	return m.writeClock(m.known.least - tsAhead)
}

// writeClock writes a packet with nothing but the clock.
func (m *mender) writeClock(at int64) error {
	m.beat = max(0, at)
	p := bytes.Repeat([]byte{0xff}, tsPacket)
	copy(p, []byte{0x47, byte(m.program.pcr >> 8), byte(m.program.pcr), 0x20, tsPacket - 5, 0x10})
	putPCR(p[6:], m.beat)
	return m.write(p)
}

func (m *mender) write(p []byte) error {
	if m.w == nil {
		return nil
	}
	_, err := m.w.Write(p)
	return err
}

// packet takes the next packet of the file.
func (m *mender) packet(p []byte) error {
	pid := packetPID(p)
	if p[1]&0x80 != 0 {
		return nil // its sender says that it is damaged
	}
	m.pcr(p, pid)
	f := m.streams[pid]
	switch {
	case pid == 0:
		return m.writeTables()
	case f == nil && pid == m.program.pcr:
		return m.write(p)
	case f == nil || p[3]&0x10 == 0 && (pid != m.program.pcr || !m.started):
		return nil
	}
	f.seen = true
	if !f.known {
		return nil
	}
	if p[1]&0x40 != 0 {
		if err := m.pes(p, f); err != nil {
			return err
		}
	}
	switch {
	case f.Kind == "video" && !m.started && f.stream == m.program.video():
		if m.held = append(m.held, p); len(m.held) > 20000 {
			m.held = m.held[:1] // no picture has 4 MB
		}
		return nil
	case !f.open:
		return nil
	}
	return m.write(p)
}

// pes looks at the head of a PES packet and sets its times.
func (m *mender) pes(p []byte, f *flow) error {
	main := f.stream == m.program.video()
	if main && !m.started {
		if err := m.release(true); err != nil {
			return err
		}
	}
	f.open = m.started || m.known != nil
	b := payload(p)
	if len(b) < 14 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]&0xc0 != 0x80 || b[7]&0x80 == 0 {
		return nil
	}
	pts, dts := stamp(b[9:]), int64(-1)
	if b[7]&0x40 != 0 && len(b) >= 19 {
		dts = stamp(b[14:])
	}
	order := pts
	if dts >= 0 {
		order = dts
	}
	if main && !m.started {
		return nil // release sets the times of the first picture
	}
	if m.offsets == nil {
		if m.known == nil {
			m.late = m.late || !main && !m.clock
			if len(m.before) == 0 || signed(order-m.before[0]) < 0 {
				m.before = []int64{order}
			}
			return nil
		}
		m.offsets = []int64{m.known.offsets[0]}
	}
	offset := m.offset(order, f)
	m.stampAll(b, pts, dts, offset)
	at := wrap(pts + offset)
	// Sound long before the first picture belongs to pictures that are gone.
	if skipped := m.skipped(); skipped > 0 && at < m.first()-tsClock/10 && !main {
		f.open = false
		return nil
	}
	m.least = min(m.least, at)
	// Readers take a clock that stands still for half a second for one that has been broken.
	if m.known != nil && !m.clock && at-tsAhead > m.beat+tsClock/25 {
		return m.writeClock(at - tsAhead)
	}
	return nil
}

// origin is what was added to the first times, 0 before there are any.
func (m *mender) origin() int64 {
	if m.offsets == nil {
		return 0
	}
	return m.offsets[0]
}

// early says whether sound comes so long before the first picture that readers of program streams throw it away.
func (m *mender) early() bool {
	return m.program.pcr == psClock && m.least < m.video-tsClock/20
}

func (m *mender) skipped() int {
	if m.known != nil {
		return m.known.out.Skipped
	}
	return m.out.Skipped
}

func (m *mender) first() int64 {
	if m.known != nil {
		return m.known.video
	}
	return m.video
}

// release writes the picture that was held, if decoding can begin with it. more says that another begins.
func (m *mender) release(more bool) error {
	held := m.held
	m.held = nil
	if m.started || len(held) == 0 {
		return nil
	}
	if held[0][1]&0x40 == 0 {
		return nil // the rest of a picture whose beginning is not there
	}
	var data []byte
	for _, p := range held {
		if data = append(data, payload(p)...); len(data) > 8<<10 {
			break
		}
	}
	b := payload(held[0])
	if len(b) < 14 || b[7]&0x80 == 0 || !decodable(data, m.program.video().Format) {
		m.out.Skipped++
		return nil
	}
	pts, dts := stamp(b[9:]), int64(-1)
	order := pts
	if b[7]&0x40 != 0 && len(b) >= 19 {
		dts = stamp(b[14:])
		order = dts
	}
	m.started = true
	if m.offsets == nil {
		m.offsets = []int64{tsBegin - order}
	}
	f := m.streams[int(m.program.video().ID)]
	f.last, f.raw, f.open = wrap(order+m.offsets[0]), order, true
	m.video = wrap(pts + m.offsets[0])
	m.least = min(m.least, m.video)
	for _, raw := range m.before {
		if m.out.Skipped == 0 { // else it goes with the pictures that are gone
			m.least = min(m.least, max(0, m.video+signed(raw-pts)))
		}
	}
	m.before = nil
	m.late = m.late || !m.clock
	m.stampAll(b, pts, dts, m.offsets[0])
	for _, p := range held {
		if err := m.write(p); err != nil {
			return err
		}
	}
	return nil
}
