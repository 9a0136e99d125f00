package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"adainfilter/model"
	"adainfilter/trainer/network"
	"adainfilter/trainer/terminal"
)

func benchCommand() *cli.Command {
	flags := []cli.Flag{
		weightsFlag(),
		&cli.StringFlag{Name: "random", Usage: "random weights of the `WIDTHS` vgg19 or lite instead of a file; the time does not depend on the values"},
		&cli.StringFlag{Name: "size", Value: "640x360", Usage: "frame, `WIDTHxHEIGHT`"},
		&cli.StringFlag{Name: "format", Value: "RGB", Usage: "video `FORMAT` of the frame: RGB, BGR, RGBA, BGRA, RGBx, BGRx, NV12 or I420"},
		&cli.IntFlag{Name: "runs", Value: 10, Usage: "`NUMBER` of frames that are timed; the median counts"},
		&cli.BoolFlag{Name: "kernels", Usage: "on a GPU: also frames that lie in its memory, and each kernel against what the GPU could do"},
		&cli.BoolFlag{Name: "selftest", Usage: "on a GPU: check the instructions that the kernels rest on, and nothing else"},
		&cli.BoolFlag{Name: "json", Usage: "print the results as one line of JSON"},
	}
	return &cli.Command{
		Name:  "bench",
		Usage: "measure the time per frame of the engine",
		Description: "One frame of noise is stylised over and over with fixed style statistics. GFLOP/s count the network as it is\n" +
			"written down. The last line printed is: ms_per_frame NUMBER.\n\n" +
			"Examples:\n" +
			"  adain bench --size 1280x720\n" +
			"  adain bench --random vgg19 --size 512x512 --precision float32 --threads 2 --json\n" +
			"  adain bench --device cuda --kernels --random vgg19 --size 1920x1080 --format NV12",
		Flags:        append(flags, engineFlags()...),
		OnUsageError: usageError,
		Action:       bench,
	}
}

// benchResult is what the command measured; the names are those of the JSON output.
type benchResult struct {
	Network    string     `json:"network"`
	Widths     string     `json:"widths"`
	Engine     string     `json:"engine"`
	Width      int        `json:"width"`
	Height     int        `json:"height"`
	Runs       int        `json:"runs"`
	FirstMS    float64    `json:"first_frame_ms"` // with taking the memory for this size
	BestMS     float64    `json:"best_ms"`
	MedianMS   float64    `json:"median_ms"`
	FPS        float64    `json:"fps"`
	GFLOPS     float64    `json:"gflops"`
	StyleMS    float64    `json:"statistics_ms"`  // statistics of a picture of the frame's size
	PeakMemory int64      `json:"peak_memory_kb"` // of the process, 0 where the system does not say
	Format     string     `json:"format"`
	GPU        *gpuResult `json:"gpu,omitempty"` // with --kernels
}

