package cpu

// #include <stdlib.h>
// #include "engine.h"
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"adainfilter/model"
)

// choice is what the fastest methods of a network's layers depend on, and these: a letter for each layer, see cpu/layer_choice.h.
type choice struct {
	Processor string `json:"processor"`
	Library   string `json:"library"`
	Kernels   string `json:"kernels"`
	Network   string `json:"network"` // widths and upsamplings
	Threads   int    `json:"threads"`
	Width     int    `json:"width"` // of the network's frame
	Height    int    `json:"height"`
	Methods   string `json:"methods"`
}

// largestChoice bounds what is read of a file.
const largestChoice = 64 << 10

// choose takes for frames that the network sees as width x height what Tune has kept, or the rule of thumb where it has kept nothing that fits.
func (e *Engine) choose(width, height int) {
	e.chosenWidth, e.chosenHeight = width, height
	if kept := e.kept(width, height); kept == "" || e.useMethods(kept) != nil {
		_ = e.useMethods("") // the rule fits every network
	}
}

// useMethods computes frames by methods from now on; an empty string stands for the rule of thumb.
func (e *Engine) useMethods(methods string) error {
	text := C.CString(methods)
	defer C.free(unsafe.Pointer(text))
	if C.adain_cpu_use_methods(e.engine, text, &e.text[0]) != 0 {
		return fmt.Errorf("cpu: %s", C.GoString(&e.text[0]))
	}
	return nil
}

// kept are the methods in the user's cache folder. What is missing, damaged or of another processor or network is as good as nothing.
func (e *Engine) kept(width, height int) string {
	wanted := e.choice(width, height)
	path, err := wanted.path()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	data := make([]byte, largestChoice)
	n, _ := f.Read(data) // of a regular file all of it; a part is no JSON
	var got choice
	if json.Unmarshal(data[:n], &got) != nil {
		return ""
	}
	wanted.Methods = got.Methods
	if got != wanted {
		return ""
	}
	return got.Methods
}

func (e *Engine) choice(width, height int) choice {
	var network strings.Builder
	for _, l := range e.weights.Widths.Layers() {
		fmt.Fprintf(&network, "%dx%d ", l.In, l.Out)
	}
	for _, l := range e.weights.Layers {
		if l.Upsample != model.NoUpsampling {
			fmt.Fprintf(&network, "%s ", l.Upsample)
		}
	}
	return choice{Processor: processor(), Library: C.GoString(C.adain_cpu_library()), Kernels: C.GoString(C.adain_cpu_kernels()),
		Network: strings.TrimSpace(network.String()), Threads: e.threads, Width: width, Height: height}
}

// path is the file of a choice, whatever its methods.
func (c choice) path() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	c.Methods = ""
	name := fnv.New64a()
	fmt.Fprintf(name, "%+v", c)
	return filepath.Join(folder, "adainfilter", "layers", fmt.Sprintf("%016x.json", name.Sum64())), nil
}

// keep writes a choice in one step: who reads meanwhile finds the file before or this one.
func (c choice) keep() (path string, err error) {
	if path, err = c.path(); err != nil {
		return "", err
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // fails where all went well
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(f.Name(), path)
}

// processor names the kind of processor as the system does. It is asked once, since its page is long where there are many cores.
var processor = sync.OnceValue(func() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), "\n\n")
	var parts []string
	for line := range strings.Lines(first) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains([]string{"vendor_id", "cpu family", "model", "model name", "stepping"}, strings.TrimSpace(name)) {
			parts = append(parts, strings.TrimSpace(value))
		}
	}
	return strings.Join(parts, ", ")
})
