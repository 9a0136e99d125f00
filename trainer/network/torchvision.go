package network

// imageNetColour is the colour layer that does what torchvision asks of its users: (x - mean)/std, RGB.
func imageNetColour(key string) (shape []int, v []float32, ok bool) {
	mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	switch key {
	case "encoder.0.weight":
		v = make([]float32, 9)
		for c := range 3 {
			v[4*c] = float32(1 / std[c])
		}
		return []int{3, 3, 1, 1}, v, true
	case "encoder.0.bias":
		for c := range 3 {
			v = append(v, float32(-mean[c]/std[c]))
		}
		return []int{3}, v, true
	}
	return nil, nil, false
}
