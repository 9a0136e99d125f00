package storetest

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Faults are what happens to requests on their way, each with its share of them.
type Faults struct {
	Drop    float64       // no answer comes, the request does not arrive
	Cut     float64       // the connection ends in the middle of the answer; the request has arrived
	Refused float64       // 500, 503 or SlowDown without having done it
	Late    float64       // comes later by Delay at most
	Delay   time.Duration // at least that of each request, where Late is 0
}

// Faulty is a proxy in front of a server.
type Faulty struct {
	Address string
	lock    sync.Mutex
	random  *rand.Rand
	faults  Faults
	counts  map[string]int // of requests by method, of faults by name
	bytes   atomic.Int64
}

// Between starts a proxy in front of a server's address, with a seed for what fails.
func Between(t *testing.T, server string, seed uint64, faults Faults) *Faulty {
	f := &Faulty{random: rand.New(rand.NewPCG(seed, 1)), faults: faults, counts: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server})
	direct := proxy.Director
	proxy.Director = func(r *http.Request) {
		host := r.Host // which is signed
		direct(r)
		r.Host = host
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { hangUp(w) }
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Body = &metered{r.Body, &f.bytes}
		if r.Request.Header.Get(cutHeader) != "" {
			r.Body = &cut{r.Body, max(r.ContentLength/2, 0)}
		}
		return nil
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.pass(proxy, w, r) }))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	f.Address = strings.TrimPrefix(s.URL, "http://")
	return f
}

// Bytes is how many bytes of answers have come.
func (f *Faulty) Bytes() int64 { return f.bytes.Load() }

// metered counts what is read.
type metered struct {
	io.ReadCloser
	bytes *atomic.Int64
}

// Read counts.
func (m *metered) Read(b []byte) (int, error) {
	n, err := m.ReadCloser.Read(b)
	m.bytes.Add(int64(n))
	return n, err
}

const cutHeader = "X-Cut"

// Set changes the faults.
func (f *Faulty) Set(faults Faults) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.faults = faults
}

// Count is how many requests of a method have come, or how many have failed so: Drop, Cut, Refused.
func (f *Faulty) Count(name string) int {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.counts[name]
}

func (f *Faulty) pass(proxy http.Handler, w http.ResponseWriter, r *http.Request) {
	f.lock.Lock()
	faults, dice, which := f.faults, f.random.Float64(), f.random.IntN(3)
	delay := faults.Delay
	if faults.Late > 0 {
		delay = 0
		if f.random.Float64() < faults.Late {
			delay = time.Duration(f.random.Int64N(int64(faults.Delay)))
		}
	}
	fault := ""
	switch {
	case dice < faults.Drop:
		fault = "Drop"
	case dice < faults.Drop+faults.Cut:
		fault = "Cut"
	case dice < faults.Drop+faults.Cut+faults.Refused:
		fault = "Refused"
	}
	f.counts[r.Method]++
	f.counts[fault]++
	f.lock.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return
	}
	switch fault {
	case "Drop":
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case "Refused":
		io.Copy(io.Discard, r.Body)
		status, code := 500, "InternalError"
		if which > 0 {
			status = 503
			code = []string{"ServiceUnavailable", "SlowDown"}[which-1]
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		io.WriteString(w, "<Error><Code>"+code+"</Code><Message>for a test</Message></Error>")
	case "Cut":
		r.Header.Set(cutHeader, "1")
		proxy.ServeHTTP(&cutting{ResponseWriter: w}, r)
		hangUp(w)
	default:
		proxy.ServeHTTP(w, r)
	}
}

// cutting lets nothing of an answer without a body through.
type cutting struct{ http.ResponseWriter }

// WriteHeader ends the connection where no body follows.
func (c *cutting) WriteHeader(status int) {
	if c.Header().Get("Content-Length") == "0" || c.Header().Get("Content-Length") == "" {
		hangUp(c.ResponseWriter)
	}
	c.ResponseWriter.WriteHeader(status)
}

// cut is the first bytes of a body.
type cut struct {
	io.ReadCloser
	left int64
}

// Read ends with an error in the middle.
func (c *cut) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) { panic(http.ErrAbortHandler) }
