package transcode

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSegmentFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.segment")
	want := []packet{{time: 80, key: true, data: []byte("first")}, {time: 0, data: []byte("2")}, {time: 40, data: bytes.Repeat([]byte{7}, 50), alpha: []byte("opaque")}}
	w, err := createSegment(path)
	if err != nil {
		t.Fatal(err)
	}
	w.head(segmentHead{Caps: "video/x-test"})
	for _, p := range want {
		if err := w.packet(p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file has its name before it is finished")
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	read := func(path string) (all []packet, err error) {
		r, err := openSegment(path)
		if err != nil {
			return nil, err
		}
		defer r.close()
		for {
			p, err := r.next()
			if err == io.EOF {
				return all, nil
			}
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	got, err := read(path)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	for i := range got {
		if got[i].time != want[i].time || got[i].key != want[i].key || !bytes.Equal(got[i].data, want[i].data) || !bytes.Equal(got[i].alpha, want[i].alpha) {
			t.Errorf("packet %d is %+v", i, got[i])
		}
	}
	data, _ := os.ReadFile(path)
	for i := range data {
		changed := slices.Clone(data)
		changed[i] ^= 0x55
		os.WriteFile(path, changed, 0o600)
		if _, err := read(path); err == nil {
			t.Errorf("a change of byte %d of %d is not found", i, len(data))
		}
		os.WriteFile(path, data[:i], 0o600)
		if _, err := read(path); err == nil {
			t.Errorf("an end behind %d of %d bytes is not found", i, len(data))
		}
	}
}
