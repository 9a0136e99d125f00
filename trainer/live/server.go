package live

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"adainfilter/model"
	"adainfilter/trainer/live/media"
)

//go:embed page
var page embed.FS

var loginForm = template.Must(template.ParseFS(page, "page/login.html"))

// player is the pipeline as the server sees it.
type player interface {
	controls() (controls, error)
	change(from, to controls) error
	content(ctx context.Context) (*model.Image, error)
	rates() rates
}

// server answers requests. The page and its pictures are files; all else is in interface.go.
type server struct {
	player   player
	pictures *hub
	styles   *catalogue
	access   access
	source   string // its title

	changing sync.Mutex    // held from reading the controls until they are changed
	mask     string        // the file that can be switched on, "" is none; under changing
	turns    *turns        // of uploads
	decoder  []string      // the command that decodes them
	seconds  int           // of processor time that it may take, maxDecodeSeconds
	grace    time.Duration // bodyGrace
	coded    *media.Feed   // H.264, nil is none
	viewers  viewers       // of that
}

// newServer takes over the styles and the mask that the player begins with.
func newServer(p player, source string, pictures *hub, styles *catalogue, a access) (*server, error) {
	now, err := p.controls()
	if err != nil {
		return nil, err
	}
	for _, path := range now.Names {
		styles.nameOf(path)
	}
	return &server{player: p, source: source, pictures: pictures, styles: styles, access: a, mask: now.Mask,
		turns: newTurns(), seconds: maxDecodeSeconds, grace: bodyGrace}, nil
}

// handler is what answers a method of an address; an error that is no refusal is the server's own.
type handler func(http.ResponseWriter, *http.Request) error

// refusal is an error with its status.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return refusal{status, fmt.Sprintf(format, args...)}
}

// routes are the methods of each address. Those that are open need no token: they hold nothing but the program's own files.
func (s *server) routes() (routes map[string]map[string]handler, open []string) {
	routes = map[string]map[string]handler{
		"/":                                 {"GET": s.index},
		"/login":                            {"POST": s.login},
		"/stream.mjpeg":                     {"GET": s.stream},
		"/stream.mp4":                       {"GET": s.video},
		"/snapshot.jpeg":                    {"GET": s.snapshot},
		"/api/styles/{name}":                {"DELETE": s.deleteStyle, "PATCH": s.renameStyle},
		"/api/state":                        {"GET": s.getState, "PATCH": s.patchState},
		"/api/styles":                       {"POST": s.postStyle},
		"/api/styles/{name}/thumbnail.jpeg": {"GET": s.thumbnail},
		"/api/mask":                         {"POST": s.postMask},
	}
	open = []string{"/", "/login"}
	for name, kind := range map[string]string{"style.css": "text/css", "page.js": "text/javascript", "video.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		routes["/"+name] = map[string]handler{"GET": asset(name, kind)}
		open = append(open, "/"+name)
	}
	return routes, open
}

