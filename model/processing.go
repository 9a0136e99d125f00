package model

// What Stylization.ProcessingSize does. The frame is made smaller, plane by plane, the network runs on the small frame in the frame's format and
// gives a small result, and that is brought to the frame's size along the frame's own edges.
//
// Smaller. A row of n samples (of one channel) becomes one of m: sample k of it is the mean of [k*n/m, (k+1)*n/m) of the row, samples at
// the ends counting by the part that lies inside, and columns alike. The weights are whole numbers in units of 1/m sample, whose sum is n on
// either axis, so that
//
//	out = floor((2*sum + nx*ny) / (2*nx*ny)), sum over all samples of weight x * weight y * sample
//
// is exact: every engine gives the same samples. Alpha and padding samples of the small frame are not used.
//
// Larger, after the guided filter (He, Sun & Tang 2010), with its slope limited and smoothed, as strokes would go otherwise that the frame
// knows nothing of. i and q are the luminances of small frame and small result on the scale of 8-bit samples (deeper ones are divided by
// what one code of 8 bits is in them, and P below too), I that of the frame: Y, or KR*R + KG*G + KB*B of Conversion. box is the mean of the 5x5 small pixels around one that exist. For each small pixel
//
//	slope  a = clamp(box((box(i*q) - box(i)*box(q)) / (box(i*i) - box(i)^2 + 65)), -1, 1)
//	offset r = P - a*i, of each channel P of the small result that has luminance: Y, or R, G and B
//
// and for each pixel of the frame the sample is up(a)*I + up(r), brought back to its depth, rounded half up and limited. Chroma samples are up(P). up is
// bilinear: pixel x of n takes (x + 0.5)*m/n - 0.5 of m, limited to 0 to m-1, and of chroma planes their own sides count.

// Size is the size at which the network runs for a frame of width x height: no side is below MinSize if none of the frame's is.
func (s *Stylization) Size(width, height int) (w, h int) {
	p := s.ProcessingSize
	short, long := min(width, height), max(width, height)
	if p == 0 || p >= short {
		return width, height
	}
	w, h = p, (2*p*long+short)/(2*short)
	if width > height {
		w, h = h, w
	}
	return w, h
}
