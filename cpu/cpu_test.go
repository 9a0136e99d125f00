package cpu

import (
	"testing"

	"adainfilter/model/modeltest"
)

func TestConformance(t *testing.T) { modeltest.Run(t, Open, modeltest.Float32) }
