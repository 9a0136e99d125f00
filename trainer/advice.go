package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"adainfilter/model"
	"adainfilter/picture"
)

// sentence is an error for people: without the names of system calls, and with what can be done about it.
func sentence(err error) string {
	text := err.Error()
	var path *fs.PathError
	if errors.As(err, &path) {
		text = strings.ReplaceAll(text, path.Error(), fmt.Sprintf("%q: %v", path.Path, path.Err))
	}
	var network *net.OpError
	var number syscall.Errno
	if errors.As(err, &network) && errors.As(err, &number) {
		text = strings.ReplaceAll(text, network.Error(), number.Error())
	}
	if help := advice(err); help != "" {
		text += "; " + help
	}
	return text
}

// advice is what a user can do about an error that says only what is wrong, "" where the error says it itself.
func advice(err error) string {
	var path *fs.PathError
	var folder model.FolderError
	var other picture.NotPicture
	switch {
	case strings.Contains(err.Error(), "; "): // as the house's own sentences end
		return ""
	case errors.As(err, &other) && other.Found == "a film":
		return "films are for adain transcode, and where a picture is wanted a still of one will do"
	case errors.As(err, &other):
		return "adain inspect FILE says what a file holds"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there, perhaps adain live: take another port, or --listen 127.0.0.1:0 for any that is free"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on that disk or name another place"
	case errors.Is(err, syscall.EROFS):
		return "nothing can be written there: name another place"
	case errors.As(err, &folder) && errors.Is(err, fs.ErrNotExist):
		return "make the folder first (mkdir -p) or name another"
	case errors.As(err, &folder):
		return "name a folder that is yours"
	case errors.As(err, &path) && path.Op == "mkdir":
		return "no folder can be made there: name another place"
	case errors.Is(err, fs.ErrPermission):
		return "it is another user's: look at it with ls -l, and name what is yours"
	case errors.Is(err, fs.ErrNotExist):
		return "look at how the name is written; a name that does not begin with / counts from the folder in which the command is given"
	}
	return ""
}
