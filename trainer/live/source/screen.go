package source

import (
	"errors"
	"os"
)

// screen is that of Wayland, or else of X11.
func screen() (*Source, error) {
	switch {
	case os.Getenv("WAYLAND_DISPLAY") != "":
		return portalScreen()
	case os.Getenv("DISPLAY") == "":
		return nil, errors.New("source screen: DISPLAY is not set; start adain in a session of X11 or Wayland, or say where one is: DISPLAY=:0 adain live --source screen")
	}
	return &Source{Name: "screen", Title: "screen", line: "ximagesrc name=source use-damage=false"}, nil
}
