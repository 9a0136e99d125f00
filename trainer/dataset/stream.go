package dataset

import (
	"errors"
	"math/rand/v2"
	"sync"
)

// stream is the endless sequence of crops of one folder: all pictures in random order, then all in another order, and so on.
type stream struct {
	f    *Folder
	seed uint64
	kind uint64 // tells contents from styles, whose draws must differ
	side int    // of the crops in pixels

	mu     sync.Mutex
	orders [2]order // of even and odd epochs
	pooled map[uint64][]uint8
}

type order struct {
	epoch    uint64
	pictures []int
}

// crop is number n of the sequence: rows of RGB samples, which must not be changed, and its key, 0 without a pool. In place of a
// broken picture stands the next good one of the folder. Errors: there is none, an AwayError.
func (s *stream) crop(n uint64) (samples []uint8, key uint64, err error) {
	count := s.f.Len()
	epoch := n / uint64(count)
	first := s.order(epoch)[n%uint64(count)]
	for k := range count {
		i := (first + k) % count
		if pool := uint64(s.f.o.Pool); pool > 0 {
			key = epoch%pool*uint64(count) + uint64(i) + 1
			samples, err = s.fixed(i, key)
		} else {
			samples, err = s.take(i, random(s.seed, forCrop, s.kind, n))
		}
		if err == nil || errors.As(err, new(AwayError)) {
			return samples, key, err
		}
	}
	return nil, 0, s.f.unusable()
}

func (s *stream) take(i int, r *rand.Rand) ([]uint8, error) {
	img, err := s.f.load(i)
	if err != nil {
		return nil, err
	}
	return s.f.o.choose(r, img.Width, img.Height, s.side).take(img, s.side), nil
}

// fixed is the crop of picture i that has the key, kept if the folder's cache has room.
func (s *stream) fixed(i int, key uint64) ([]uint8, error) {
	s.mu.Lock()
	samples := s.pooled[key]
	s.mu.Unlock()
	if samples != nil {
		return samples, nil
	}
	samples, err := s.take(i, random(s.seed, forPooledCrop, s.kind, key))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pooled[key] == nil && s.f.reserve(len(samples)) {
		s.pooled[key] = samples
	}
	return samples, nil
}

// order is the permutation of an epoch.
func (s *stream) order(epoch uint64) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.orders[epoch%2]
	if o.pictures == nil || o.epoch != epoch {
		*o = order{epoch, random(s.seed, forOrder, s.kind, epoch).Perm(s.f.Len())}
	}
	return o.pictures
}
