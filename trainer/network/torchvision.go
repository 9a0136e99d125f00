package network

import "adainfilter/trainer/pth"

// torchvision's vgg19 numbers its modules without padding layers and without the colour layer: our index by theirs.
var torchvisionIndex = map[string]string{
	"2": "0", "5": "2", "9": "5", "12": "7", "16": "10", "19": "12", "22": "14", "25": "16", "29": "19",
}

func isTorchvision(f *pth.File) bool { return f.Tensors["features.0.weight"] != nil }

// torchvisionName turns "29.weight" into "features.19.weight".
func torchvisionName(short string) string {
	for i := range short {
		if short[i] == '.' {
			return "features." + torchvisionIndex[short[:i]] + short[i:]
		}
	}
	return short
}

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
