package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// Remote is a film that lies elsewhere. Its methods may be called from any goroutine.
type Remote struct {
	Object
	Display string // its address for people
	Ranges  bool   // parts of it can be read; else it must be copied

	open  func(ctx context.Context, offset, length int64) (io.ReadCloser, error)
	bytes atomic.Int64

	lock   sync.Mutex
	blocks map[int64][]byte
	order  []int64 // of blocks, the oldest first
	last   int64   // block that was read last
	run    int64   // blocks that were read one behind the other
}

func newRemote(display string, o Object, ranges bool, open func(context.Context, int64, int64) (io.ReadCloser, error)) *Remote {
	return &Remote{Object: o, Display: display, Ranges: ranges, open: open, blocks: map[int64][]byte{}, last: -2}
}

// Stamp tells two states of it apart.
func (r *Remote) Stamp() string { return fmt.Sprintf("%d bytes, %s", r.Size, r.Version) }

// Bytes is how many bytes of it have come so far.
func (r *Remote) Bytes() int64 { return r.bytes.Load() }

// Demuxers read pictures and sound in turns that lie near each other: they find both in the same blocks. Who reads on and on gets more
// blocks with one request.
const (
	blockSize  = 1 << 20
	keptBlocks = 24
	maxAhead   = 8
)

// ReadRange gives up to length bytes from an offset on, fewer only at the end, io.EOF behind it. What it returns must not be changed.
func (r *Remote) ReadRange(ctx context.Context, offset int64, length int) ([]byte, error) {
	if offset >= r.Size {
		return nil, io.EOF
	}
	end := min(offset+int64(length), r.Size)
	data := make([]byte, 0, end-offset)
	for at := offset; at < end; {
		b, err := r.block(ctx, at/blockSize)
		if err != nil {
			return nil, err
		}
		part := b[at%blockSize:]
		part = part[:min(int64(len(part)), end-at)]
		data = append(data, part...)
		at += int64(len(part))
	}
	return data, nil
}

// block is one that is there, or is fetched with those that are likely to be wanted next.
func (r *Remote) block(ctx context.Context, n int64) ([]byte, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if b := r.blocks[n]; b != nil {
		return b, nil
	}
	if n == r.last+1 {
		r.run = min(max(2*r.run, 1), maxAhead)
	} else {
		r.run = 1
	}
	begin := n * blockSize
	data, err := r.fetch(ctx, begin, min(r.run*blockSize, r.Size-begin))
	if err != nil {
		return nil, err
	}
	for i := int64(0); i*blockSize < int64(len(data)); i++ {
		r.keep(n+i, data[i*blockSize:min((i+1)*blockSize, int64(len(data)))])
		r.last = n + i
	}
	return r.blocks[n], nil
}

func (r *Remote) keep(n int64, data []byte) {
	if r.blocks[n] == nil {
		r.order = append(r.order, n)
	}
	r.blocks[n] = data
	for len(r.order) > keptBlocks {
		delete(r.blocks, r.order[0])
		r.order = r.order[1:]
	}
}

// fetch reads a part, again where it breaks off.
func (r *Remote) fetch(ctx context.Context, offset, length int64) (data []byte, err error) {
	err = persist(ctx, length, func(ctx context.Context) error {
		body, err := r.open(ctx, offset, length)
		if err != nil {
			return err
		}
		defer body.Close()
		data = make([]byte, length)
		n, err := io.ReadFull(body, data)
		r.bytes.Add(int64(n))
		return err
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", r.Display, err)
	}
	return data, err
}

// Copy writes the whole of it into a new file. What cannot be read in parts is read from its beginning again where it breaks off.
func (r *Remote) Copy(ctx context.Context, path string) error {
	tries := 1
	if !r.Ranges {
		tries = 3
	}
	var err error
	for range tries {
		var file *os.File
		if file, err = os.Create(path); err != nil {
			return err
		}
		if err = errors.Join(r.write(ctx, file), file.Close()); err == nil || ctx.Err() != nil || final(err) {
			break
		}
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

func (r *Remote) write(ctx context.Context, w io.Writer) error {
	if !r.Ranges {
		return r.stream(ctx, w)
	}
	for at := int64(0); at < r.Size; {
		data, err := r.fetch(ctx, at, min(maxAhead*blockSize, r.Size-at))
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		at += int64(len(data))
	}
	return nil
}

// stream reads what cannot be read in parts; what breaks off cannot be taken up again.
func (r *Remote) stream(ctx context.Context, w io.Writer) error {
	body, err := r.open(ctx, 0, r.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Display, err)
	}
	defer body.Close()
	n, err := io.Copy(w, body)
	r.bytes.Add(n)
	switch {
	case err != nil && r.Size >= 0:
		err = fmt.Errorf("%s breaks off after %d of %d bytes: %w", r.Display, n, r.Size, err)
	case err != nil:
		err = fmt.Errorf("%s breaks off after %d bytes: %w", r.Display, n, err)
	}
	return err
}
