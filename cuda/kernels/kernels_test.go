package kernels

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	include  = regexp.MustCompile(`(?m)^\s*#\s*include\s*"([^"]+)"`)
	recorded = regexp.MustCompile(`(?m)^// sources: sha256 ([0-9a-f]{64})$`)
	entry    = regexp.MustCompile(`(?m)^\.visible \.entry (\w+)\(`)
	constant = regexp.MustCompile(`(?m)^\.visible \.const \.align \d+ \.b8 (\w+)_launch\[20\]`)
	target   = regexp.MustCompile(`(?m)^\.target (\w+)$`)
)

// headers adds to found the files of this folder that a source includes, directly or not.
func headers(t *testing.T, name string, found map[string][]byte) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	found[name] = text
	for _, m := range include.FindAllSubmatch(text, -1) {
		header := string(m[1])
		if _, err := os.Stat(header); err == nil && found[header] == nil {
			headers(t, header, found)
		}
	}
}

// digest is SHA-256 over name, newline and content of a source and then of its headers, as tools/kernels computes it.
func digest(t *testing.T, source string) string {
	t.Helper()
	found := map[string][]byte{}
	headers(t, source, found)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(found)), func(n string) bool { return n == source })
	h := sha256.New()
	for _, name := range append([]string{source}, names...) {
		h.Write([]byte(name + "\n"))
		h.Write(found[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func matches(pattern *regexp.Regexp, text string) []string {
	var found []string
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return found
}

// TestSources holds the PTX against the sources without a compiler.
func TestSources(t *testing.T) {
	for _, m := range Modules {
		ptx, err := PTX(m.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		if sources := digest(t, m.Name+".cu"); !slices.Equal(matches(recorded, ptx), []string{sources}) {
			t.Errorf("ptx/%s.ptx is of other sources than %s.cu and its headers are now: `make kernels` compiles them", m.Name, m.Name)
		}
		var want []string
		for _, k := range m.Kernels {
			want = append(want, k.Name())
		}
		slices.Sort(want)
		if got := matches(entry, ptx); !slices.Equal(got, want) {
			t.Errorf("ptx/%s.ptx has the kernels %v, wanted %v", m.Name, got, want)
		}
		if got := matches(constant, ptx); !slices.Equal(got, want) {
			t.Errorf("ptx/%s.ptx says how to launch %v, wanted %v", m.Name, got, want)
		}
		machine := "sm_80"
		if m.Hopper {
			machine = "sm_90a"
		}
		if got := matches(target, ptx); !slices.Equal(got, []string{machine}) {
			t.Errorf("ptx/%s.ptx is for %v, wanted %s", m.Name, got, machine)
		}
	}
}

// TestModules finds a source that nobody loads.
func TestModules(t *testing.T) {
	sources, err := filepath.Glob("*.cu")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range Modules {
		names = append(names, m.Name+".cu")
	}
	slices.Sort(names)
	if !slices.Equal(sources, names) {
		t.Errorf("the sources are %v, the modules %v", sources, names)
	}
}

// TestCubins demands every module for every machine that there is, of the same sources as its PTX.
func TestCubins(t *testing.T) {
	for _, m := range Modules {
		for capability := range machines {
			if m.Hopper && capability != 90 {
				continue
			}
			if cubin := Cubin(m.Name, capability); !strings.HasPrefix(string(cubin), "\x7fELF") {
				t.Errorf("no cubin of %s for compute capability %d of the present sources: `make kernels` makes it", m.Name, capability)
			}
		}
	}
	for _, capability := range []int{75, 87, 110} {
		if Cubin("conv", capability) != nil {
			t.Errorf("there is a cubin for compute capability %d", capability)
		}
	}
	if Cubin("conv90", 100) != nil {
		t.Error("there is a cubin of wgmma for compute capability 10.0")
	}
}

func TestUnknown(t *testing.T) {
	if _, err := PTX("nosuch"); err == nil || !strings.Contains(err.Error(), `"nosuch"`) {
		t.Errorf("the error for a module that does not exist is %v", err)
	}
}
