package inspect

import (
	"math"
	"testing"

	"adainfilter/trainer/network"
)

// Shapes are what a file says; their product may be more than 64 bits count.
func TestParameters(t *testing.T) {
	large := network.Tensor{Shape: []int{math.MaxInt32, math.MaxInt32, 8}}
	for _, c := range []struct {
		tensors []network.Tensor
		want    string
	}{
		{nil, "0"}, {[]network.Tensor{{Shape: []int{2, 3}}, {Shape: nil}}, "7"}, {[]network.Tensor{large, {Shape: []int{3, 0}}}, "36893488113059364872"},
	} {
		if got := parameters(c.tensors); got != c.want {
			t.Errorf("there are %s parameters, wanted %s", got, c.want)
		}
	}
}
