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

// chooseHalf decides between float32 and bfloat16 and says why, for Describe.
func chooseHalf(w *model.Weights, p model.Precision) (half bool, why string, err error) {
	native := hasBFloat16()
	switch p {
	case model.Float32:
		return false, "float32", nil
	case model.Half:
		if !native && !emulateHalf {
			return false, "", errNoBFloat16(p)
		}
		return true, "bfloat16", nil
	case model.AutoPrecision, "":
		if !native {
			return false, "float32 (no bfloat16 instructions)", nil
		}
		db, err := strconv.ParseFloat(w.Metadata[HalfPSNR], 64)
		if err != nil {
			return false, "float32 (the weights do not say how close bfloat16 comes)", nil
		}
		if !(db >= leastPSNR) {
			return false, fmt.Sprintf("float32 (bfloat16 comes to %g dB only)", db), nil
		}
		return true, fmt.Sprintf("bfloat16 (within %g dB of float32)", db), nil
	}
	return false, "", errPrecision(p)
}

// chooseHalfTraining decides whether a training multiplies bfloat16 and says so, for Describe. Sums, parameters and moments are float32 then
// too, and AutoPrecision takes it wherever the processor has it.
func chooseHalfTraining(p model.Precision, native bool) (half bool, why string, err error) {
	switch p {
	case model.Float32:
		return false, "float32", nil
	case model.Half:
		if !native {
			return false, "", errNoBFloat16(p)
		}
		return true, "bfloat16 with float32 sums", nil
	case model.AutoPrecision, "":
		if !native {
			return false, "float32 (no bfloat16 instructions)", nil
		}
		return true, "bfloat16 with float32 sums", nil
	}
	return false, "", errPrecision(p)
}

func errNoBFloat16(p model.Precision) error {
	return fmt.Errorf("cpu: precision %q wants a processor with bfloat16 instructions (AVX512_BF16 or AMX), this one has none; use %q or %q", p, model.AutoPrecision, model.Float32)
}

func errPrecision(p model.Precision) error {
	return fmt.Errorf("cpu: precision %q, wanted %q, %q or %q", p, model.AutoPrecision, model.Float32, model.Half)
}

// hasBFloat16 says whether processor and oneDNN multiply bfloat16 natively.
func hasBFloat16() bool { return C.adain_cpu_has_bfloat16() != 0 }
