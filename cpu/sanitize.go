//go:build sanitize

package cpu

/*
#cgo CXXFLAGS: -O1 -fsanitize=address,undefined
#cgo LDFLAGS: -fsanitize=address,undefined
*/
import "C"
