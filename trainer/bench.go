package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/cuda"
	"adainfilter/model"
	"adainfilter/picture/style"
	"adainfilter/trainer/bench"
	"adainfilter/trainer/network"
	"adainfilter/trainer/terminal"
)

func benchCommand() *cli.Command {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.StringFlag{Name: "random", Usage: "random weights of the `WIDTHS` vgg19 or lite instead of a file; the time does not depend on the values"},
		&cli.StringFlag{Name: "size", Value: "640x360", Usage: "frame, `WIDTHxHEIGHT`"},
		&cli.StringFlag{Name: "format", Value: "RGB", Usage: "video `FORMAT` of the frame, by its name in GStreamer"},
		&cli.BoolFlag{Name: "formats", Usage: "what each format costs against NV12, and nothing else; --runs is how often"},
		&cli.BoolFlag{Name: "layers", Usage: "on the CPU: what each layer costs, how it is computed and against what the processor could do, and nothing else"},
		&cli.BoolFlag{Name: "tune", Usage: "on the CPU in bfloat16: measure the ways to compute each layer at this size, keep the fastest for all programs of this user, and print what --layers prints"},
		&cli.IntFlag{Name: "runs", Value: 10, Usage: "`NUMBER` of frames that are timed; the median counts"},
		&cli.BoolFlag{Name: "kernels", Usage: "on a GPU: also frames that lie in its memory, and each kernel against what the GPU could do"},
		&cli.BoolFlag{Name: "selftest", Usage: "on a GPU: check the instructions that the kernels rest on, and nothing else"},
		&cli.BoolFlag{Name: "json", Usage: "print the results as one line of JSON"},
	}
	return &cli.Command{
		Name:  "bench",
		Usage: "measure the time per frame of the engine",
		Description: "One frame of noise is stylised over and over with fixed style statistics. GFLOP/s count the network as it is\n" +
			"written down. Without --json the last line printed is: ms_per_frame NUMBER.\n\n" +
			"Examples:\n" +
			"  adain bench --size 1280x720\n" +
			"  adain bench --weights fine\n" +
			"  adain bench --random vgg19 --size 512x512 --precision float32 --threads 2 --json\n" +
			"  adain bench --device cuda --kernels --random vgg19 --size 1920x1080 --format NV12",
		Flags:        append(flags, engineFlags()...),
		OnUsageError: usageError,
		Action:       measureSpeed,
	}
}

func measureSpeed(c *cli.Context) error {
	if err := noFiles(c); err != nil {
		return err
	}
	width, height, err := parseSize(c.String("size"))
	if err != nil {
		return err
	}
	if c.Bool("selftest") {
		return selftest(c)
	}
	if runs := c.Int("runs"); runs < 1 || runs > 100000 {
		return fmt.Errorf("--runs is %d, wanted 1 to 100000", runs)
	}
	format, err := model.ParseFormat(c.String("format"))
	if err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	engine, err := openEngine(c, func(name string) (*model.Weights, error) { return benchWeights(name, c.String("random")) })
	if err != nil {
		return err
	}
	defer engine.Close()
	if c.Bool("formats") {
		return measureFormats(c, engine, width, height)
	}
	src, runs := bench.Noise(format, width, height), c.Int("runs")
	if c.Bool("tune") {
		path, err := bench.Tune(engine, src, runs)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.ErrWriter, "kept in %s\n", path)
	}
	if c.Bool("layers") || c.Bool("tune") {
		return measureLayers(c, engine, src)
	}
	var gpu *cuda.Engine
	if c.Bool("kernels") {
		if gpu, err = bench.OnGPU(engine); err != nil {
			return err
		}
	}
	r, err := bench.Measure(c.Context, engine, src, runs)
	if err != nil {
		return err
	}
	if gpu != nil {
		if r.GPU, err = bench.MeasureGPU(c.Context, gpu, src, runs); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return printJSON(c, r)
	}
	if err := terminal.Table(c.App.Writer, r.Rows()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "ms_per_frame %.3f\n", r.MedianMS)
	return err
}

// measureLayers prints what each layer costs.
func measureLayers(c *cli.Context, engine model.Engine, src *model.Image) error {
	r, err := bench.MeasureLayers(engine, src, c.Int("runs"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, r)
	}
	return terminal.Table(c.App.Writer, r.Rows())
}

// measureFormats prints what each format costs that the engine takes.
func measureFormats(c *cli.Context, engine model.Engine, width, height int) error {
	formats := model.Formats()
	if _, onGPU := engine.(*cuda.Engine); onGPU {
		formats = model.CUDAFormats()
	}
	costs, err := bench.MeasureFormats(c.Context, engine, formats, width, height, c.Int("runs"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, costs)
	}
	return terminal.Table(c.App.Writer, bench.FormatRows(costs))
}

// parseSize reads "640x360".
func parseSize(s string) (width, height int, err error) {
	a, b, ok := strings.Cut(strings.ToLower(s), "x")
	width, errA := strconv.Atoi(a)
	height, errB := strconv.Atoi(b)
	if !ok || errA != nil || errB != nil || width < model.MinSize || height < model.MinSize || width > 16384 || height > 16384 {
		return 0, 0, fmt.Errorf("--size is %q, wanted WIDTHxHEIGHT with sides of %d to 16384 pixels", s, model.MinSize)
	}
	return width, height, nil
}

func benchWeights(name, random string) (*model.Weights, error) {
	switch {
	case random == "":
		return style.LoadNetwork(name)
	case name != "":
		return nil, errors.New("--weights and --random exclude each other")
	case random == "vgg19":
		return network.Random(model.VGG19), nil
	case random == "lite":
		return network.Random(model.Lite), nil
	}
	return nil, fmt.Errorf("--random is %q, wanted vgg19 or lite", random)
}

// selftest prints each check of the GPU's instructions; one that fails is an error.
func selftest(c *cli.Context) error {
	o, err := engineOptions(c)
	if err != nil {
		return err
	}
	checks, gpu, err := cuda.Selftest(o)
	if err != nil {
		return err
	}
	failed := 0
	var rows []terminal.Row
	for _, check := range checks {
		answer := "right"
		switch {
		case check.Wrong < 0:
			answer = "not put"
		case check.Wrong > 0 && check.Question:
			answer = fmt.Sprintf("no (%d values differ)", check.Wrong)
		case check.Question:
			answer = "yes"
		case check.Wrong > 0:
			answer = fmt.Sprintf("WRONG: %d values", check.Wrong)
			failed++
		}
		rows = append(rows, terminal.Row{check.Name, answer})
	}
	if c.Bool("json") {
		if err := printJSON(c, checks); err != nil {
			return err
		}
	} else if err := terminal.Table(c.App.Writer, rows); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%s fails %d of the checks: the kernels cannot be trusted on it", gpu, failed)
	}
	return nil
}
