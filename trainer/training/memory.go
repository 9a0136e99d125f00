package training

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"adainfilter/model"
)

// Memory is what a run will take, in bytes. On a CPU it is an estimate of the engine's maps, which are nearly all of it; parameters and the
// program itself are counted roughly.
type Memory struct {
	GPU      int64 // of a GPU's memory, where that computes
	Engine   int64 // maps and parameters in the host's memory
	Batches  int64 // that are prepared ahead
	Pictures int64 // decoded pictures and remembered features at most
}

// Total is all of the host's memory together.
func (m Memory) Total() int64 { return m.Engine + m.Batches + m.Pictures }

// String is the total in GB, and what it is made of.
func (m Memory) String() string {
	if m.GPU > 0 {
		return fmt.Sprintf("%s of the GPU's, and about %s of the host's: %s for batches, up to %s for pictures", gigabytes(m.GPU), gigabytes(m.Total()),
			gigabytes(m.Batches), gigabytes(m.Pictures))
	}
	return fmt.Sprintf("about %s: %s for computing, %s for batches, up to %s for pictures", gigabytes(m.Total()), gigabytes(m.Engine), gigabytes(m.Batches),
		gigabytes(m.Pictures))
}

func gigabytes(bytes int64) string {
	return strconv.FormatFloat(float64(bytes)/1e9, 'f', 1, 64) + " GB"
}

// programBytes are those of the program, its libraries and threads.
const programBytes = 150 << 20

// gpu is the memory of the GPU that a run will compute on: what a batch takes, and what is free. There is none where needed is nil.
type gpu struct {
	needed func(batch int) int64
	free   int64
}

// gpu asks for the GPU. With --device auto the CPU computes where there is none; with --device cuda opening it will say why.
func (o *Options) gpu(s Setup) (g gpu) {
	if s.GPUMemory == nil || o.Engine.Device == model.CPU {
		return gpu{}
	}
	options := o.Engine
	options.Precision = o.Precision
	needed, free, err := s.GPUMemory(s.Loss, o.widths(s), model.TrainingOptions{Options: options, Encoder: o.lite(), Height: o.Crop, Width: o.Crop}, o.Objective)
	if err != nil {
		return gpu{}
	}
	return gpu{needed, free}
}

// memory estimates what a run takes at a batch of so many pairs.
func (o *Options) memory(s Setup, g gpu, batch int) Memory {
	m := Memory{Engine: o.computing(s, g.needed != nil, batch), Pictures: o.pictures}
	if g.needed != nil {
		m.GPU = g.needed(batch)
	}
	looks := int64(2)
	if o.Objective.Consistency > 0 {
		looks = 3
	}
	workers := int64(o.Workers)
	if workers == 0 {
		workers = 2
	}
	m.Batches = 2 * workers * looks * int64(batch) * 3 * int64(o.Crop) * int64(o.Crop) * 4
	return m
}

// computing estimates the host's memory for maps and parameters; onGPU: only for scores and --revive, which asks the CPU's engine.
func (o *Options) computing(s Setup, onGPU bool, batch int) int64 {
	n, side := int64(batch), int64(o.Crop)
	network := o.widths(s)
	var results, encoded int64
	if o.Objective.Content > 0 || o.Objective.Style > 0 || o.Objective.Consistency > 0 || o.Objective.Lattice > 0 {
		results, encoded = n, 2*n
	} else {
		encoded = n
	}
	if o.Objective.Identity > 0 {
		results += n
	}
	if o.Objective.Consistency > 0 {
		results += n
		encoded += n
	}
	lossMaps, lossWork := mapFloats(s.Loss, model.Encoder, side)
	encoderMaps, encoderWork := mapFloats(network, model.Encoder, side)
	decoderMaps, decoderWork := mapFloats(network, model.Decoder, side)
	floats := n*lossMaps + results*decoderMaps
	work := max(n*lossWork, results*decoderWork)
	if o.lite() {
		floats += encoded * encoderMaps
		work = max(work, encoded*encoderWork)
	}
	// Parameters: values, moments, average and gradient of what is trained, copies for the checkpoint, and each layer's arranged for both
	// directions, which Winograd's transform makes four times as long.
	var loss, trained int64
	for _, l := range s.Loss.Layers() {
		if l.Side == model.Encoder {
			loss += int64(l.MAC())
		}
	}
	for _, l := range network.Trained(o.lite()) {
		trained += int64(l.MAC())
	}
	if onGPU && !o.Revive {
		floats, work, trained = 0, 0, 0
	}
	if o.Validation.on() { // another loss network, for one picture at a time
		maps, _ := mapFloats(s.Loss, model.Encoder, max(validationSide, side))
		floats += maps + 12*loss
	}
	return 4*(floats+work+12*loss+45*trained) + programBytes
}

