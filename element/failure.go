package element

/*
#include "adain.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"unicode"
	"unicode/utf8"
)

// kind says which of GStreamer's error domains and codes an error belongs to.
type kind C.gint

const (
	failedKind   kind = C.ADAIN_ERROR_FAILED
	initKind     kind = C.ADAIN_ERROR_INIT
	notFoundKind kind = C.ADAIN_ERROR_NOT_FOUND
	openKind     kind = C.ADAIN_ERROR_OPEN
	readKind     kind = C.ADAIN_ERROR_READ
	settingsKind kind = C.ADAIN_ERROR_SETTINGS
	capsKind     kind = C.ADAIN_ERROR_CAPS
	streamKind   kind = C.ADAIN_ERROR_STREAM
)

// failure is an error with its kind.
type failure struct {
	kind kind
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// panicked is a panic that was caught, with the stack where it happened.
type panicked struct {
	value any
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("internal error: %v", p.value) }

// fileFailure is err, met while a file was read, with the kind that fits it. What has a kind already keeps it.
func fileFailure(err error) error {
	var f failure
	switch {
	case errors.As(err, &f):
		return failure{f.kind, err}
	case errors.Is(err, fs.ErrNotExist):
		return failure{notFoundKind, err}
	case errors.Is(err, fs.ErrPermission):
		return failure{openKind, err}
	}
	return failure{readKind, err}
}

// report puts err into e, in memory of malloc: a sentence for users and, for developers, what wraps what and, after a panic,
// the stack.
func report(e *C.AdaInError, err error) C.gboolean {
	e.kind = C.gint(failedKind)
	var f failure
	if errors.As(err, &f) {
		e.kind = C.gint(f.kind)
	}
	cause := chain(err)
	var p panicked
	if errors.As(err, &p) {
		cause += "\n" + string(p.stack)
	}
	e.text = C.CString(sentence(err.Error()))
	e.debug = C.CString(cause)
	return 0
}

// chain lists an error and what it wraps, each with its type.
func chain(err error) string {
	text := ""
	for ; err != nil; err = errors.Unwrap(err) {
		text += fmt.Sprintf("%T: %v\n", err, err)
	}
	return text
}

// sentence starts text with a capital letter and ends it with a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if last := text[len(text)-1]; last != '.' && last != '!' && last != '?' {
		text += "."
	}
	return text
}

// guard turns a panic of the function that defers it into a report; ok must be the function's named result.
func guard(e *C.AdaInError, ok *C.gboolean) {
	if r := recover(); r != nil {
		*ok = report(e, panicked{r, debug.Stack()})
	}
}

// guardElement posts a panic of the function that defers it as an error of the element. Any thread that holds a reference.
func guardElement(element *C.GstAdaInFilter) {
	if r := recover(); r != nil {
		var e C.AdaInError
		report(&e, panicked{r, debug.Stack()})
		C.adain_post_error(element, &e)
	}
}

// guardMaking is guardElement for an element that is being made or freed: nobody may keep it, as a message does, so this is only logged.
func guardMaking(element *C.GstAdaInFilter) {
	if r := recover(); r != nil {
		logWarning(element, panicked{r, nil}.Error())
	}
}
