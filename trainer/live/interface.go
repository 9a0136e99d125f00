package live

import (
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"time"

	"adainfilter/element"
)

// Limits of what a request may bring.
const (
	maxJSON       = 64 << 10 // bytes
	maxForm       = 4 << 10  // bytes
	maxStyles     = 8        // in a mix
	maxTransition = time.Minute
)

// state is what GET /api/state shows.
type state struct {
	Source       string        `json:"source"`
	Alpha        float64       `json:"alpha"`
	Smoothing    float64       `json:"smoothing"`
	PreserveCol  bool          `json:"preserve_color"`
	TransitionMS float64       `json:"transition_ms"`
	Styles       []styleWeight `json:"styles"` // those in force
	Mask         maskState     `json:"mask"`
	Available    []available   `json:"available"` // those that styles may name
	FPS          float64       `json:"fps"`
	LatencyMS    float64       `json:"latency_ms"`
	Watchers     int           `json:"watchers"` // of the streams
	H264         bool          `json:"h264"`     // /stream.mp4 is there
}

type styleWeight struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
}

type maskState struct {
	Uploaded bool `json:"uploaded"`
	On       bool `json:"on"`
}

type available struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // builtin, file or upload
}

// patch is what PATCH /api/state changes; what is absent stays.
type patch struct {
	Alpha        *float64 `json:"alpha"`
	Smoothing    *float64 `json:"smoothing"`
	PreserveCol  *bool    `json:"preserve_color"`
	TransitionMS *float64 `json:"transition_ms"`
	Mask         *bool    `json:"mask"`
	Styles       []struct {
		Name   string   `json:"name"`
		Weight *float64 `json:"weight"`
	} `json:"styles"`
}

func (s *server) getState(w http.ResponseWriter, _ *http.Request) error {
	now, err := s.player.controls()
	if err != nil {
		return err
	}
	s.changing.Lock()
	mask := s.mask
	s.changing.Unlock()
	return reply(w, http.StatusOK, s.show(now, mask))
}

// show is the state of controls.
func (s *server) show(c controls, mask string) state {
	r := s.player.rates()
	v := state{
		Source: s.source, Alpha: c.Alpha, Smoothing: c.Smoothing, PreserveCol: c.PreserveColor,
		TransitionMS: float64(c.Transition) / 1e6, Mask: maskState{Uploaded: mask != "", On: c.Mask != ""},
		FPS: math.Round(10*r.FPS) / 10, LatencyMS: math.Round(10*r.Latency) / 10, Watchers: s.pictures.count() + s.viewers.count(), H264: s.coded != nil,
	}
	for i, path := range c.Names {
		weight := 1.0
		if i < len(c.Weights) {
			weight = c.Weights[i]
		}
		v.Styles = append(v.Styles, styleWeight{s.styles.nameOf(path), weight})
	}
	v.Available = s.styles.available()
	return v
}

func (s *server) patchState(w http.ResponseWriter, r *http.Request) error {
	var p patch
	if err := decode(r, &p); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	from, err := s.player.controls()
	if err != nil {
		return err
	}
	to, err := s.patched(from, p)
	if err != nil {
		return err
	}
	if err := s.player.change(from, to); err != nil {
		return refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	now, err := s.player.controls()
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.show(now, s.mask))
}

// patched are the controls with a patch applied.
func (s *server) patched(c controls, p patch) (controls, error) {
	for name, v := range map[string]*float64{"alpha": p.Alpha, "smoothing": p.Smoothing} {
		if v != nil && !(*v >= 0 && *v <= 1) {
			return c, refuse(http.StatusBadRequest, "%s is %v, wanted 0 to 1", name, *v)
		}
	}
	if v := p.TransitionMS; v != nil && !(*v >= 0 && *v <= float64(maxTransition.Milliseconds())) {
		return c, refuse(http.StatusBadRequest, "transition_ms is %v, wanted 0 to %d", *v, maxTransition.Milliseconds())
	}
	if p.Alpha != nil {
		c.Alpha = *p.Alpha
	}
	if p.Smoothing != nil {
		c.Smoothing = *p.Smoothing
	}
	if p.PreserveCol != nil {
		c.PreserveColor = *p.PreserveCol
	}
	if p.TransitionMS != nil {
		c.Transition = uint64(*p.TransitionMS * 1e6)
	}
	if p.Styles != nil {
		mix, err := s.mix(p)
		if err != nil {
			return c, err
		}
		mix.Mask = c.Mask
		c.Styles = mix
	}
	if p.Mask != nil {
		c.Mask = ""
		if *p.Mask {
			if c.Mask = s.mask; c.Mask == "" {
				return c, refuse(http.StatusConflict, "there is no mask: send a picture to /api/mask first")
			}
		}
	}
	if c.Mask != "" && len(c.Names) != 2 {
		return c, refuse(http.StatusConflict,
			"a mask divides the picture between two styles, and there are %d: choose two, or switch the mask off", len(c.Names))
	}
	return c, nil
}

