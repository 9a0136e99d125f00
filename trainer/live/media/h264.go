package media

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"regexp"
)

// Units are the NAL units of a packet of H.264 in stream-format avc: each behind its length in four bytes. They are slices of its data.
func Units(p Packet) (units [][]byte, err error) {
	for data := p.Data; len(data) > 0; {
		if len(data) < 4 {
			return nil, errUnits
		}
		n := uint64(binary.BigEndian.Uint32(data))
		if n > uint64(len(data)-4) {
			return nil, errUnits
		}
		units, data = append(units, data[4:4+n]), data[4+n:]
	}
	return units, nil
}

var (
	errUnits      = errors.New("a coded picture has units that reach beyond it")
	errParameters = errors.New("the coded picture does not say how it was coded")
	codecData     = regexp.MustCompile(`codec_data=\(buffer\)([0-9a-fA-F]+)`)
)

// Parameters are the parameter sets in caps of H.264 (ISO/IEC 14496-15, 5.3.3.1), the first of each kind.
func Parameters(caps string) (sps, pps []byte, err error) {
	found := codecData.FindStringSubmatch(caps)
	if found == nil {
		return nil, nil, errParameters
	}
	data, err := hex.DecodeString(found[1])
	if err != nil || len(data) < 6 {
		return nil, nil, errParameters
	}
	data = data[5:] // version, profile, compatibility, level, size of lengths
	for i := range [2]int{} {
		if len(data) < 3 || data[0]&0x1f == 0 {
			return nil, nil, errParameters
		}
		count, n := int(data[0]&0x1f), int(binary.BigEndian.Uint16(data[1:]))
		if len(data) < 3+n {
			return nil, nil, errParameters
		}
		if i == 0 {
			sps = data[3 : 3+n]
		} else {
			pps = data[3 : 3+n]
			break
		}
		for data = data[1:]; count > 0; count-- {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, nil, errParameters
			}
			data = data[2+int(binary.BigEndian.Uint16(data)):]
		}
	}
	return sps, pps, nil
}
