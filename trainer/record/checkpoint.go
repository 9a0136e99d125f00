package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"adainfilter/model"
	"adainfilter/model/safetensors"
)

// checkpointFormat is the version of the checkpoint file.
const checkpointFormat = "adain-checkpoint-1"

// Checkpoint is all that a run needs to go on bit for bit, data and loss network aside, of which it has the identity.
type Checkpoint struct {
	model.TrainingState
	Colour  []float32         // weight (3,3) and bias (3) of the encoder's colour layer, which no training changes
	Options map[string]string // by name, as effective
	Loss    string            // EncoderID of the loss network
	Content string            // hash of the content pictures
	Style   string            // hash of the style pictures
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
	metadata := map[string]string{"format": checkpointFormat, "steps": strconv.Itoa(c.Steps), "options": string(options)}
	for name, text := range c.texts() {
		metadata[name] = *text
	}
	var tensors []safetensors.Tensor
	for name, v := range c.vectors() {
		tensors = append(tensors, safetensors.Float32(name, []int{len(*v)}, *v))
	}
	if err := model.WriteTensors(f.Path(CheckpointFile), tensors, metadata); err != nil {
		return f.Explain(fmt.Errorf("checkpoint: %w", err))
	}
	return nil
}

// ReadCheckpoint reads the folder's checkpoint. Errors name the file and say what was found.
func (f *Folder) ReadCheckpoint() (*Checkpoint, error) {
	path := f.Path(CheckpointFile)
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

func parseCheckpoint(file *safetensors.File) (*Checkpoint, error) {
	if format := file.Metadata["format"]; format != checkpointFormat {
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
		if i := model.NotFinite(v); i >= 0 {
			return nil, fmt.Errorf("tensor %q has %v at index %d, wanted finite numbers", name, v[i], i)
		}
		*wanted[name] = v
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