// mapFloats are the values of one picture's maps through one half of a network, with their borders, and those of the largest gradients
// that are worked on at a time.
func mapFloats(w model.Widths, half model.Side, side int64) (all, work int64) {
	rows := side
	if half == model.Decoder {
		rows /= 8
	}
	var out int64
	for _, l := range w.Layers() {
		if l.Side != half || l.Kernel == 1 {
			continue
		}
		in := (rows + 2) * (rows + 2) * int64(l.In)
		out = rows * rows * int64(l.Out)
		all += in
		gradient := (rows + 4) * (rows + 4) * int64(l.Out)
		work = max(work, in+2*gradient)
		if l.Pool {
			all += out
			rows /= 2
		}
		if l.Upsample != model.NoUpsampling {
			rows *= 2
		}
	}
	return all + out, work
}

// room is what a run may take; 0 where nobody knows.
type room struct{ host, gpu int64 }

func (r room) fits(m Memory) bool {
	return (r.host == 0 || m.Total() <= r.host) && (r.gpu == 0 || m.GPU <= r.gpu)
}

// largestBatch is the most pairs that a room has; 0 if there are none.
func (o *Options) largestBatch(s Setup, g gpu, r room) int {
	low, high := 0, model.MaxBatch
	for low < high {
		middle := (low + high + 1) / 2
		if r.fits(o.memory(s, g, middle)) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// mostAutomatic bounds the batch that is chosen for the user: from there on more pairs make a step slower and not better.
const mostAutomatic = 16

// fit chooses the batch where the user left it to the program, and refuses what memory has no room for.
func (o *Options) fit(s Setup, d *pictures) (Memory, error) {
	o.pictures = d.content.Decoded() + d.style.Decoded() + o.featureCache()
	free, g := s.freeMemory(), o.gpu(s)
	r := room{free - free/10, g.free - g.free/10}
	where := gigabytes(free)
	if g.needed != nil {
		where = fmt.Sprintf("%s of the GPU's and %s of the host's", gigabytes(g.free), gigabytes(free))
	}
	if o.Batch == 0 {
		if r == (room{}) {
			r.host = o.memory(s, g, mostAutomatic/2).Total()
		}
		if o.Batch = min(mostAutomatic, o.largestBatch(s, g, r)); o.Batch == 0 {
			return Memory{}, fmt.Errorf("crops of %d pixels need %v; %s are free: choose a smaller --crop", o.Crop, o.memory(s, g, 1), where)
		}
		o.give("batch-size", strconv.Itoa(o.Batch))
	}
	m := o.memory(s, g, o.Batch)
	if free == 0 {
		r.host = 0
	}
	if r.fits(m) {
		return m, nil
	}
	err := fmt.Errorf("--batch-size %d with --crop %d needs %v; %s are free", o.Batch, o.Crop, m, where)
	if n := o.largestBatch(s, g, r); n > 0 {
		return m, fmt.Errorf("%w: the largest batch that fits is --batch-size %d", err, n)
	}
	return m, fmt.Errorf("%w: choose a smaller --crop or --cache", err)
}

// freeMemory is what this process may still take, in bytes; 0 if nobody knows.
func (s Setup) freeMemory() int64 {
	if s.FreeMemory != nil {
		return s.FreeMemory()
	}
	free := available("/proc/meminfo")
	if left := groupLeft("/proc/self/cgroup", "/sys/fs/cgroup"); left >= 0 && (free == 0 || left < free) {
		free = left
	}
	return free
}

// available is MemAvailable of the kernel's table.
func available(table string) int64 {
	f, err := os.Open(table)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			if err == nil {
				return kilobytes << 10
			}
		}
	}
	return 0
}

// groupLeft is what the control group of this process, version 2, and those above it leave; -1 where there is no limit.
func groupLeft(membership, root string) int64 {
	text, err := os.ReadFile(membership)
	if err != nil {
		return -1
	}
	_, path, ok := strings.Cut(strings.TrimSpace(string(text)), "0::")
	if !ok {
		return -1
	}
	path, _, _ = strings.Cut(path, "\n")
	left := int64(-1)
	for ; ; path = filepath.Dir(path) {
		most, used := number(filepath.Join(root, path, "memory.max")), number(filepath.Join(root, path, "memory.current"))
		if most >= 0 && used >= 0 {
			// Cached files give way.
			here := max(0, most-used+inactiveFile(filepath.Join(root, path, "memory.stat")))
			if left < 0 || here < left {
				left = here
			}
		}
		if path == "/" || path == "." {
			return left
		}
	}
}

func number(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return -1 // "max"
	}
	return n
}

func inactiveFile(file string) int64 {
	text, _ := os.ReadFile(file)
	for line := range strings.SplitSeq(string(text), "\n") {
		if v, ok := strings.CutPrefix(line, "inactive_file "); ok {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}
