package element

import "time"

// SetClock puts another clock in the place of that which frames are measured with, and gives back what undoes it.
func SetClock(now func() time.Duration) (undo func()) {
	old := monotonic.Swap(&now)
	return func() { monotonic.Store(old) }
}
