// Package doctor says in one page what a report of a fault needs: program, system, what computes, GStreamer, encoders, a short measurement,
// and what is missing.
package doctor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/bench"
	"adainfilter/trainer/terminal"
)

// Section is a part of the page.
type Section struct {
	Title string
	Rows  []terminal.Row
}

// Report is the page.
type Report struct {
	Sections []Section
	Packages []string // of Debian, that would bring what is missing, in order
}

// Ground is what only the program knows: its engines, and how pictures are read.
type Ground struct {
	Engines  model.Engines
	Pictures func() (version string, err error) // of the library for other kinds of pictures
	GPU      func() error                       // why the GPU's engine cannot be had, nil where it can
}

// benchTime is how long frames are timed.
const benchTime = 2 * time.Second

// Examine looks at everything. GStreamer must be initialised, and the element not yet be registered by the program itself. Errors: ctx's cause. What
// fails is part of the report.
func Examine(ctx context.Context, g Ground) (*Report, error) {
	r := &Report{}
	r.add("program", program())
	r.add("processor", processor())
	r.add("computing", computing(g))
	r.add("graphics", graphics(g))
	r.gstreamer()
	r.encoders(ctx)
	r.surroundings(g)
	if ctx.Err() == nil {
		r.add("two seconds at 640x360", speed(ctx, g.Engines))
	}
	slices.Sort(r.Packages)
	r.Packages = slices.Compact(r.Packages)
	return r, context.Cause(ctx)
}

func (r *Report) add(title string, rows []terminal.Row) {
	r.Sections = append(r.Sections, Section{title, rows})
}

// lack notes a package that is missing.
func (r *Report) lack(pkg string) {
	if pkg != "" {
		r.Packages = append(r.Packages, pkg)
	}
}

// Install is the line that installs what is missing, "" where nothing is.
func (r *Report) Install() string {
	if len(r.Packages) == 0 {
		return ""
	}
	return "sudo apt install " + strings.Join(r.Packages, " ")
}

// speed times frames of the built-in network.
func speed(ctx context.Context, engines model.Engines) []terminal.Row {
	failed := func(err error) []terminal.Row { return []terminal.Row{{"failed", err.Error()}} }
	w, err := model.BuiltinWeights()
	if err != nil {
		return failed(err)
	}
	engine, err := engines.Open(w, model.Options{DeviceID: -1})
	if err != nil {
		return failed(err)
	}
	defer engine.Close()
	frame := bench.Noise(model.RGB, 640, 360)
	m, err := bench.Measure(ctx, engine, frame, 1)
	if err == nil {
		runs := int(float64(benchTime.Milliseconds()) / max(m.MedianMS, 0.1))
		m, err = bench.Measure(ctx, engine, frame, max(1, runs))
	}
	if err != nil {
		return failed(err)
	}
	return slices.DeleteFunc(m.Rows(), func(row terminal.Row) bool { return row[0] == "engine" || row[0] == "frame" })
}

// MarshalJSON has each section under its title, with the names and values of its rows, besides the packages and the line that installs them.
func (r *Report) MarshalJSON() ([]byte, error) {
	sections := map[string]map[string]string{}
	for _, s := range r.Sections {
		sections[s.Title] = terminal.Fields(s.Rows)
	}
	return json.Marshal(struct {
		Sections map[string]map[string]string `json:"sections"`
		Packages []string                     `json:"missing_packages"`
		Install  string                       `json:"install,omitempty"`
	}{sections, append([]string{}, r.Packages...), r.Install()})
}
