package model

import (
	"errors"
	"fmt"

	"adainfilter/model/lut"
)

// Stylization says how one frame is to be stylized. Engine.Stylize reads it during the call only, so one that is kept serves all frames. The
// zero value of the fields after Alpha is the plain method.
type Stylization struct {
	Style Stats
	Alpha float32 // strength, 0 to 1: the features become alpha*AdaIN(x) + (1-alpha)*x

	// Mask divides the frame into two regions with a style each; nil is one region.
	Mask *Mask

	// PreserveColor takes the luminance from the result and the chroma from the frame. In a YUV format the chroma samples are copied. In
	// an RGB format all three samples F of the frame's pixel move by the same D, which keeps Cb and Cr of every matrix exactly:
	//
	//	D = Y'(result) - Y'(frame), Y' by the matrix of ITU-R BT.601 (Conversion.Luminance), in codes of the format,
	//	rounded half up and limited to -min(F) to Max-max(F)
	//
	// where result is R'G'B' clamped to [0,1], or its samples where Smoothing or ProcessingSize make it of samples. The limits are those
	// of the luminance that a colour of this chroma can have.
	PreserveColor bool

	// Smoothing steadies a film: the share, at least 0 and below 1, that the frame before keeps in this one. It acts twice, as smoothing.go
	// says: on the statistics of the content, and on the pixels of the result where those of the frame rest or, with Motion, can be followed.
	Smoothing float32

	// Motion lets the pixels of the frame before follow the content's motion before Smoothing takes them over, as motion.go says. Without
	// it, and where Smoothing is 0, they stay where they are.
	Motion bool

	// ProcessingSize is the short side at which the network runs, as processing.go says; 0, or at least the frame's: the frame's size.
	ProcessingSize int

	// Before and After are look-up tables around the network, nil for none: the network sees what Before makes of the frame's R'G'B', and its
	// result, clamped to [0,1], becomes what After makes of it, clamped again. All else is in the frame's own R'G'B' and samples: the processing
	// size, smoothing, kept colours. Statistics of pictures know no tables.
	Before, After *lut.Table

	// Discontinuity says that this frame does not go on from the one before, as after a seek.
	Discontinuity bool
}

// check reports what does not fit a network of c channels.
func (s *Stylization) check(c int) error {
	if s == nil {
		return errors.New("stylization: there is none")
	}
	if !(s.Alpha >= 0 && s.Alpha <= 1) {
		return fmt.Errorf("alpha is %v, wanted 0 to 1", s.Alpha)
	}
	if !(s.Smoothing >= 0 && s.Smoothing < 1) {
		return fmt.Errorf("smoothing is %v, wanted 0 or more and below 1", s.Smoothing)
	}
	if p := s.ProcessingSize; p != 0 && p < MinSize {
		return fmt.Errorf("processing size is %d, wanted 0 (the frame's) or at least %d", p, MinSize)
	}
	for _, t := range [...]*lut.Table{s.Before, s.After} {
		if err := t.Check(); err != nil {
			return err
		}
	}
	if err := s.Style.Check(c); err != nil {
		return err
	}
	return s.Mask.check(c)
}

// Mask divides frames of any size into two regions. White must not change once an engine has seen it: engines keep what they prepare
// from it, see SameRegions. Second is read anew with each frame.
type Mask struct {
	Width, Height int
	White         []uint8 // (Height,Width), rows close together: 255 is the region of Stylization.Style, 0 that of Second, between them both
	Second        Stats
}

// check reports a mask that cannot be used; nil can.
func (m *Mask) check(c int) error {
	if m == nil {
		return nil
	}
	if m.Width < 1 || m.Height < 1 || m.Width > maxSide || m.Height > maxSide {
		return fmt.Errorf("mask: size %dx%d, wanted sides of 1 to %d", m.Width, m.Height, maxSide)
	}
	if len(m.White) != m.Width*m.Height {
		return fmt.Errorf("mask: %d samples for %dx%d pixels, wanted %d", len(m.White), m.Width, m.Height, m.Width*m.Height)
	}
	if err := m.Second.Check(c); err != nil {
		return fmt.Errorf("mask: second style: %w", err)
	}
	return nil
}

// SameRegions says whether two masks have the same White in memory, so that what was prepared from one serves the other. Two nil are
// the same. Both must be masks that CheckStylize accepts.
func (m *Mask) SameRegions(other *Mask) bool {
	if m == nil || other == nil {
		return m == other
	}
	return m.Width == other.Width && m.Height == other.Height && &m.White[0] == &other.White[0]
}

// Shares computes how much of each pixel of relu4_1 belongs to the first region, for a frame that the network sees as width x height: out is
// (ceil(height/8),ceil(width/8)), 0 to 1, and must have at least that length. The mask is resized to the frame, each pixel taking the
// nearest of the mask, and averaged over the frame's 8x8 pixels that make one of relu4_1, at the right and lower edge those that exist.
//
// With x the features, m this share in the first region and 1-m in the second, the statistics of the content in a region are
//
//	mean = sum(m x)/sum(m), std = sqrt(sum(m (x-mean)^2)/sum(m) + Epsilon)
//
// and the features become alpha*t + (1-alpha)*x, t = m*AdaIN1(x) + (1-m)*AdaIN2(x). A region with sum(m) = 0 has no statistics.
func (m *Mask) Shares(width, height int, out []float32) {
	wide := (width + 7) / 8
	var columns [8]int
	for i := range out[:wide*((height+7)/8)] {
		x0, y0 := i%wide*8, i/wide*8
		w, h := min(8, width-x0), min(8, height-y0)
		for k := range w {
			columns[k] = nearest(x0+k, width, m.Width)
		}
		sum := 0
		for k := range h {
			row := m.White[nearest(y0+k, height, m.Height)*m.Width:]
			for _, x := range columns[:w] {
				sum += int(row[x])
			}
		}
		out[i] = float32(sum) / float32(255*w*h)
	}
}

// nearest is which of n pixels holds the centre of pixel i when they are spread over side pixels.
func nearest(i, side, n int) int { return (2*i + 1) * n / (2 * side) }
