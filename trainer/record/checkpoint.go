package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/model/safetensors"
)

// Versions of the checkpoint file. That of before has no checksum.
const (
	checkpointFormat = "adain-checkpoint-2"
	formatWithoutSum = "adain-checkpoint-1"
)

// Checkpoint is all that a run needs to go on bit for bit, data and loss network aside, of which it has the identity.
type Checkpoint struct {
	model.TrainingState
	Colour  []float32         // weight (3,3) and bias (3) of the encoder's colour layer, which no training changes
	Options map[string]string // by name, as effective
	Loss    string            // EncoderID of the loss network
	Content string            // hash of the content pictures
	Style   string            // hash of the style pictures
	Elapsed time.Duration     // of the run so far, all its parts together
}

// vectors are the tensors of the file.
func (c *Checkpoint) vectors() map[string]*[]float32 {
	return map[string]*[]float32{
		"parameters": &c.Parameters, "first": &c.First, "second": &c.Second, "average": &c.Average, "colour": &c.Colour,
	}
}

// texts are the metadata that must not be empty.
func (c *Checkpoint) texts() map[string]*string {
	return map[string]*string{"loss-network": &c.Loss, "content-pictures": &c.Content, "style-pictures": &c.Style}
}

// WriteCheckpoint replaces the folder's checkpoint, or after an error leaves it as it was. The log is on the disk before it.
func (f *Folder) WriteCheckpoint(c *Checkpoint) error {
	if err := f.log.Sync(); err != nil {
		return f.Explain(fmt.Errorf("log %s: %w", f.log.Name(), err))
	}
	options, err := json.Marshal(c.Options)
	if err != nil {
		return err
	}
	metadata := map[string]string{"format": checkpointFormat, "steps": strconv.Itoa(c.Steps), "options": string(options),
		"elapsed": c.Elapsed.String()}
	for name, text := range c.texts() {
		metadata[name] = *text
	}
	var tensors []safetensors.Tensor
	for name, v := range c.vectors() {
		tensors = append(tensors, safetensors.Float32(name, []int{len(*v)}, *v))
	}
	metadata["sha256"] = c.sum(metadata)
	if err := model.WriteTensors(f.Path(CheckpointFile), tensors, metadata); err != nil {
		return f.Explain(fmt.Errorf("checkpoint: %w", err))
	}
	return nil
}

// sum is the SHA-256 of all that the file holds, in hexadecimal digits.
func (c *Checkpoint) sum(metadata map[string]string) string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		if name != "sha256" {
			fmt.Fprintf(hash, "%d %s %d %s\n", len(name), name, len(metadata[name]), metadata[name])
		}
	}
	vectors := c.vectors()
	block := make([]byte, 0, 4<<10)
	for _, name := range slices.Sorted(maps.Keys(vectors)) {
		fmt.Fprintf(hash, "%s %d\n", name, len(*vectors[name]))
		for part := range slices.Chunk(*vectors[name], cap(block)/4) {
			block = block[:0]
			for _, v := range part {
				block = binary.LittleEndian.AppendUint32(block, math.Float32bits(v))
			}
			hash.Write(block)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// ReadCheckpoint reads the folder's checkpoint. Errors name the file and say what was found, and which older checkpoints are kept.
func (f *Folder) ReadCheckpoint() (*Checkpoint, error) {
	c, err := LoadCheckpoint(f.Path(CheckpointFile))
	if err != nil {
		if kept := f.kept(keptCheckpoint); len(kept) > 0 {
			err = fmt.Errorf("%w; %s may be sound: copy it to %s to go on from there", err, f.Path(kept[len(kept)-1].name), CheckpointFile)
		}
	}
	return c, err
}

// LoadCheckpoint reads a checkpoint file. Errors name it and say what was found.
func LoadCheckpoint(path string) (*Checkpoint, error) {
	file, err := model.ReadTensors(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := parseCheckpoint(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	return c, nil
}

// IsCheckpoint says whether metadata is that of a checkpoint file.
func IsCheckpoint(metadata map[string]string) bool {
	return strings.HasPrefix(metadata["format"], "adain-checkpoint-")
}

func parseCheckpoint(file *safetensors.File) (*Checkpoint, error) {
	format := file.Metadata["format"]
	if format != checkpointFormat && format != formatWithoutSum {
		return nil, fmt.Errorf("format version is %q, wanted %q", format, checkpointFormat)
	}
	c := &Checkpoint{}
	wanted := c.vectors()
	for _, name := range slices.Sorted(maps.Keys(file.Tensors)) {
		if wanted[name] == nil {
			return nil, fmt.Errorf("unknown tensor %q, wanted %v", name, slices.Sorted(maps.Keys(wanted)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		t, ok := file.Tensors[name]
		if !ok || t.DType != "F32" || len(t.Shape) != 1 {
			return nil, fmt.Errorf("tensor %q is %s %v, wanted a vector of F32", name, t.DType, t.Shape)
		}
		v, err := t.Float32()
		if err != nil {
			return nil, err
		}
		*wanted[name] = v
	}
	if found, sum := c.sum(file.Metadata), file.Metadata["sha256"]; (format == checkpointFormat || sum != "") && found != sum {
		return nil, fmt.Errorf("is damaged: the SHA-256 of its contents begins with %.16s, and with %.16q where it states it", found, sum)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if i := model.NotFinite(*wanted[name]); i >= 0 {
			return nil, fmt.Errorf("tensor %q has %v at index %d, wanted finite numbers", name, (*wanted[name])[i], i)
		}
	}
	if len(c.Colour) != 12 {
		return nil, fmt.Errorf("tensor \"colour\" has %d values, wanted 12", len(c.Colour))
	}
	return c, c.parseMetadata(file.Metadata)
}

func (c *Checkpoint) parseMetadata(metadata map[string]string) error {
	var err error
	if c.Steps, err = strconv.Atoi(metadata["steps"]); err != nil {
		return fmt.Errorf("metadata \"steps\" is %.40q, wanted a number", metadata["steps"])
	}
	if text := metadata["elapsed"]; text != "" {
		if c.Elapsed, err = time.ParseDuration(text); err != nil {
			return fmt.Errorf("metadata \"elapsed\" is %.40q, wanted a duration", text)
		}
	}
	if err := json.Unmarshal([]byte(metadata["options"]), &c.Options); err != nil {
		return fmt.Errorf("metadata \"options\": %w", err)
	}
	for name, text := range c.texts() {
		if *text = metadata[name]; *text == "" {
			return fmt.Errorf("metadata %q is missing", name)
		}
	}
	return c.TrainingState.Check(len(c.Parameters))
}
