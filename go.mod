module adainfilter

go 1.24.0

require (
	github.com/go-gst/go-glib v1.4.0
	github.com/go-gst/go-gst v1.4.0
	github.com/urfave/cli/v2 v2.27.7
)
