package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"adainfilter/cpu"
	"adainfilter/model"
	"adainfilter/trainer/transcode"
	"adainfilter/trainer/transcode/store"
)

func transcodeCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FOLDER` or s3://bucket/prefix for the results, or for one film the file (film.mp4, film.gif) or the numbered pictures (frames/%05d.png); - is standard output"},
		&cli.StringFlag{Name: "codec", Usage: "`CODEC` of the video: " + strings.Join(transcode.Codecs(), ", ") +
			", source for the film's own, or an encoder of GStreamer such as vah264enc; by default h264, and one that keeps it where a film has transparency"},
		&cli.StringFlag{Name: "preset", Value: "medium", Usage: "how much `TIME` coding may take: " + strings.Join(transcode.Presets, ", ")},
		&cli.StringFlag{Name: "container", Usage: "`KIND` of file: " + strings.Join(transcode.Containers(), ", ") + " (the last two are folders of numbered pictures); by default the film's own if codec and streams fit"},
		&cli.IntFlag{Name: "depth", Usage: "`BITS` per sample of the result: 8, 10, 12 or 16; 0 is the film's own, as far as an encoder has them"},
		&cli.IntFlag{Name: "quality", Value: transcode.DefaultQuality, Usage: "`NUMBER` from 1 to 100, the same for every codec"},
		&cli.StringFlag{Name: "fps", Value: "25", Usage: "frames a second of numbered pictures, a `NUMBER` such as 24000/1001"},
		&cli.IntFlag{Name: "start-number", Value: -1, Usage: "`NUMBER` of the first of numbered pictures; by default the lowest that is there"},
		&cli.DurationFlag{Name: "start", Usage: "begin at this `TIME` of the film, as 1m30s"},
		&cli.DurationFlag{Name: "duration", Usage: "take so much `TIME` of the film; 0 is all"},
		&cli.DurationFlag{Name: "segment", Value: time.Minute, Usage: "`LENGTH` of the parts that are made one by one; 0 is the whole film"},
		&cli.IntFlag{Name: "jobs", Value: 1, Usage: "`NUMBER` of segments at the same time"},
		&cli.StringFlag{Name: "shard", Usage: "make only the part `I/N` of the work, I from 0; /N takes I from SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX"},
		&cli.BoolFlag{Name: "join", Usage: "make nothing, put together what all shards have finished; other options must be theirs, or be left out"},
		&cli.IntFlag{Name: "program", Usage: "`NUMBER` of the programme in a transport stream that has several; by default the first with pictures"},
		&cli.BoolFlag{Name: "silent", Usage: "make a film without sound where none of its sound can be kept, which is refused otherwise"},
		&cli.BoolFlag{Name: "strict", Usage: "refuse a film of which the result would lack a track, chapters or anything else that is there"},
		&cli.BoolFlag{Name: "overwrite", Usage: "make films anew whose result is there"},
		&cli.BoolFlag{Name: "dry-run", Usage: "make nothing, print what would be done to each film, what would be lost, and how long it would take"},
		&cli.StringFlag{Name: "preview", Usage: "make nothing but a `PICTURE` of stills, as they are and stylised"},
		&cli.BoolFlag{Name: "json", Usage: "print a report as JSON"},
	}
	return &cli.Command{
		Name:      "transcode",
		Usage:     "stylise whole films; sound, subtitles and times stay as they are",
		ArgsUsage: "FILM_OR_FOLDER...",
		Description: "Any file that GStreamer reads, - for standard input; folders with all below them, whose tree the results keep. A finished result is skipped, so the\n" +
			"same line goes on where an interrupted run has stopped: finished segments are kept in .NAME.adain beside the result.\n" +
			"A film that fails is reported, the others go on, and the exit code is 1.\n\n" +
			"Examples:\n" +
			"  adain transcode --out styled/ film.mp4\n" +
			"  adain transcode --style painting.jpg --alpha 0.8 --codec h265 --quality 80 --jobs 2 --out styled/ films/\n" +
			"  adain transcode --start 1m --duration 10s --codec ffv1 --out test/ film.mkv\n" +
			"  adain transcode --fps 24 --out styled.mov --codec prores4444 frames/%05d.png\n" +
			"  ffmpeg -i in.mov -f matroska - | adain transcode --out - - | ffmpeg -i - out.mov\n" +
			"  adain transcode --shard 0/4 --out shared/ film.mp4    # on each of four machines, 0/4 to 3/4\n" +
			"  adain transcode --join --out shared/ film.mp4         # when they are done\n" +
			"  adain transcode --worker --out shared/ films/         # on any number of machines, which share the work as it comes\n" +
			"  adain transcode --out s3://bucket/styled s3://bucket/films\n" +
			"  adain transcode --status s3://bucket/styled",
		Flags:        slices.Concat(flags, workerFlags(), propertyFlags()),
		OnUsageError: usageError,
		Action:       transcodeFilms,
	}
}

func transcodeFilms(c *cli.Context) error {
	if c.IsSet("status") {
		return showStatus(c)
	}
	o, err := transcodeOptions(c)
	if err != nil {
		return err
	}
	if err := registerFilter(); err != nil {
		return err
	}
	switch pipe, err := streams(c, c.Args().Slice()); {
	case err != nil:
		return err
	case pipe:
		return streamFilm(c, o, c.Args().First())
	case c.IsSet("preview"):
		return previewFilm(c, o)
	case c.Bool("dry-run"):
		return sketchFilms(c, o)
	}
	show := newFilmProgress(c.App.ErrWriter, len(o.Inputs))
	o.Watch = show
	if o.Worker != nil {
		o.Worker.Log = show.Log
		if address := c.String("metrics"); address != "" {
			stop, _, err := publish(address, o.Worker.Figures)
			if err != nil {
				return err
			}
			defer stop()
		}
	}
	report, err := transcode.Run(c.Context, *o)
	show.finish()
	if report == nil {
		return err
	}
	if c.Bool("json") {
		text, err := json.MarshalIndent(report, "", " ")
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, string(text))
	}
	if len(report.Films) > 1 {
		fmt.Fprintln(c.App.ErrWriter, summary(report))
	}
	if c.Context.Err() != nil {
		return fmt.Errorf("%w; the same command goes on with what is missing", context.Cause(c.Context))
	}
	switch failed := report.Counts[transcode.Failed]; {
	case failed == 0:
		return nil
	case len(report.Films) == 1:
		return report.Films[0].Err
	default:
		return fmt.Errorf("%d of %d films failed", failed, len(report.Films))
	}
}

// within says whether a path lies below a folder.
func within(folder, path string) bool {
	f, errF := filepath.Abs(folder)
	p, errP := filepath.Abs(path)
	if errF != nil || errP != nil {
		return false
	}
	below, err := filepath.Rel(f, p)
	return err == nil && below != ".." && !strings.HasPrefix(below, "../")
}

// summary is one line about all films.
func summary(r *transcode.Report) string {
	var parts []string
	for _, s := range []transcode.Status{transcode.Done, transcode.Skipped, transcode.Partial, transcode.Interrupted, transcode.Failed} {
		if n := r.Counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return fmt.Sprintf("%d films in %v: %s", len(r.Films), time.Duration(r.Seconds*float64(time.Second)).Round(time.Second), strings.Join(parts, ", "))
}

// elsewhere are the options on which the result does not depend: a join may have others than the shards. An option that is set
// counts under each of its names.
var elsewhere = []string{"out", "o", "jobs", "shard", "join", "overwrite", "strict", "dry-run", "preview", "json", "worker", "lease", "metrics", "quiet", "verbose"}

func transcodeOptions(c *cli.Context) (*transcode.Options, error) {
	names, err := arguments(c)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 || c.String("out") == "" {
		return nil, errors.New("a film and --out are both needed; see adain transcode --help")
	}
	ps, err := readProperties(c)
	if err != nil {
		return nil, err
	}
	shard, err := transcode.ParseShard(c.String("shard"))
	if err != nil {
		return nil, fmt.Errorf("--shard: %w", err)
	}
	if q := c.Int("quality"); q < 1 || q > 100 {
		return nil, fmt.Errorf("--quality is %d, wanted 1 to 100", q)
	}
	if d := c.Int("depth"); d != 0 && !slices.Contains(transcode.Depths, d) {
		return nil, fmt.Errorf("--depth is %d, wanted 8, 10, 12 or 16, or 0 for the film's own", d)
	}
	jobs := c.Int("jobs")
	if jobs < 1 || jobs > 1024 {
		return nil, fmt.Errorf("--jobs is %d, wanted 1 to 1024", jobs)
	}
	rate, err := readRate(c)
	if err != nil {
		return nil, err
	}
	inputs, err := filmInputs(c.Context, names, c.Int("start-number"), rate)
	if err != nil {
		return nil, err
	}
	o := &transcode.Options{
		Out: c.String("out"), Codec: c.String("codec"), Container: c.String("container"), Preset: c.String("preset"), Depth: c.Int("depth"), Quality: c.Int("quality"), Start: c.Duration("start"),
		Duration: c.Duration("duration"), Segment: c.Duration("segment"), Jobs: jobs, Shard: shard, Join: c.Bool("join"), Overwrite: c.Bool("overwrite"),
		Strict: c.Bool("strict"), Silent: c.Bool("silent"), Program: c.Int("program"),
		Smoothing: c.Float64("smoothing"), CPU: staysOnCPU(c), Settings: fmt.Sprintf("%s %+v", model.Version, ps.list),
	}
	// What lies in Go's memory are the times of frames and what is heard of sound, which grow with a film; frames do not.
	debug.SetGCPercent(25)
	o.Rest = func() {
		debug.FreeOSMemory()
		cpu.Trim()
	}
	o.Compare = o.Join && slices.ContainsFunc(c.LocalFlagNames(), func(name string) bool { return !slices.Contains(elsewhere, name) })
	if !o.Join || o.Compare {
		if o.Files, err = ps.files(); err != nil {
			return nil, err
		}
	}
	// Results of an earlier run that lie below a folder of films are not films to transcode.
	below := !store.IsRemote(o.Out) && slices.ContainsFunc(names, func(name string) bool { return !store.IsRemote(name) && within(name, o.Out) })
	for _, in := range inputs {
		if slices.Contains(names, in.Path) || !below || !within(o.Out, in.Path) {
			o.Inputs = append(o.Inputs, in)
		}
	}
	if err := asWorker(c, o); err != nil {
		return nil, err
	}
	if len(o.Inputs) == 0 {
		return nil, fmt.Errorf("all films lie in --out %q, where results are: choose another folder", o.Out)
	}
	if err := outputFile(o, o.Out); err != nil {
		return nil, err
	}
	// Not fewer threads where there are more jobs: the engine's last bit depends on their number, the film must not on that of jobs.
	o.Set = ps.set
	return o, nil
}

// staysOnCPU says whether frames keep out of GPU memory: where no GPU computes them, as it cannot in int8, or may not everywhere.
func staysOnCPU(c *cli.Context) bool {
	return c.String("device") == string(model.CPU) || c.String("precision") == string(model.Int8) || c.Bool("mixed")
}
