package cuda

import (
	"errors"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model/lut"
)

// table is a look-up table on the GPU.
type table struct {
	memory
	of   *lut.Table // that is there; nil is none
	args kernels.Lookup
}

// load brings a table to the GPU unless it is there, in place of the one before. The stream must be through with that.
func (t *table) load(of *lut.Table, stream cu.Stream) error {
	if t.of == of {
		return nil
	}
	t.of, t.args = nil, kernels.Lookup{}
	if err := t.free(); err != nil || of == nil {
		return err
	}
	values, err := upload(&t.memory, stream, of.Values)
	// The copy comes from the caller's memory, so it must be over before this call is.
	if err := errors.Join(err, driver.Wrap("cuStreamSynchronize", stream.Synchronize())); err != nil {
		return err
	}
	t.of, t.args = of, kernels.Lookup{Values: address(values), Size: int32(of.Size), Cube: flag(of.Cube), Low: of.Low, Scale: of.Scale()}
	return nil
}
