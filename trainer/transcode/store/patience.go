package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
)

// Limits are how long this package waits. Change them before the first request only.
var Limits = struct {
	Patience time.Duration // a request that fails in a way that may pass is tried again for so long
	Answer   time.Duration // a server has so long to answer one request, beside the time for the bytes
	Rate     int64         // at which bytes come at least, a second
}{10 * time.Minute, 30 * time.Second, 128 << 10}

// requests counts those of this process, each try, in the transport of all.
var requests atomic.Int64

// Requests is how many requests this process has sent to buckets and web servers.
func Requests() int64 { return requests.Load() }

// persist calls f until it succeeds, fails for good, or patience ends. Each try has its own time, by the bytes it moves.
func persist(ctx context.Context, size int64, f func(context.Context) error) error {
	end := time.Now().Add(Limits.Patience)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 3*time.Second) {
		one, cancel := context.WithTimeout(ctx, Limits.Answer+time.Duration(size/Limits.Rate)*time.Second)
		err := f(one)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil || final(err) || time.Now().After(end):
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait/2 + rand.N(wait/2)): // apart from others that were refused at the same time
		}
	}
}

// errFinal marks errors after which trying again is of no use.
var errFinal = errors.New("")

// final says whether a request that failed would fail again.
func final(err error) bool {
	if errors.Is(err, errFinal) || errors.Is(err, ErrMissing) || errors.Is(err, ErrExists) {
		return true
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return true
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return false // the network's
	}
	return answer.Code != "SlowDown" && passing(answer.StatusCode) == nil
}

// passing is an error for the status of an answer that may be another the next time.
func passing(status int) error {
	switch {
	case status == http.StatusNotImplemented:
		return nil
	case status >= 500 || status == 0, status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests:
		return fmt.Errorf("the server answers %d %s", status, http.StatusText(status))
	}
	return nil
}
