// The plugin libgstadainfilter.so, built with -buildmode=c-shared: the element and the engines it may use.
package main

/*
#cgo pkg-config: gstreamer-1.0
#include <gst/gst.h>
*/
import "C"

import (
	"unsafe"

	"adainfilter/cpu"
	"adainfilter/cuda"
	"adainfilter/element"
	"adainfilter/model"
)

// goAdaInPluginInit is called once, when GStreamer loads the plugin.
//
//export goAdaInPluginInit
func goAdaInPluginInit(plugin *C.GstPlugin) (ok C.gboolean) {
	defer func() {
		if recover() != nil {
			ok = 0
		}
	}()
	if element.Register(unsafe.Pointer(plugin), model.Engines{model.CPU: cpu.Open, model.CUDA: cuda.Open}) {
		return 1
	}
	return 0
}

func main() {}
