package transcode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// FFmpeg reads films with code of its own, so it sees what GStreamer has lost without noticing. It is asked where it is installed.

func found(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// hearFFmpeg decodes a part of a film's track of sound with FFmpeg; number counts tracks of sound from 0.
func hearFFmpeg(ctx context.Context, path string, number int, part span) (*heard, error) {
	path, err := filepath.Abs(path) // which no option of FFmpeg can look like
	if err != nil {
		return nil, err
	}
	h := &heard{}
	if h.begin, h.timed, err = soundBegin(ctx, path, number); err != nil {
		return nil, err
	}
	args := []string{"-nostdin", "-v", "error"}
	if part.Begin > 0 {
		args = append(args, "-ss", seconds(part.Begin))
	}
	if part.End != forever {
		args = append(args, "-t", seconds(part.End-part.Begin))
	}
	which := fmt.Sprintf("0:a:%d", number)
	args = append(args, "-i", "file:"+path, "-map", which, "-ac", "1", "-ar", strconv.Itoa(hearRate), "-f", "s16le", "-")
	c := exec.CommandContext(ctx, "ffmpeg", args...)
	var complaint bytes.Buffer
	c.Stdout, c.Stderr = h, &limited{to: &complaint}
	if err := c.Run(); err != nil {
		return nil, errors.Join(ctx.Err(), fmt.Errorf("FFmpeg: %s", strings.TrimSpace(complaint.String())))
	}
	if h.samples == 0 {
		return nil, errors.New("FFmpeg decodes no sound of it")
	}
	return h, nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// limited keeps the beginning of what a program says.
type limited struct{ to *bytes.Buffer }

func (l *limited) Write(data []byte) (int, error) {
	if room := 2000 - l.to.Len(); room > 0 {
		l.to.Write(data[:min(room, len(data))])
	}
	return len(data), nil
}

// soundBegin is by how much a track of sound begins later than the first video.
func soundBegin(ctx context.Context, path string, number int) (begin time.Duration, known bool, err error) {
	const which = "stream=codec_type,start_time:stream_disposition=attached_pic"
	text, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_entries", which, "-of", "json", "file:"+path).Output()
	if err != nil {
		return 0, false, errors.Join(ctx.Err(), fmt.Errorf("FFmpeg cannot read it: %w", err))
	}
	var all struct {
		Streams []struct {
			Kind        string `json:"codec_type"`
			Start       string `json:"start_time"`
			Disposition struct {
				Picture int `json:"attached_pic"`
			} `json:"disposition"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return 0, false, fmt.Errorf("FFmpeg: %w", err)
	}
	var video, sound float64
	seen, at := false, 0
	for _, s := range all.Streams {
		start, err := strconv.ParseFloat(s.Start, 64)
		switch {
		case s.Kind == "video" && !seen && err == nil && s.Disposition.Picture == 0:
			video, seen = start, true
		case s.Kind == "audio":
			if at == number && err == nil {
				sound, known = start, true
			}
			at++
		}
	}
	return time.Duration((sound - video) * 1e9), known && seen, nil
}
