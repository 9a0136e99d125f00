package main

import (
	"os"
	"regexp"
	"testing"

	"adainfilter/model"
)

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
