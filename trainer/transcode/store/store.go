// Package store keeps what machines share while they transcode: plans, claims, segments and results, in a folder or in a bucket
// of object storage that speaks S3. It also reads sources from there and from web servers, by range.
//
// Names are relative to the place's root and separated by slashes. What is written appears under its name only when it is whole.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
)

// Store is a place. Its methods may be called from any goroutine. Errors are sentences that name the place; what may pass, such as a
// server that does not answer, has been tried again before it is reported.
type Store interface {
	// List gives all objects whose names begin with a prefix, sorted by name.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Folder gives the objects directly below a folder ("" is the root) and the names of its folders.
	Folder(ctx context.Context, name string) (objects []Object, folders []string, err error)
	// Stat describes an object; the error is ErrMissing if there is none.
	Stat(ctx context.Context, name string) (Object, error)
	// Get reads a small object; the error is ErrMissing if there is none.
	Get(ctx context.Context, name string) ([]byte, error)
	// Put writes a small object. If it must be fresh, the error is ErrExists where another has the name.
	Put(ctx context.Context, name string, data []byte, fresh bool) error
	// Mark is Put of what need not be there after a machine has lost power, such as who is at work.
	Mark(ctx context.Context, name string, data []byte, fresh bool) error
	// Open reads length bytes of an object from an offset on, and fails if it has changed since o was taken.
	Open(ctx context.Context, o Object, offset, length int64) (io.ReadCloser, error)
	// Upload stores a file, which stays where it is, and compares checksums. If it must be fresh, the error is ErrExists where another
	// object has the name and other bytes; else that is replaced.
	Upload(ctx context.Context, path, name string, fresh bool) error
	// Download copies a whole object into a file.
	Download(ctx context.Context, o Object, path string) error
	// Remove deletes objects; those that are not there are no error.
	Remove(ctx context.Context, names ...string) error
	// Abandoned ends uploads of an object, or below a prefix that ends in a slash, that somebody has begun and not ended, and removes empty folders.
	Abandoned(ctx context.Context, prefix string) error
	// Source is an object as a film to read.
	Source(ctx context.Context, name string) (*Remote, error)
	// String is the place for people, without secrets.
	String() string
}

// Object is what is known of an object without reading it.
type Object struct {
	Name    string
	Size    int64
	Version string // changes when the content does
}

// What callers tell apart.
var (
	ErrMissing = errors.New("there is no such object")
	ErrExists  = errors.New("it is there already")
)

// IsRemote says whether a name given by a user is that of a bucket or of a web server.
func IsRemote(name string) bool { return IsBucket(name) || IsWeb(name) }

// IsBucket says whether a name is that of a bucket or of something in it.
func IsBucket(name string) bool { return strings.HasPrefix(name, bucketScheme) }

// IsWeb says whether a name is that of a file on a web server.
func IsWeb(name string) bool {
	return strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://")
}

const bucketScheme = "s3://"

// OpenPlace is the store of a place that a user names: s3://bucket/prefix or a folder, which need not exist.
func OpenPlace(name string) (Store, error) {
	if IsBucket(name) {
		return openBucket(name)
	}
	if IsWeb(name) {
		return nil, fmt.Errorf("%s: results cannot be written to a web server, wanted s3://bucket/prefix or a folder", Plain(name))
	}
	return NewFolder(name), nil
}

// OpenSource looks at a film in a bucket or on a web server.
func OpenSource(ctx context.Context, name string) (*Remote, error) {
	if !IsBucket(name) {
		return openWeb(ctx, name)
	}
	dir, base := path.Split(strings.TrimPrefix(name, bucketScheme))
	b, err := openBucket(bucketScheme + dir)
	if err != nil {
		return nil, err
	}
	return b.Source(ctx, base)
}

// Plain is an address for people: without a name, a password and what follows a question mark, where signatures stand.
func Plain(name string) string {
	u, err := url.Parse(name)
	if err != nil || u.Scheme == "" {
		if IsRemote(name) {
			scheme, _, _ := strings.Cut(name, "//")
			return scheme + "//..."
		}
		return name
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// parseBucket takes s3://bucket/prefix apart; the prefix ends in a slash unless it is empty.
func parseBucket(name string) (bucket, prefix string, err error) {
	rest := strings.TrimPrefix(name, bucketScheme)
	bucket, prefix, _ = strings.Cut(rest, "/")
	switch {
	case strings.Contains(bucket, "@") || strings.Contains(bucket, ":"):
		return "", "", errors.New("an address s3:// with a key in it was given: keys belong into the environment or a profile, where no list of processes shows them")
	case bucket == "":
		return "", "", fmt.Errorf("%q names no bucket, wanted s3://bucket/prefix", name)
	}
	prefix = strings.Trim(path.Clean("/"+prefix), "/")
	if prefix != "" {
		prefix += "/"
	}
	return bucket, prefix, nil
}
