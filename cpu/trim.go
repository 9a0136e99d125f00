package cpu

// #include <malloc.h>
import "C"

// Trim gives the system back what the allocator of C keeps for threads that are gone: each keeps its own, which grows with every pipeline of
// GStreamer's that comes and goes. Any thread may call it; it takes milliseconds.
func Trim() { C.malloc_trim(0) }
