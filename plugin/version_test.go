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
	for file, says := range map[string]string{
		"plugin.c": `#define VERSION "(.*)"`, "../meson.build": `version: '(.*?)'`, "../debian/changelog": `^adainfilter \((.*?)\)`,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(says).FindSubmatch(text); m == nil || string(m[1]) != model.Version {
			t.Errorf("%s has the version %q, model.Version is %q", file, m, model.Version)
		}
	}
}
