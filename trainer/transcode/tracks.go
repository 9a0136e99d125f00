package transcode

import (
	"fmt"
	"slices"
	"strings"

	"adainfilter/trainer/container"
)

// carries says whether all but the video can go from the film's file into the output as bytes. That needs a film that is not
// damaged.
func (p *plan) carries() bool {
	f := p.Facts
	silent := func(t container.Track) bool { return t.Kind == "audio" && !t.Fits(p.Muxer) } // it is coded anew then
	if f.Contents == nil || slices.ContainsFunc(f.Contents.Tracks, silent) {
		return false
	}
	return f.Damaged == "" && f.Cut == 0 && !f.Vague && f.Contents.Carries(p.Muxer)
}

// edited says whether GStreamer would lose sound of the film because of an edit list.
func (p *plan) edited() bool { return !p.Carry && p.Facts.Contents != nil && p.Facts.Contents.Edited }

// lacksRoom says whether the container does not take a stream of the film.
func (p *plan) lacksRoom() bool {
	if p.Carry {
		return slices.ContainsFunc(p.Facts.Contents.Tracks, func(t container.Track) bool { return t.Kind != "video" && !t.Fits(p.Muxer) })
	}
	return slices.ContainsFunc(p.Facts.Others, func(o other) bool { return !p.takes(o) && !p.Facts.undecodable(o.Caps) })
}

// lose notes something that the output lacks.
func (p *plan) lose(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	p.Warnings, p.Losses = append(p.Warnings, text), append(p.Losses, text)
}

// warnLosses decides what becomes of all tracks but the video, and notes what is lost.
func (p *plan) warnLosses(o *Options) {
	f := p.Facts
	if f.Orientation != "" && f.Orientation != "rotate-0" && !editable(p.Muxer) {
		p.lose("its orientation %s is lost, GStreamer does not write it into %s (--container mp4 and mov have it)", f.Orientation, p.Muxer)
	}
	if f.ExtraVideos > 0 {
		p.lose("%s left out: the first is stylised", plural(f.ExtraVideos, "other video is", "other videos are"))
	}
	p.warnMended(o.Program != 0)
	if p.Carry {
		for _, t := range f.Contents.Tracks {
			if t.Kind == "chapters" && !p.Whole {
				p.leaveOut(t, "a part of a film has no chapters")
			} else if t.Kind != "video" && t.Fits(p.Muxer) {
				p.Tracks = append(p.Tracks, trackOf(t, fateCopied, ""))
			} else if t.Kind != "video" {
				p.leaveOut(t, p.Muxer+" has no room for it")
			}
		}
		if f.Contents.Chapters && !p.Whole {
			p.lose("its chapters are left out, a part of a film has none")
		}
		return
	}
	p.warnChapters()
	counts := map[string]int{}
	for _, s := range f.Others {
		if f.family() != "" && f.undecodable(s.Caps) {
			continue // unseen has the file's own word for it
		}
		counts[s.Kind]++
		name := fmt.Sprintf("%s %d (%s)", kindName(s.Kind), counts[s.Kind], capsName(s.Caps))
		t := Track{Kind: reportKind(s.Kind), Format: capsName(s.Caps), Fate: fateCopied}
		switch {
		case p.takes(s):
		case p.codesAnew(s):
			t.Fate, t.Why = fateAnew, p.Muxer+" has no room for it"
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s is coded anew as %s, %s has no room for it (--container mkv has)", name, soundNames[p.Muxer], p.Muxer))
		default:
			t.Fate, t.Why = fateLost, p.Muxer+" has no room for it"
			p.lose("%s is left out, %s has no room for it", name, p.Muxer)
		}
		p.Tracks = append(p.Tracks, t)
	}
	where := "it is copied only where the film stays in " + familyNames[f.family()]
	if f.Contents != nil && f.Contents.Fragmented {
		where = "the film is fragmented (ffmpeg -i FILM -map 0 -c copy WHOLE makes one of which it is copied)"
	}
	for _, t := range p.unseen() {
		p.leaveOut(t, "GStreamer has no reader for it, and "+where)
	}
}

var familyNames = map[container.Family]string{container.MP4: "mp4 or mov", container.Matroska: "mkv", "": "its container"}

func (f *facts) family() container.Family {
	if f.Contents == nil || f.Contents.Family == container.TS || f.Contents.Family == container.PS {
		return ""
	}
	return f.Contents.Family
}

// unseen are the tracks that GStreamer does not give: those for which it lacks a plug-in, and those that it has no word for.
func (p *plan) unseen() (found []container.Track) {
	f := p.Facts
	missing := strings.ToLower(strings.Join(f.Missing, "\n"))
	if f.family() == "" {
		for _, caps := range f.Missing {
			listed := slices.ContainsFunc(f.Others, func(o other) bool { return capsName(o.Caps) == capsName(caps) })
			if kind, _, _ := strings.Cut(caps, "/"); kind != "video" && !listed {
				found = append(found, container.Track{Kind: reportKind(kind), Format: capsName(caps)})
			}
		}
		return found
	}
	for _, t := range f.Contents.Tracks {
		unknown := missing != "" && strings.Contains(missing, strings.ToLower(t.Format))
		switch t.Kind {
		case "video":
			continue
		case "audio":
		case "subtitle":
			unknown = unknown || strings.Contains(missing, "subtitle-unknown") && strings.HasPrefix(t.Format, "D_WEBVTT")
		case "chapters":
			continue // warnChapters
		default:
			unknown = true
		}
		if unknown {
			found = append(found, t)
		}
	}
	return found
}

// undecodable says whether GStreamer lacks a plug-in for caps.
func (f *facts) undecodable(caps string) bool {
	return slices.ContainsFunc(f.Missing, func(m string) bool { return capsName(m) == capsName(caps) })
}

// mute says why nothing is left of a film's sound, "" where some is, or where the container is for pictures alone.
func (p *plan) mute() string {
	var lost []string
	for _, t := range p.Tracks {
		switch {
		case t.Kind == "audio" && t.Fate != fateLost:
			return ""
		case t.Kind == "audio":
			lost = append(lost, "audio "+t.Format+": "+t.Why)
		}
	}
	if !slices.Contains([]string{"mp4", "mov", "mkv", "webm"}, p.Muxer) {
		return ""
	}
	return strings.Join(lost, "; ")
}

func (p *plan) leaveOut(t container.Track, why string) {
	p.Tracks = append(p.Tracks, trackOf(t, fateLost, why))
	p.lose("%s is left out: %s", t.Words(), why)
}

func trackOf(t container.Track, fate, why string) Track {
	return Track{Kind: t.Kind, Format: t.Format, Name: t.Name, Language: t.Language, Fate: fate, Why: why}
}

// reportKind is GStreamer's kind of a stream in the words of reports.
func reportKind(kind string) string {
	switch kind {
	case "audio", "video":
		return kind
	case "text", "subtitle", "subpicture", "application", "closedcaption":
		return "subtitle"
	case "meta":
		return "metadata"
	}
	return "other"
}
