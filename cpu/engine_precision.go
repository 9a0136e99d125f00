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

// number is what layers multiply.
type number int

const (
	single   number = C.ADAIN_FLOAT32
	bfloat16 number = C.ADAIN_BFLOAT16
	integer  number = C.ADAIN_INT8
)

// chooseNumber decides what the layers of frames multiply and says why, for Describe.
func chooseNumber(w *model.Weights, p model.Precision) (n number, why string, err error) {
	if p == model.Int8 {
		if w.Int8 == nil {
			return single, "", fmt.Errorf("cpu: precision %q wants weights that were calibrated for it, network %q was not: `adain quantize --content FOLDER --style FOLDER WEIGHTS OUT` does it", p, w.Network)
		}
		if hasBFloat16() {
			return integer, "int8 and bfloat16", nil
		}
		return integer, "int8 and float32", nil
	}
	half, why, err := chooseHalf(w, p)
	if half {
		return bfloat16, why, err
	}
	return single, why, err
}

// calibrated marks the layers that multiply bytes, adds their shifts to the parameters and gives their steps in turn.
func calibrated(w *model.Weights, shapes []C.adain_cpu_layer, parameters []float32) (steps []float32) {
	bias := 0
	for i, l := range w.Folded() {
		bias += len(l.Weight)
		if own, ok := w.Int8[l.Name]; ok {
			shapes[i].bytes = 1
			steps = append(steps, own.Steps...)
			for o := range l.Bias { // with phases there are four of each output
				parameters[bias+o] += own.Shift[o%len(own.Shift)]
			}
		}
		bias += len(l.Bias)
	}
	return steps
}

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
	return false, "", fmt.Errorf("cpu: precision %q, wanted %q, %q or %q", p, model.AutoPrecision, model.Float32, model.Half)
}

func errNoBFloat16(p model.Precision) error {
	return fmt.Errorf("cpu: precision %q wants a processor with bfloat16 instructions (AVX512_BF16 or AMX), this one has none; use %q or %q", p, model.AutoPrecision, model.Float32)
}

func errPrecision(p model.Precision) error {
	return fmt.Errorf("cpu: precision %q, wanted %q, %q, %q or %q", p, model.AutoPrecision, model.Float32, model.Half, model.Int8)
}

// hasBFloat16 says whether processor and oneDNN multiply bfloat16 natively.
func hasBFloat16() bool { return C.adain_cpu_has_bfloat16() != 0 }
