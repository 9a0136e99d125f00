package files

import (
	"fmt"
	"io"

	"adainfilter/picture/archive"
)

// Head is up to 16 bytes of the beginning of a file, which may lie in an archive; a pipe or folder gives an error instead of waiting.
func Head(name string) ([]byte, error) {
	f, info, err := archive.Open(name, 1<<30)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is a folder, a pipe or a device, wanted a file", name)
	}
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return head[:n], err
}
