package element

/*
#include <stdlib.h>
#include "adain.h"

// GObject tells of them once, when it thaws, so the worker sees all three or none.
static void
set_styles (GObject * o, const char *style, const gdouble * weights, guint n, const char *mask)
{
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  adain_doubles_to_array (weights, n, &array);
  g_object_freeze_notify (o);
  g_object_set (o, "style", style, "mask", mask, NULL);
  g_object_set_property (o, "style-weights", &array);
  g_object_thaw_notify (o);
  g_value_unset (&array);
}
*/
import "C"

import (
	"unsafe"

	"adainfilter/picture/style"
)

// Styles are the properties of an adainfilter that only make sense together.
type Styles struct {
	Names   []string  // built-in names, pictures or style files, at least one
	Weights []float64 // share of each in the mix; empty means equal shares
	Mask    string    // picture file that divides frames between two styles; "" is none
}

// SetStyles changes style, style-weights and mask of an adainfilter (a *GstElement) in one step: no frame sees some of them
// changed and others not. Any thread, any state. As with the properties, the message adain-style says what became of it.
func SetStyles(filter unsafe.Pointer, s Styles) {
	list, mask := C.CString(style.Join(s.Names)), C.CString(s.Mask)
	defer C.free(unsafe.Pointer(list))
	defer C.free(unsafe.Pointer(mask))
	C.set_styles((*C.GObject)(filter), list, (*C.gdouble)(unsafe.SliceData(s.Weights)), C.guint(len(s.Weights)), mask)
}

// GetStyles is what was last asked for, which need not be in force. Any thread, any state.
func GetStyles(filter unsafe.Pointer) Styles {
	s := copySettings((*C.GstAdaInFilter)(filter))
	return Styles{Names: style.Split(s.style), Weights: s.styleWeights, Mask: s.mask}
}
