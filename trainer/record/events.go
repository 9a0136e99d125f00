package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image/png"
	"math"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// eventsPrefix begins the name of a file that TensorBoard looks for.
const eventsPrefix = "events.out.tfevents."

// Fields of TensorBoard's messages: tensorflow/core/util/event.proto and framework/summary.proto.
const (
	eventTime, eventStep, eventVersion, eventSummary, eventSession = 1, 2, 3, 5, 7
	sessionStatus, sessionStart                                    = 1, 1
	summaryValue                                                   = 1
	valueTag, valueNumber, valueImage                              = 1, 2, 4
	imageHeight, imageWidth, imageColours, imageData               = 1, 2, 3, 4
)

// events is a file of TensorBoard's events. There is no kept library that writes them without TensorFlow.
type events struct{ *os.File }

// WriteEvents begins a file of TensorBoard's events beside the log. Those of other files at later iterations count no more.
func (f *Folder) WriteEvents(iteration int) error {
	now := time.Now()
	name := fmt.Sprintf("%s%010d.%09d.adain", eventsPrefix, now.Unix(), now.Nanosecond())
	file, err := os.OpenFile(f.Path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o666)
	if err != nil {
		return f.Explain(fmt.Errorf("TensorBoard's events: %w", err))
	}
	f.events = &events{file}
	version := protowire.AppendTag(nil, eventVersion, protowire.BytesType)
	version = protowire.AppendString(version, "brain.Event:2")
	start := protowire.AppendTag(nil, sessionStatus, protowire.VarintType)
	start = protowire.AppendVarint(start, sessionStart)
	session := protowire.AppendTag(nil, eventSession, protowire.BytesType)
	session = protowire.AppendBytes(session, start)
	return f.Explain(errors.Join(f.events.write(0, version), f.events.write(iteration+1, session)))
}

// write adds an event: its time, the step and a field.
func (e *events) write(step int, field []byte) error {
	event := protowire.AppendTag(nil, eventTime, protowire.Fixed64Type)
	event = protowire.AppendFixed64(event, math.Float64bits(float64(time.Now().UnixNano())/1e9))
	event = protowire.AppendTag(event, eventStep, protowire.VarintType)
	event = protowire.AppendVarint(event, uint64(step))
	event = append(event, field...)
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	record := binary.LittleEndian.AppendUint32(length, masked(length))
	record = append(record, event...)
	record = binary.LittleEndian.AppendUint32(record, masked(event))
	if _, err := e.Write(record); err != nil {
		return fmt.Errorf("TensorBoard's events %s: %w", e.Name(), err)
	}
	return nil
}

// masked is the checksum of TFRecord files: CRC-32C, rotated and moved.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// value is one value of a summary.
func value(tag string, number protowire.Number, kind protowire.Type, content func([]byte) []byte) []byte {
	v := protowire.AppendTag(nil, valueTag, protowire.BytesType)
	v = protowire.AppendString(v, tag)
	v = content(protowire.AppendTag(v, number, kind))
	return protowire.AppendBytes(protowire.AppendTag(nil, summaryValue, protowire.BytesType), v)
}

func summary(values []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, eventSummary, protowire.BytesType), values)
}

// appendEvents writes a line of the log as events.
func (f *Folder) appendEvents(e Entry) error {
	if f.events == nil {
		return nil
	}
	var values []byte
	number := func(tag string, v float64) {
		values = append(values, value(tag, valueNumber, protowire.Fixed32Type, func(b []byte) []byte {
			return protowire.AppendFixed32(b, math.Float32bits(float32(v)))
		})...)
	}
	for _, c := range curves {
		if v := c.value(e); v != 0 {
			number("loss/"+c.name, v)
		}
	}
	number("loss/total", e.Total)
	number("loss/gradient", e.Gradient)
	number("rate", e.Rate)
	number("epoch", e.Epoch)
	number("time/seconds per step", e.Seconds)
	number("time/share of waiting for pictures", e.Data)
	if s := e.Scores; s != nil {
		number("scores/style ratio", s.StyleRatio)
		number("scores/content ratio", s.ContentRatio)
		number("scores/SSIM", s.SSIM)
		number("scores/noise gain", s.NoiseGain)
	}
	return f.Explain(f.events.write(e.Iteration, summary(values)))
}

// AppendSamples writes a PNG of the folder as an event.
func (f *Folder) AppendSamples(iteration int, name string) error {
	if f.events == nil {
		return nil
	}
	data, err := os.ReadFile(f.Path(name))
	if err != nil {
		return fmt.Errorf("TensorBoard's events: %w", err)
	}
	config, err := png.DecodeConfig(strings.NewReader(string(data)))
	if err != nil {
		return fmt.Errorf("TensorBoard's events: %s: %w", f.Path(name), err)
	}
	image := protowire.AppendVarint(protowire.AppendTag(nil, imageHeight, protowire.VarintType), uint64(config.Height))
	image = protowire.AppendVarint(protowire.AppendTag(image, imageWidth, protowire.VarintType), uint64(config.Width))
	image = protowire.AppendVarint(protowire.AppendTag(image, imageColours, protowire.VarintType), 3)
	image = protowire.AppendBytes(protowire.AppendTag(image, imageData, protowire.BytesType), data)
	return f.Explain(f.events.write(iteration, summary(value("samples", valueImage, protowire.BytesType, func(b []byte) []byte {
		return protowire.AppendBytes(b, image)
	}))))
}
