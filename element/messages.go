package element

/*
#include <stdlib.h>
#include "adain.h"
*/
import "C"

import (
	"unsafe"

	"adainfilter/model"
)

func logInfo(element *C.GstAdaInFilter, text string) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	C.adain_log_info(element, c)
}

func logWarning(element *C.GstAdaInFilter, text string) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	C.adain_log_warning(element, c)
}

// postStyle tells the application what became of a wanted style: nil means it is in force now.
func postStyle(element *C.GstAdaInFilter, name string, err error) {
	text, ok := "", C.gboolean(1)
	if err != nil {
		text, ok = sentence(err.Error()), 0
	}
	n, t := C.CString(name), C.CString(text)
	defer C.free(unsafe.Pointer(n))
	defer C.free(unsafe.Pointer(t))
	C.adain_post_style(element, n, ok, t)
}

// structure is a style as the property current-statistics shows it; NULL for nil or for statistics of uneven length, which
// are not in force anywhere.
func structure(style *model.Style) *C.GstStructure {
	if style == nil || len(style.Mean) == 0 || len(style.Mean) != len(style.Std) {
		return nil
	}
	network := C.CString(style.Network)
	defer C.free(unsafe.Pointer(network))
	return C.adain_current_to_structure(network, (*C.float)(&style.Mean[0]), (*C.float)(&style.Std[0]), C.guint(len(style.Mean)))
}
