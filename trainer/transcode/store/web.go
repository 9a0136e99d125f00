package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// openWeb looks at a file on a web server.
func openWeb(ctx context.Context, address string) (*Remote, error) {
	show := Plain(address)
	client := &http.Client{Transport: transport, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return fmt.Errorf("the server leads on and on (%d redirections)%w", len(via), errFinal)
		}
		return nil
	}}
	var answer *http.Response
	err := persist(ctx, 0, func(ctx context.Context) error {
		// Not HEAD, which signed addresses do not allow.
		r, err := client.Do(request(ctx, address, 0, 1))
		if err != nil {
			return plainError(err)
		}
		r.Body.Close()
		answer = r
		return passing(r.StatusCode)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", show, err)
	}
	o := Object{Name: path.Base(strings.TrimSuffix(show, "/")), Size: answer.ContentLength, Version: versionOf(answer.Header)}
	ranges := answer.StatusCode == http.StatusPartialContent
	switch {
	case ranges:
		var first, last int64
		if n, _ := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &o.Size); n != 3 {
			return nil, fmt.Errorf("%s: the server does not say how long the film is", show)
		}
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: the server answers %s", show, answer.Status)
	}
	return newRemote(show, o, ranges, func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
		if !ranges {
			offset, length = 0, 0
		}
		r, err := client.Do(request(ctx, address, offset, length))
		if err != nil {
			return nil, plainError(err)
		}
		if err := passing(r.StatusCode); err != nil {
			r.Body.Close()
			return nil, err
		}
		if versionOf(r.Header) != o.Version || ranges && r.StatusCode != http.StatusPartialContent || r.StatusCode >= 300 {
			r.Body.Close()
			return nil, fmt.Errorf("it has changed while it was read, or is gone (%s)%w", r.Status, errFinal)
		}
		return r.Body, nil
	}), nil
}

const maxRedirects = 10

// request asks for a part, or for all where length is 0.
func request(ctx context.Context, address string, offset, length int64) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		r = (&http.Request{Method: http.MethodGet, URL: &url.URL{}, Header: http.Header{}}).WithContext(ctx) // which fails with a sentence
	}
	if length > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	}
	return r
}

// plainError takes the address, which may hold a signature, out of an error.
func plainError(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// versionOf tells two states of a file apart by what the server says of it.
func versionOf(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" {
		return tag
	}
	return h.Get("Last-Modified")
}
