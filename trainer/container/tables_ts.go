package container

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// writeTables writes the tables of a stream that has one programme (2.4.4.3 and 2.4.4.8).
func (m *mender) writeTables() error {
	if m.w == nil {
		return nil
	}
	g := m.program
	pat := []byte{0, 0xb0, 0, 0, 1, 0xc1, 0, 0, byte(g.number >> 8), byte(g.number), 0xe0 | byte(g.pid>>8), byte(g.pid)}
	if err := m.writeSection(0, pat); err != nil {
		return err
	}
	pmt := []byte{2, 0xb0, 0, byte(g.number >> 8), byte(g.number), 0xc1, 0, 0, 0xe0 | byte(g.pcr>>8), byte(g.pcr)}
	pmt = append(pmt, 0xf0|byte(len(g.info)>>8), byte(len(g.info)))
	pmt = append(pmt, g.info...)
	for _, s := range g.streams {
		if !s.known {
			continue
		}
		d := s.descriptors
		typ := s.retype(g)
		if typ != s.typ && len(registration(d)) == 0 {
			d = append(slices.Clone(d), 5, 4, 'D', 'T', 'S', '1')
		}
		pmt = append(pmt, typ, 0xe0|byte(s.ID>>8), byte(s.ID), 0xf0|byte(len(d)>>8), byte(len(d)))
		pmt = append(pmt, d...)
	}
	return m.writeSection(g.pid, pmt)
}

// writeSection writes a table, whose length and checksum it sets, in as many packets as it needs.
func (m *mender) writeSection(pid int, table []byte) error {
	size := len(table) + 4 - 3
	table[1], table[2] = 0xb0|byte(size>>8), byte(size)
	table = binary.BigEndian.AppendUint32(table, crcMPEG(table))
	data := append([]byte{0}, table...)
	for start := byte(0x40); len(data) > 0; start = 0 {
		p := bytes.Repeat([]byte{0xff}, tsPacket)
		copy(p, []byte{0x47, start | byte(pid>>8), byte(pid), 0x10 | byte(m.tables&15)})
		n := copy(p[4:], data)
		data = data[n:]
		if pid != 0 {
			p[3] = 0x10 | byte(m.maps&15)
			m.maps++
		} else {
			m.tables++
		}
		if err := m.write(p); err != nil {
			return err
		}
	}
	return nil
}

// crcMPEG is the checksum of tables (annex A): the polynomial 0x04c11db7, not reflected.
func crcMPEG(data []byte) uint32 {
	crc := uint32(0xffffffff)
	for _, b := range data {
		crc ^= uint32(b) << 24
		for range 8 {
			if crc&0x80000000 != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
