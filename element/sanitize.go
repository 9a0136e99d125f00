//go:build sanitize

package element

/*
#cgo CFLAGS: -fsanitize=address,undefined
#cgo LDFLAGS: -fsanitize=address,undefined
*/
import "C"
