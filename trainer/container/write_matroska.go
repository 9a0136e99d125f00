package container

import (
	"encoding/binary"
	"math"
	"os"
)

const (
	clusterBytes = 4 << 20 // a cluster is written when it has more
	clusterTicks = 30000   // or lasts longer: a block's time lies within 16 bits of its cluster's
	clusterTime  = 5e9     // or so many nanoseconds
)

// mkvWriter writes the new file.
type mkvWriter struct {
	out     *os.File
	at      int64 // where the next byte goes
	segment int64 // where the content of the segment begins
	scale   int64
	seeks   []element // what the table at the beginning points at: number and place
	cluster []byte
	start   int64 // time of the cluster in ticks
	cues    []byte
	video   uint64
	last    int64 // end of the film so far, in ticks
}

func (w *mkvWriter) block(b block) error {
	ticks := (b.time + w.scale/2) / w.scale
	relative := ticks - w.start
	full := len(w.cluster) > clusterBytes || relative*w.scale > clusterTime || relative > clusterTicks || relative < -clusterTicks
	if w.cluster == nil || full || b.key && b.track == w.video && relative > 0 {
		if err := w.flush(); err != nil {
			return err
		}
		w.start, relative = max(ticks, 0), ticks-max(ticks, 0)
		w.cluster = appendNumber(nil, idTime, uint64(w.start))
	}
	if b.key && b.track == w.video {
		w.cue(ticks)
	}
	w.last = max(w.last, ticks)
	data := appendSize(make([]byte, 0, len(b.data)+8), int64(b.track))
	data = binary.BigEndian.AppendUint16(data, uint16(int16(relative)))
	data = append(data, b.data[b.head-1])
	data = append(data, b.data[b.head:]...)
	if b.id == idSimpleBlock {
		w.cluster = appendElement(w.cluster, idSimpleBlock, data)
		return nil
	}
	w.cluster = appendElement(w.cluster, idGroup, append(appendElement(nil, idBlock, data), b.extra...))
	return nil
}

func (w *mkvWriter) cue(ticks int64) {
	place := appendNumber(nil, idCueTrack, w.video)
	place = appendNumber(place, idCueCluster, uint64(w.at-w.segment))
	point := appendNumber(nil, idCueTime, uint64(max(ticks, 0)))
	w.cues = appendElement(w.cues, idCuePoint, appendElement(point, idCuePositions, place))
}

func (w *mkvWriter) flush() error {
	if w.cluster == nil {
		return nil
	}
	err := w.write(appendElement(nil, idCluster, w.cluster))
	w.cluster = nil
	return err
}

func (w *mkvWriter) write(data []byte) error {
	n, err := w.out.WriteAt(data, w.at)
	w.at += int64(n)
	return err
}

// part writes an element that the table at the beginning points at.
func (w *mkvWriter) part(id uint32, data []byte) error {
	w.seeks = append(w.seeks, element{id, binary.BigEndian.AppendUint64(nil, uint64(w.at-w.segment))})
	return w.write(appendElement(nil, id, data))
}

// seekRoom is enough for the table at the beginning: six entries of 21 bytes.
const seekRoom = 200

// begin writes all that lies before the clusters.
func (w *mkvWriter) begin(c Carriage, film *matroska, old, fresh *entry, wanted map[uint64]bool) error {
	docType := "matroska"
	if c.WebM {
		docType = "webm"
	}
	head := appendNumber(nil, 0x4286, 1) // EBMLVersion
	head = appendNumber(head, 0x42f7, 1) // EBMLReadVersion
	head = appendNumber(head, 0x42f2, 4) // EBMLMaxIDLength
	head = appendNumber(head, 0x42f3, 8) // EBMLMaxSizeLength
	head = appendElement(head, idDocType, []byte(docType))
	head = appendNumber(head, 0x4287, 4) // DocTypeVersion
	head = appendNumber(head, 0x4285, 2) // DocTypeReadVersion
	all := appendWide(appendID(appendElement(nil, idEBML, head), idSegment), 0)
	w.segment = int64(len(all))
	if err := w.write(append(all, void(seekRoom)...)); err != nil {
		return err
	}
	if err := w.part(idInfo, w.information(c, film)); err != nil {
		return err
	}
	if err := w.part(idTracks, film.trackList(old, fresh, wanted)); err != nil {
		return err
	}
	for _, p := range film.parts {
		data := p.data
		switch {
		case p.id == idAttachments && c.WebM, p.id == idChapters && c.Part:
			continue
		case p.id == idTags:
			data = film.tags(data, old, wanted)
		}
		if len(data) == 0 {
			continue
		}
		if err := w.part(p.id, data); err != nil {
			return err
		}
	}
	return nil
}

// void is an element of n bytes that says nothing.
func void(n int) []byte {
	return append(append([]byte{idVoid}, appendWide(nil, int64(n-9))...), make([]byte, n-9)...)
}

// information is the film's title and date, and a length of 0 that finish writes over.
func (w *mkvWriter) information(c Carriage, film *matroska) []byte {
	info := appendElement(nil, idDuration, make([]byte, 8)) // the first, so that finish finds it
	info = appendNumber(info, idScale, uint64(film.scale))
	for _, id := range []uint32{idTitle, idDate} {
		if v := first(film.info, id); v != nil {
			info = appendElement(info, id, v)
		}
	}
	return appendElement(appendElement(info, idMuxing, []byte(c.App)), idWriting, []byte(c.App))
}

// finish writes what is known at the end only: the table of key frames, where everything lies, how long it is.
func (w *mkvWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	if w.cues != nil {
		if err := w.part(idCues, w.cues); err != nil {
			return err
		}
	}
	end := w.at
	var table []byte
	for _, s := range w.seeks {
		entry := appendElement(nil, idSeekID, appendID(nil, s.id))
		entry = appendElement(entry, idSeekPosition, s.data)
		table = appendElement(table, idSeek, entry)
	}
	table = appendElement(nil, idSeekHead, table)
	if len(table)+9 <= seekRoom {
		w.at = w.segment
		if err := w.write(append(table, void(seekRoom-len(table))...)); err != nil {
			return err
		}
	}
	// The length lies behind the heads of Info (5 bytes and more) and of itself.
	info := int64(seekRoom) + w.segment
	var head [12]byte
	if _, err := w.out.ReadAt(head[:], info); err != nil {
		return err
	}
	_, rest, err := readSize(head[4:])
	if err != nil {
		return err
	}
	w.at = info + int64(len(head)-len(rest)) + 3
	if err := w.write(binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(w.last)))); err != nil {
		return err
	}
	w.at = w.segment - 8
	return w.write(appendWide(nil, end-w.segment))
}