// mix is the styles of a patch.
func (s *server) mix(p patch) (element.Styles, error) {
	var mix element.Styles
	if len(p.Styles) < 1 || len(p.Styles) > maxStyles {
		return mix, refuse(http.StatusBadRequest, "styles has %d entries, wanted 1 to %d", len(p.Styles), maxStyles)
	}
	sum := 0.0
	for i, style := range p.Styles {
		path, ok := s.styles.pathOf(style.Name)
		if !ok {
			return mix, refuse(http.StatusBadRequest, "styles, entry %d: there is no style %q", i+1, style.Name)
		}
		weight := 1.0
		if style.Weight != nil {
			weight = *style.Weight
		}
		if !(weight >= 0 && weight <= 1000) {
			return mix, refuse(http.StatusBadRequest, "styles, entry %d: the weight is %v, wanted 0 to 1000", i+1, weight)
		}
		sum += weight
		mix.Names, mix.Weights = append(mix.Names, path), append(mix.Weights, weight)
	}
	if sum == 0 {
		return mix, refuse(http.StatusBadRequest, "styles: all weights are 0")
	}
	if len(mix.Names) == 1 || slices.Max(mix.Weights) == slices.Min(mix.Weights) {
		mix.Weights = nil // equal shares
	}
	return mix, nil
}

// thumbnail is GET /api/styles/NAME/thumbnail.jpeg.
func (s *server) thumbnail(w http.ResponseWriter, r *http.Request) error {
	path, err := s.styles.thumbnail(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Write(data)
	return nil
}

// body reads a body of at most limit bytes.
func body(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case int64(len(data)) > limit:
		return nil, tooLarge(limit)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body did not come whole: it ends after %d bytes", len(data))
	}
	return data, nil
}

// deleteStyle is DELETE /api/styles/NAME, of an uploaded one. One that is in force leaves the mix first.
func (s *server) deleteStyle(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	s.changing.Lock()
	defer s.changing.Unlock()
	path, err := s.styles.uploadPath(name)
	if err != nil {
		return err
	}
	from, err := s.player.controls()
	if err != nil {
		return err
	}
	to := from
	to.Styles = without(from.Styles, path, s.styles.first())
	if !sameStyles(from.Styles, to.Styles) {
		if err := s.player.change(from, to); err != nil {
			return refuse(http.StatusUnprocessableEntity, "%v", err)
		}
	}
	if err := s.styles.drop(name); err != nil {
		return err
	}
	return s.tell(w)
}

// without are styles less one; other takes the place of the last.
func without(from element.Styles, path, other string) (to element.Styles) {
	to.Mask = from.Mask
	for i, name := range from.Names {
		if name == path {
			continue
		}
		to.Names = append(to.Names, name)
		if i < len(from.Weights) {
			to.Weights = append(to.Weights, from.Weights[i])
		}
	}
	if len(to.Names) == len(from.Names) {
		return from
	}
	if len(to.Names) == 0 {
		to.Names = []string{other}
	}
	sum := 0.0
	for _, w := range to.Weights {
		sum += w
	}
	if len(to.Names) == 1 || sum == 0 {
		to.Weights = nil
	}
	if len(to.Names) != 2 {
		to.Mask = ""
	}
	return to
}

// renameStyle is PATCH /api/styles/NAME, of an uploaded one.
func (s *server) renameStyle(w http.ResponseWriter, r *http.Request) error {
	var to struct {
		Name *string `json:"name"`
	}
	if err := decode(r, &to); err != nil {
		return err
	}
	if to.Name == nil {
		return refuse(http.StatusBadRequest, "the body has no name")
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.styles.rename(r.PathValue("name"), *to.Name); err != nil {
		return err
	}
	return s.tell(w)
}

// tell answers with the state. It is called with changing held.
func (s *server) tell(w http.ResponseWriter) error {
	now, err := s.player.controls()
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s.show(now, s.mask))
}
