package network

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"adainfilter/model"
	"adainfilter/picture/style"
)

// Start reads a network to begin a training with: a built-in one by its name, a weights file, or a decoder as Import knows them, such as decoder.pth, which gets the loss
// network's encoder, for which it was made. Errors: a file that cannot be read or holds something else; they name it.
func Start(path string, loss []model.Conv) (*model.Weights, error) {
	w, err := style.LoadNetwork(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return w, err
	}
	f, openErr := Open(path)
	switch {
	case openErr != nil:
		return nil, openErr
	case f.Own:
		return nil, err
	}
	decoder, err := f.find(model.Decoder)
	if err != nil {
		return nil, fmt.Errorf("%w: wanted a decoder such as decoder.pth, or a weights file", err)
	}
	w, err = model.AssembleWeights(path, "", func(key string) ([]int, []float32, error) {
		i := slices.IndexFunc(loss, func(c model.Conv) bool { return key == c.Key()+".weight" || key == c.Key()+".bias" })
		switch {
		case i < 0:
			return decoder.tensor(key)
		case key == loss[i].Key()+".bias":
			return []int{loss[i].Out}, loss[i].Bias, nil
		}
		c := loss[i]
		return []int{c.Out, c.In, c.Kernel, c.Kernel}, c.Weight, nil
	}, nil)
	if err != nil || f.upsampling == "" {
		return w, err
	}
	return w.WithUpsamplings(f.upsampling)
}
