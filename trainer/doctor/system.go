package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/cpu"

	"adainfilter/model"
	"adainfilter/trainer/terminal"
)

func program() []terminal.Row {
	rows := []terminal.Row{{"adain", model.Version}, {"made with", runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH}}
	if path, err := os.Executable(); err == nil {
		rows = append(rows, terminal.Row{"lies at", path})
	}
	return append(rows, terminal.Row{"system", system()}, terminal.Row{"kernel", firstLine("/proc/sys/kernel/osrelease")})
}

// system is what /etc/os-release calls itself.
func system() string {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return "unknown"
}

// firstLine is that of a file, "unknown" where there is none.
func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// field is the value of the first line "name : value" of a file of /proc.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// instructions are those that the engine has code for.
func instructions() string {
	var names []string
	for _, i := range []struct {
		name string
		has  bool
	}{
		{"SSE4.1", cpu.X86.HasSSE41}, {"AVX", cpu.X86.HasAVX}, {"AVX2", cpu.X86.HasAVX2}, {"FMA", cpu.X86.HasFMA}, {"AVX-512", cpu.X86.HasAVX512F},
		{"AVX512_VNNI", cpu.X86.HasAVX512VNNI}, {"AVX512_BF16", cpu.X86.HasAVX512BF16}, {"AMX_BF16", cpu.X86.HasAMXBF16}, {"AMX_INT8", cpu.X86.HasAMXInt8},
	} {
		if i.has {
			names = append(names, i.name)
		}
	}
	if len(names) == 0 {
		return "none that is known"
	}
	return strings.Join(names, ", ")
}

func processor() []terminal.Row {
	rows := []terminal.Row{
		{"model", field("/proc/cpuinfo", "model name")},
		{"cores", fmt.Sprintf("%d, of which the program takes %d", runtime.NumCPU(), runtime.GOMAXPROCS(0))},
		{"instructions", instructions()},
		{"memory", megabytes("MemTotal") + ", free " + megabytes("MemAvailable")},
	}
	for _, limit := range []struct{ name, file string }{{"cores of the container", "/sys/fs/cgroup/cpu.max"}, {"memory of the container", "/sys/fs/cgroup/memory.max"}} {
		if value := firstLine(limit.file); value != "unknown" && !strings.HasPrefix(value, "max") {
			rows = append(rows, terminal.Row{limit.name, value})
		}
	}
	if load := strings.Fields(firstLine("/proc/loadavg")); len(load) > 0 {
		rows = append(rows, terminal.Row{"load", load[0]})
	}
	return rows
}

// megabytes is a line of /proc/meminfo, which counts kB.
func megabytes(name string) string {
	kb, err := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", name), " kB"))
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%d MB", kb>>10)
}

// computing says what computes, and whether a GPU is it.
func computing(g Ground) []terminal.Row {
	w, err := model.BuiltinWeights()
	if err != nil {
		return []terminal.Row{{"built-in network", err.Error()}}
	}
	var rows []terminal.Row
	for _, d := range []struct {
		name   string
		device model.Device
	}{{"by itself", model.Auto}, {"--device cpu", model.CPU}, {"--device cuda", model.CUDA}} {
		engine, err := g.Engines.Open(w, model.Options{Device: d.device, DeviceID: -1})
		if err != nil {
			rows = append(rows, terminal.Row{d.name, "not to be had: " + err.Error()})
			continue
		}
		rows = append(rows, terminal.Row{d.name, engine.Describe()})
		engine.Close()
	}
	return rows
}

// vendors of graphics cards, by their numbers on the bus.
var vendors = map[string]string{"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel", "0x1234": "QEMU", "0x1af4": "virtio", "0x15ad": "VMware"}

// graphics are the cards and their drivers.
func graphics(g Ground) []terminal.Row {
	var rows []terminal.Row
	cards, _ := filepath.Glob("/sys/bus/pci/devices/*")
	for _, card := range cards {
		if !strings.HasPrefix(firstLine(filepath.Join(card, "class")), "0x03") {
			continue
		}
		vendor := firstLine(filepath.Join(card, "vendor"))
		if name := vendors[vendor]; name != "" {
			vendor = name
		}
		driver := "no driver of the kernel"
		if link, err := os.Readlink(filepath.Join(card, "driver")); err == nil {
			driver = "driver " + filepath.Base(link)
		}
		rows = append(rows, terminal.Row{"card " + filepath.Base(card), fmt.Sprintf("%s %s, %s", vendor, firstLine(filepath.Join(card, "device")), driver)})
	}
	if len(rows) == 0 {
		rows = append(rows, terminal.Row{"card", "none on the bus"})
	}
	if version := firstLine("/proc/driver/nvidia/version"); version != "unknown" {
		rows = append(rows, terminal.Row{"NVIDIA's module", version})
	}
	if err := g.GPU(); err != nil {
		return append(rows, terminal.Row{"for this program", "not used: " + err.Error()})
	}
	return append(rows, terminal.Row{"for this program", "the driver is there and new enough"})
}
