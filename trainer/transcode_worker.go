package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/urfave/cli/v2"

	"adainfilter/trainer/film"
	"adainfilter/trainer/terminal"
	"adainfilter/trainer/transcode"
	"adainfilter/trainer/transcode/store"
)

// workerFlags are the options of adain transcode for many machines.
func workerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "worker", Usage: "share the films with all others that have the same line: take segments that nobody holds, join films that are complete; so it is always where films or --out lie in a bucket or on a web server"},
		&cli.DurationFlag{Name: "lease", Value: transcode.DefaultLease, Usage: "`TIME` after which what a worker holds and does not renew is taken over"},
		&cli.BoolFlag{Name: "mixed", Usage: "keep frames out of the memory of GPUs, so that workers with and without one can share a film"},
		&cli.StringFlag{Name: "metrics", Usage: "`ADDRESS` (as :9090) at which a worker tells Prometheus its figures, below /metrics, and that it lives, below /healthz"},
		&cli.StringFlag{Name: "status", Usage: "make nothing, print how far the workers of a `PLACE` (the --out of theirs) are; films that are named count too while nobody has begun them"},
		&cli.BoolFlag{Name: "watch", Usage: "with --status: again every few seconds, until all is done"},
	}
}

// asWorker makes a run that of a worker where it was asked for, or where places are not folders.
func asWorker(c *cli.Context, o *transcode.Options) error {
	remote := store.IsRemote(o.Out) || slices.ContainsFunc(o.Inputs, func(in transcode.Input) bool { return store.IsRemote(in.Path) })
	if !c.Bool("worker") && !remote {
		for _, name := range []string{"lease", "metrics", "watch"} {
			if c.IsSet(name) && !c.IsSet("status") {
				return fmt.Errorf("--%s is for workers: give --worker too", name)
			}
		}
		return nil
	}
	if lease := c.Duration("lease"); lease < time.Second {
		return fmt.Errorf("--lease is %v, wanted 1s or more", lease)
	}
	for _, name := range []string{"dry-run", "preview"} {
		if c.IsSet(name) && remote {
			return fmt.Errorf("--%s looks at films that are files", name)
		}
	}
	o.Worker = &transcode.Worker{Lease: c.Duration("lease"), Figures: &transcode.Figures{}}
	return nil
}

// remoteInputs are the films below an address, or the one that it names.
func remoteInputs(ctx context.Context, address string) ([]transcode.Input, error) {
	plain := store.Plain(address)
	base := path.Base(plain)
	if store.IsWeb(address) || slices.Contains(film.Suffixes, strings.ToLower(path.Ext(base))) {
		return []transcode.Input{{Path: plain, Base: strings.TrimSuffix(base, path.Ext(base)), Address: address}}, nil
	}
	place, err := store.OpenPlace(address)
	if err != nil {
		return nil, err
	}
	objects, err := place.List(ctx, "")
	if err != nil {
		return nil, err
	}
	var found []transcode.Input
	for _, o := range objects {
		if end := path.Ext(o.Name); slices.Contains(film.Suffixes, strings.ToLower(end)) && !transcode.IsWork(o.Name) {
			found = append(found, transcode.Input{Path: place.String() + o.Name, Base: strings.TrimSuffix(o.Name, end)})
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no film: no object whose name ends in %s", place, strings.Join(film.Suffixes, ", "))
	}
	return found, nil
}

// publish serves figures at an address, whose port may be 0, until stop is called. They are read when somebody asks.
func publish(address string, f *transcode.Figures) (stop func(), at string, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("--metrics: %w", err)
	}
	r := prometheus.NewRegistry()
	for _, m := range []struct {
		name, help string
		value      func() int64
	}{
		{"frames", "Frames coded.", f.Frames.Load},
		{"segments", "Segments finished and stored.", f.Segments.Load},
		{"joins", "Films joined.", f.Joins.Load},
		{"failures", "Films that this worker has given up.", f.Failures.Load},
		{"lost", "Segments that another worker had finished first.", f.Lost.Load},
		{"requests", "Requests to buckets and web servers.", store.Requests},
	} {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "adain_" + m.name + "_total", Help: m.help}, func() float64 { return float64(m.value()) }))
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "adain_held", Help: "Claims that this worker holds."}, func() float64 { return float64(f.Held.Load()) }))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go s.Serve(l)
	return func() { s.Close() }, l.Addr().String(), nil
}

// watchPause is the time between two looks of --watch.
const watchPause = 5 * time.Second

// showStatus prints how far the workers of a place are.
func showStatus(c *cli.Context) error {
	if c.Bool("worker") || c.IsSet("out") {
		return errors.New("--status PLACE goes without --worker and --out")
	}
	o, err := transcode.Observe(c.String("status"), c.Duration("lease"))
	if err != nil {
		return err
	}
	names, err := arguments(c)
	if err != nil {
		return err
	}
	var inputs []transcode.Input
	if len(names) > 0 {
		rate, err := readRate(c)
		if err != nil {
			return err
		}
		if inputs, err = filmInputs(c.Context, names, c.Int("start-number"), rate); err != nil {
			return err
		}
	}
	for {
		st, err := o.Look(c.Context, inputs)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			err = printJSON(c, st)
		} else {
			printStanding(c, st)
		}
		open := len(st.Films) - st.Counts[transcode.Ready] - st.Counts[transcode.Stuck]
		if err != nil || !c.Bool("watch") || open == 0 {
			return err
		}
		select {
		case <-c.Context.Done():
			return context.Cause(c.Context)
		case <-time.After(watchPause):
		}
	}
}

func printStanding(c *cli.Context, st *transcode.Standing) {
	out := c.App.Writer
	for _, f := range st.Films {
		if f.State == transcode.Ready || f.State == transcode.Unbegun {
			continue
		}
		fmt.Fprintf(out, "%s: %s, %d of %d segments\n", terminal.Printable(f.Name), f.State, f.Done, f.Segments)
		for _, h := range f.Held {
			fmt.Fprintf(out, "  %s: %s, since %s\n", h.Task, terminal.Printable(h.Worker), h.Since.Format("15:04:05"))
		}
		for _, e := range f.Failed {
			fmt.Fprintf(out, "  %s failed at %s: %s\n", e.Task, terminal.Printable(e.Worker), terminal.Printable(e.Error))
		}
	}
	fmt.Fprintf(out, "%d films: %d done, %d in work, %d failed, %d not begun; %d of %d segments of those in work; %.1f fps", len(st.Films), st.Counts[transcode.Ready],
		st.Counts[transcode.Begun]+st.Counts[transcode.Joining], st.Counts[transcode.Stuck], st.Counts[transcode.Unbegun], st.Done, st.Segments, st.Rate)
	if st.Left > 0 {
		fmt.Fprintf(out, ", %v left", (time.Duration(st.Left) * time.Second).String())
	}
	fmt.Fprintln(out)
}
