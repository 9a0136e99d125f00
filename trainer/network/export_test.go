package network

import (
	"bytes"
	"testing"

	"adainfilter/model"
	"adainfilter/model/modeltest"
)

func TestExportFormats(t *testing.T) {
	w := modeltest.RandomWeights(1, modeltest.Widths)
	for format, good := range map[string]bool{"onnx": true, "pth": true, "float16": false, "": false} {
		var out bytes.Buffer
		if err := Export(&out, w, model.Decoder, format); (err == nil) != good || (out.Len() > 0) != good {
			t.Errorf("format %q: %d bytes, error %v", format, out.Len(), err)
		}
	}
}
