package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/live"
	"adainfilter/trainer/live/output"
	"adainfilter/trainer/live/source"
)

func liveCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "source", Value: "webcam", Usage: "`SOURCE` of the picture: " + source.Kinds},
		&cli.StringSliceFlag{Name: "output", Usage: "`WHERE` else the picture goes; may be repeated: " + output.Kinds},
		&cli.StringFlag{Name: "sound", Value: source.SourceSound, Usage: "`SOUND` that goes along to outputs: " + source.Sounds},
		&cli.IntFlag{Name: "bitrate", Usage: "of the picture as H.264, in `KBIT/S`; 0 is by height"},
		&cli.IntFlag{Name: "height", Value: 360, Usage: "scale frames to this height in `PIXELS` before the network sees them"},
		&cli.BoolFlag{Name: "window", Usage: "show a window too; its arrow keys change strength and style"},
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8080", Usage: "`ADDRESS` of the page; empty is none, port 0 any free one"},
		&cli.StringFlag{Name: "token", EnvVars: []string{"ADAIN_TOKEN"},
			Usage: "`SECRET` that the page asks for, needed where --listen is not the loopback; other users see options, but not the variable"},
		jsonFlag("the page's address"),
		&cli.StringSliceFlag{Name: "host", Usage: "`NAME` under which the page may be opened, besides localhost and addresses in figures; may be repeated"},
	}
	return &cli.Command{
		Name:  "live",
		Usage: "stylise a camera, a screen or a film while it plays, with controls on a web page",
		Description: "The page shows the picture, and changes style and strength while it runs; the same can be done by programs over HTTP. It ends\n" +
			"with Ctrl-C. Films begin anew at their end. Unless --processing-size is given, the network works at the largest size that keeps up with\n" +
			"the frames on this machine (-1).\n\n" +
			"Examples:\n" +
			"  adain live\n" +
			"  adain live --source film.mp4 --style woodcut --height 270\n" +
			"  adain live --source screen --window --listen \"\"\n" +
			"  ADAIN_TOKEN=$(openssl rand -hex 16) adain live --source rtsp://camera/stream --listen 0.0.0.0:8080",
		Flags:        slices.Concat(flags, propertyFlags()),
		OnUsageError: usageError,
		Action:       runLive,
	}
}

func runLive(c *cli.Context) error {
	if err := noFiles(c); err != nil {
		return err
	}
	if h := c.Int("height"); h < model.MinSize || h > 4320 {
		return fmt.Errorf("--height is %d, wanted %d to 4320", h, model.MinSize)
	}
	if b := c.Int("bitrate"); b < 0 || b > 100000 {
		return fmt.Errorf("--bitrate is %d, wanted 0 to 100000", b)
	}
	properties, err := readProperties(c)
	if err != nil {
		return err
	}
	if !c.IsSet("processing-size") {
		properties.add("processing-size", autoSize)
	}
	if err := registerFilter(); err != nil {
		return err
	}
	w, err := style.LoadNetwork(c.String("weights"))
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("the program does not find itself, which decodes uploads: %w", err)
	}
	return live.Run(c.Context, live.Config{
		Decoder: []string{program, live.DecodeCommand},
		Source:  c.String("source"), Sound: c.String("sound"), Height: c.Int("height"), Window: c.Bool("window"),
		Outputs: c.StringSlice("output"), Bitrate: c.Int("bitrate"),
		Listen: c.String("listen"), Token: c.String("token"), Hosts: c.StringSlice("host"),
		Prepare: properties.set,
		Engine:  func() (model.Engine, error) { return thumbnailEngine(c) },
		Styles:  style.Names(w),
		JSON:    c.Bool("json"),
		Out:     c.App.Writer, Err: c.App.ErrWriter,
	})
}

// thumbnailEngine has one thread: the others belong to the frames.
func thumbnailEngine(c *cli.Context) (model.Engine, error) {
	w, err := style.LoadNetwork(c.String("weights"))
	if err != nil {
		return nil, err
	}
	o, err := engineOptions(c)
	if err != nil {
		return nil, err
	}
	o.Threads = 1
	return engines.Open(w, o)
}
