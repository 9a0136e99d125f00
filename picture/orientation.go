package picture

// turn turns and mirrors an image of w x h pixels of n samples in rows of stride samples, so that orientation o (EXIF 2.3, tag 0x0112)
// becomes 1. The result has rows close together.
func turn[T uint8 | uint16](from []T, w, h, n, stride, o int) (to []T, width, height int) {
	width, height = w, h
	if o >= 5 {
		width, height = h, w
	}
	to = make([]T, n*width*height)
	// An upright pixel lies in the file at start + x*stepX + y*stepY.
	right, down := n, stride
	lastX, lastY := (w-1)*n, (h-1)*stride
	var start, stepX, stepY int
	switch o {
	case 2:
		start, stepX, stepY = lastX, -right, down
	case 3:
		start, stepX, stepY = lastX+lastY, -right, -down
	case 4:
		start, stepX, stepY = lastY, right, -down
	case 5:
		start, stepX, stepY = 0, down, right
	case 6:
		start, stepX, stepY = lastY, -down, right
	case 7:
		start, stepX, stepY = lastX+lastY, -down, -right
	case 8:
		start, stepX, stepY = lastX, down, -right
	}
	for y := range height {
		line := to[y*width*n:]
		for x := range width {
			at := start + x*stepX + y*stepY
			copy(line[n*x:n*x+n], from[at:at+n])
		}
	}
	return to, width, height
}
