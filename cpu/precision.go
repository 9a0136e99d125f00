package cpu

// #include "engine.h"
import "C"

import (
	"fmt"
	"strconv"

	"adainfilter/model"
)

// HalfPSNR is the metadata key under which a weights file says how close bfloat16 comes to float32: PSNR in dB of the
// stylised pictures, measured on photographs.
const HalfPSNR = "bfloat16_psnr_db"

// leastPSNR is the closeness in dB from which on AutoPrecision takes bfloat16.
const leastPSNR = 45

// chooseHalf decides between float32 and bfloat16.
func chooseHalf(w *model.Weights, p model.Precision) (bool, error) {
	native := C.adain_cpu_has_bfloat16() != 0
	switch p {
	case model.Float32:
		return false, nil
	case model.Half:
		if !native && !emulateHalf {
			return false, fmt.Errorf("cpu: precision %q wants a processor with bfloat16 instructions (AVX512_BF16 or AMX), this one has none; use %q or %q", p, model.AutoPrecision, model.Float32)
		}
		return true, nil
	case model.AutoPrecision, "":
		db, err := strconv.ParseFloat(w.Metadata[HalfPSNR], 64)
		return native && err == nil && db >= leastPSNR, nil
	}
	return false, fmt.Errorf("cpu: precision %q, wanted %q, %q or %q", p, model.AutoPrecision, model.Float32, model.Half)
}
