package transcode

import (
	"math"
	"testing"
)

func TestSmooth(t *testing.T) {
	for _, n := range []int{0, 1, hearSmooth - 1, hearSmooth, hearSmooth + 1, 100} {
		row, want := make([]uint16, n), make([]float64, n)
		for i := range row {
			row[i] = uint16((i*i+3)%17) * 4000
		}
		for i := range want {
			for k := max(0, i-hearSmooth+1); k <= i; k++ {
				want[i] += float64(row[k]) / hearSmooth
			}
		}
		smooth(row)
		for i := range row {
			if math.Abs(float64(row[i])-want[i]) > 0.5001 {
				t.Fatalf("%d windows: mean %d is %v, wanted %v", n, i, row[i], want[i])
			}
		}
	}
}
