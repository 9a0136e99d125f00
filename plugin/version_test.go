package main

import (
	"os"
	"regexp"
	"testing"

	"adainfilter/model"
)

// TestOrigin: gst-inspect-1.0 names the address that the package's maintainer has, not GStreamer's.
func TestOrigin(t *testing.T) {
	control, err := os.ReadFile("../debian/control")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^Maintainer: .*@(.*)>$`).FindSubmatch(control)
	if m == nil {
		t.Fatal("debian/control names no maintainer")
	}
	text, err := run(t, nil, "gst-inspect-1.0", "adainfilter")
	if err != nil {
		t.Fatalf("gst-inspect-1.0: %v\n%s", err, text)
	}
	if want := regexp.MustCompile(`Origin URL +https://` + regexp.QuoteMeta(string(m[1])) + "/\n"); !want.MatchString(text) {
		t.Errorf("wanted %s in\n%s", want, text)
	}
}

func TestVersion(t *testing.T) {
	source, err := os.ReadFile("plugin.c")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`#define VERSION "(.*)"`).FindSubmatch(source)
	if m == nil || string(m[1]) != model.Version {
		t.Errorf("plugin.c defines VERSION as %q, model.Version is %q", m, model.Version)
	}
}
