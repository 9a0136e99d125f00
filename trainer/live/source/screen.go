package source

import (
	"errors"
	"os"
)

// screen is that of X11.
func screen() (*Source, error) {
	if os.Getenv("DISPLAY") == "" {
		return nil, errors.New("source screen: DISPLAY is not set; start adain in a session of X11, or say where one is: DISPLAY=:0 adain live --source screen")
	}
	return &Source{Name: "screen", Title: "screen", line: "ximagesrc name=source use-damage=false"}, nil
}
