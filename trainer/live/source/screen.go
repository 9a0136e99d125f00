package source

import (
	"errors"
	"os"
)

// screen is that of X11.
func screen() (*Source, error) {
	if os.Getenv("DISPLAY") == "" {
		return nil, errors.New("source screen: DISPLAY is not set; wanted a running X11 display")
	}
	return &Source{Name: "screen", Title: "screen", line: "ximagesrc name=source use-damage=false"}, nil
}