func bench(c *cli.Context) error {
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
	w, err := benchWeights(c.String("weights"), c.String("random"))
	if err != nil {
		return err
	}
	engine, err := openEngine(c, w)
	if err != nil {
		return err
	}
	defer engine.Close()
	format, err := model.ParseFormat(c.String("format"))
	if err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	src := noiseFrame(format, width, height)
	r, err := measure(c, engine, src)
	if err != nil {
		return err
	}
	if c.Bool("kernels") {
		if r.GPU, err = measureGPU(c, engine, src); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, string(line))
	} else {
		rows := []terminal.Row{
			{"network", r.Network + ", widths " + r.Widths}, {"engine", r.Engine}, {"frame", fmt.Sprintf("%dx%d %s", width, height, r.Format)},
			{"first frame", fmt.Sprintf("%.1f ms", r.FirstMS)}, {"statistics", fmt.Sprintf("%.1f ms", r.StyleMS)},
			{"median of " + strconv.Itoa(r.Runs), fmt.Sprintf("%.2f ms, %.1f frames per second", r.MedianMS, r.FPS)},
			{"best", fmt.Sprintf("%.2f ms", r.BestMS)}, {"rate", fmt.Sprintf("%.1f GFLOP/s", r.GFLOPS)},
			{"peak memory", fmt.Sprintf("%.0f MB", float64(r.PeakMemory)*1024/1e6)},
		}
		if err := terminal.Table(c.App.Writer, append(rows, r.GPU.rows()...)); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(c.App.Writer, "ms_per_frame %.3f\n", r.MedianMS)
	return err
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

func benchWeights(path, random string) (*model.Weights, error) {
	switch {
	case random == "":
		return loadWeights(path)
	case path != "":
		return nil, errors.New("--weights and --random exclude each other")
	case random == "vgg19":
		return network.Random(model.VGG19), nil
	case random == "lite":
		return network.Random(model.Lite), nil
	}
	return nil, fmt.Errorf("--random is %q, wanted vgg19 or lite", random)
}

// noiseFrame is a frame of random samples.
func noiseFrame(f model.Format, width, height int) *model.Image {
	m := model.NewImage(f, width, height)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range f.Planes() {
		for k := range m.Planes[i].Data {
			m.Planes[i].Data[k] = uint8(random.Uint32())
		}
	}
	return m
}

func measure(c *cli.Context, engine model.Engine, src *model.Image) (benchResult, error) {
	w := engine.Weights()
	r := benchResult{Network: w.Network, Widths: w.Widths.String(), Engine: engine.Describe(), Width: src.Width, Height: src.Height,
		Format: src.Format.String(), Runs: c.Int("runs")}
	dst := model.NewImage(src.Format, src.Width, src.Height)
	// The first call takes memory for the size; the second is what a change of style costs.
	if _, err := engine.Statistics(src); err != nil {
		return r, err
	}
	start := time.Now()
	stats, err := engine.Statistics(src)
	if err != nil {
		return r, err
	}
	r.StyleMS = milliseconds(start)
	if err := stats.Check(w.Widths[3]); err != nil {
		return r, fmt.Errorf("the engine's result is wrong, so its time means nothing: %w", err)
	}
	start = time.Now()
	if err := engine.Stylize(dst, src, &model.Stylization{Style: stats, Alpha: 1}); err != nil {
		return r, err
	}
	r.FirstMS = milliseconds(start)
	if err := plausible(dst, src); err != nil {
		return r, err
	}
	if r.BestMS, r.MedianMS, err = timeFrames(c, engine, dst, src, stats); err != nil {
		return r, err
	}
	r.FPS, r.GFLOPS = 1000/r.MedianMS, w.Widths.FLOP(src.Width, src.Height)/r.MedianMS/1e6
	r.PeakMemory = peakMemory()
	return r, nil
}

// timeFrames stylises a frame --runs times.
func timeFrames(c *cli.Context, engine model.Engine, dst, src *model.Image, stats model.Stats) (best, median float64, err error) {
	s := &model.Stylization{Style: stats, Alpha: 1}
	var times []float64
	for range c.Int("runs") {
		if c.Context.Err() != nil {
			return 0, 0, context.Cause(c.Context)
		}
		start := time.Now()
		if err := engine.Stylize(dst, src, s); err != nil {
			return 0, 0, err
		}
		times = append(times, milliseconds(start))
	}
	slices.Sort(times)
	n := len(times)
	return times[0], (times[(n-1)/2] + times[n/2]) / 2, nil
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / 1e6 }

// plausible refuses a frame of one value, which a NaN or an overflow in the network leads to, and an untouched copy.
func plausible(dst, src *model.Image) error {
	d := dst.Planes[0].Data
	if slices.Min(d) == slices.Max(d) {
		return fmt.Errorf("the engine's result is wrong, so its time means nothing: every sample is %d", d[0])
	}
	if bytes.Equal(d, src.Planes[0].Data) {
		return errors.New("the engine's result is wrong, so its time means nothing: it is the frame itself")
	}
	return nil
}

// peakMemory is the most memory the process ever had resident, in kB of 1024 bytes (proc(5), VmHWM).
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb
		}
	}
	return 0
}
