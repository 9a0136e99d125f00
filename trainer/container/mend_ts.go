package container

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Mended is what Mend found in a transport or program stream, and did about it.
type Mended struct {
	Needed   bool    `json:"needed"`             // it is not as readers expect it; Mend has written another
	Program  int     `json:"program"`            // that was taken
	Programs []int   `json:"programs,omitempty"` // that there are
	Skipped  int     `json:"skipped,omitempty"`  // pictures before the first that can be decoded
	Breaks   []Break `json:"breaks,omitempty"`   // of the clock, at most 100
	Lost     []Track `json:"lost,omitempty"`     // streams that nobody has a name for
	Bytes    int64   `json:"bytes,omitempty"`    // that belong to no packet
}

// Break is where the clock of a stream jumps.
type Break struct {
	At time.Duration `json:"at"` // in the new film, counted from its first picture
	By time.Duration `json:"by"`
}

const (
	tsClock  = 90000 // ticks a second
	tsBegin  = 10 * tsClock
	tsWrap   = 1 << 33
	tsJump   = 5 * tsClock  // forward; a shorter one is a hole, whose length is kept
	tsAhead  = tsClock / 10 // of the clock before what is decoded
	tsReturn = tsClock / 2  // backward, beyond what reordering and muxing explain
)

// Mend writes one programme of a transport stream, or a program stream as one, anew so that any reader understands it: from the first picture on that can be
// decoded, with a clock that neither breaks nor wraps, and with types that readers know. Sound keeps its distance to the pictures.
// wanted is the programme's number, 0 for the first that has pictures. With out "" it only looks. Where nothing is amiss it writes nothing.
// It reads the film twice and holds some packets in memory. The error says that there is no such programme, or what cannot be read.
func Mend(path, out string, wanted int) (*Mended, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := programs(file)
	if disc, notDisc := programOfPS(file); notDisc == nil {
		all, err = []*program{disc}, nil
	}
	if err != nil {
		return nil, err
	}
	found := &Mended{}
	var chosen *program
	for _, g := range all {
		found.Programs = append(found.Programs, g.number)
		if chosen == nil && (g.number == wanted || wanted == 0 && g.video() != nil) {
			chosen = g
		}
	}
	if chosen == nil || chosen.video() == nil {
		return nil, fmt.Errorf("it has no programme %d with pictures, it has %v", wanted, found.Programs)
	}
	found.Program = chosen.number
	first := &mender{program: chosen, out: found}
	if err := first.run(file, nil); err != nil {
		return nil, err
	}
	if at := signed(first.pcrs + first.origin() - first.least); first.clock && at < 0 && at > -tsJump {
		first.least += at
	}
	if !first.started {
		return nil, errors.New("it has no picture from which decoding could begin")
	}
	found.Needed = len(all) > 1 || found.Skipped > 0 || len(found.Breaks) > 0 || first.late || first.early() || first.wrapped || first.retyped()
	if out == "" || !found.Needed {
		return found, nil
	}
	target, err := os.Create(out)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(target, 1<<20)
	second := &mender{program: chosen, out: &Mended{}, known: first}
	err = second.run(file, w)
	return found, errors.Join(err, w.Flush(), target.Close())
}

func (g *program) video() *stream {
	for _, s := range g.streams {
		if s.Kind == "video" {
			return s
		}
	}
	return nil
}

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

func (m *mender) stampAll(b []byte, pts, dts, offset int64) {
	putStamp(b[9:], wrap(pts+offset))
	if dts >= 0 {
		putStamp(b[14:], wrap(dts+offset))
	}
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

// decodable says whether decoding can begin with a picture: it comes with a description of the sequence.
func decodable(data []byte, format string) bool {
	for i := 0; i+4 < len(data); i++ {
		if data[i] != 0 || data[i+1] != 0 || data[i+2] != 1 {
			continue
		}
		b := data[i+3]
		switch format {
		case "H.264":
			if t := b & 0x1f; t == 5 || t == 7 {
				return true
			}
		case "H.265":
			if t := b >> 1 & 0x3f; b&0x80 == 0 && (t >= 16 && t <= 21 || t == 32 || t == 33) {
				return true
			}
		case "MPEG-2":
			if b == 0xb3 {
				return true
			}
		case "MPEG-4":
			if b == 0xb0 || b >= 0x20 && b <= 0x2f {
				return true
			}
		default:
			return true
		}
	}
	return false
}