// handle is the whole of what is served.
func (s *server) handle() http.Handler {
	mux := http.NewServeMux()
	routes, open := s.routes()
	for address, methods := range routes {
		pattern := address
		if address == "/" {
			pattern = "/{$}"
		}
		mux.HandleFunc(pattern, s.answer(func(w http.ResponseWriter, r *http.Request) error {
			if !slices.Contains(open, address) && !s.access.entered(r) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="adain live"`)
				return refuse(http.StatusUnauthorized,
					"the token is missing or wrong: send it as Authorization: Bearer TOKEN, or open the page and log in")
			}
			return method(methods, w, r)
		}))
	}
	mux.HandleFunc("/", s.answer(func(_ http.ResponseWriter, r *http.Request) error {
		return refuse(http.StatusNotFound, "there is nothing at %q", r.URL.Path)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect to what such a path might mean.
		if p := r.URL.Path; !strings.HasPrefix(p, "/") || path.Clean(p) != p || r.Method == http.MethodConnect {
			s.answer(func(http.ResponseWriter, *http.Request) error {
				return refuse(http.StatusBadRequest, "the path %q is not one of this page", p)
			})(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func method(methods map[string]handler, w http.ResponseWriter, r *http.Request) error {
	name := r.Method
	if name == http.MethodHead {
		name = http.MethodGet // net/http leaves the body out
	}
	if h, ok := methods[name]; ok {
		return h(w, r)
	}
	allowed := make([]string, 0, len(methods))
	for m := range methods {
		allowed = append(allowed, m)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return refuse(http.StatusMethodNotAllowed, "%s is not possible here, only %s", r.Method, strings.Join(allowed, ", "))
}

// answer sets what holds for every answer and makes JSON of errors.
func (s *server) answer(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; media-src blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		// With no-referrer a browser sends the form for the token with "Origin: null", as a foreign page would.
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		err := s.access.check(r)
		if err == nil {
			err = h(w, r)
		}
		if err == nil {
			return
		}
		status := http.StatusInternalServerError
		var refused refusal
		if errors.As(err, &refused) {
			status = refused.status
		}
		header.Set("Connection", "close")
		replyWhole(w, r, status, map[string]string{"error": err.Error()})
	}
}

// How much of a refused body is read, so that its sender hears the refusal: one that is closed upon would see its connection break instead.
const (
	restBytes = 64 << 20
	restTime  = 10 * time.Second
)

// replyWhole answers before the body has come, and then reads what is left of it.
func replyWhole(w http.ResponseWriter, r *http.Request, status int, v any) {
	c := http.NewResponseController(w)
	c.EnableFullDuplex() // of HTTP/1, which all here speak
	data, _ := json.Marshal(v)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	c.SetReadDeadline(time.Now().Add(restTime))
	reply(w, status, v)
	c.Flush()
	if r.Body != nil && r.Header.Get("Expect") == "" {
		io.CopyN(io.Discard, r.Body, restBytes)
	}
}

// reply sends JSON.
func reply(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(data, '\n')) // who does not listen any more need not be told
	return nil
}

// asset serves a file of the page.
func asset(name, kind string) handler {
	return func(w http.ResponseWriter, _ *http.Request) error { return write(w, http.StatusOK, name, kind) }
}

func write(w http.ResponseWriter, status int, name, kind string) error {
	data, err := page.ReadFile("page/" + name)
	if err != nil {
		return err
	}
	answer(w, status, data, kind)
	return nil
}

func answer(w http.ResponseWriter, status int, data []byte, kind string) {
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.WriteHeader(status)
	w.Write(data)
}

// index is the page, or the form for the token. /?token=TOKEN opens the page at once; no redirect follows, since a browser that
// came from elsewhere would not send a strict cookie with it.
func (s *server) index(w http.ResponseWriter, r *http.Request) error {
	if s.access.entered(r) || s.access.enter(w, r.URL.Query().Get("token")) {
		return write(w, http.StatusOK, "index.html", "text/html")
	}
	return askToken(w, false)
}

// askToken sends the form for the token, which says so if a wrong one was refused.
func askToken(w http.ResponseWriter, refused bool) error {
	var form bytes.Buffer
	if err := loginForm.Execute(&form, refused); err != nil {
		return err
	}
	answer(w, http.StatusUnauthorized, form.Bytes(), "text/html")
	return nil
}

func (s *server) login(w http.ResponseWriter, r *http.Request) error {
	data, err := body(r, maxForm)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return refuse(http.StatusBadRequest, "the form cannot be read, wanted token=TOKEN")
	}
	if !s.access.enter(w, form.Get("token")) {
		return askToken(w, true)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// serve answers until ctx is done, and then ends every connection.
func (s *server) serve(ctx context.Context, listener net.Listener, errors *log.Logger) error {
	h := &http.Server{
		Handler:           s.handle(),
		ErrorLog:          errors,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * styleWait,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		// A large buffer in the kernel would keep old pictures for a slow client.
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if tcp, ok := c.(*net.TCPConn); ok {
				tcp.SetWriteBuffer(128 << 10)
			}
			return ctx
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the page's server failed: %w", err)
	case <-ctx.Done():
	}
	timely, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if h.Shutdown(timely) != nil {
		h.Close()
	}
	<-ended
	return nil
}
