package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
)

// Bucket is a store below a prefix in a bucket.
type Bucket struct {
	core     *minio.Core
	endpoint string
	bucket   string
	prefix   string // "" or with a slash at its end
}

// String is the bucket and the prefix.
func (b *Bucket) String() string { return bucketScheme + b.bucket + "/" + b.prefix }

func (b *Bucket) key(name string) string { return b.prefix + name }

// ask is persist with errors that name the place.
func (b *Bucket) ask(ctx context.Context, name string, write bool, size int64, f func(context.Context) error) error {
	return b.explain(persist(ctx, size, f), name, write)
}

// explain turns what a server answers into a sentence.
func (b *Bucket) explain(err error, name string, write bool) error {
	var answer minio.ErrorResponse
	if err == nil || !errors.As(err, &answer) {
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s%s at %s: %w", b, name, b.endpoint, err)
		}
		return err
	}
	place := fmt.Sprintf("%s%s", b, name)
	switch answer.Code {
	case "NoSuchKey":
		return fmt.Errorf("%s: %w", place, ErrMissing)
	case "PreconditionFailed":
		return fmt.Errorf("%s: %w", place, ErrExists)
	case "NoSuchBucket":
		return fmt.Errorf("there is no bucket %q at %s", b.bucket, b.endpoint)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken":
		return fmt.Errorf("%s does not accept the key for bucket %q (%s): look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile", b.endpoint, b.bucket, answer.Code)
	case "RequestTimeTooSkewed":
		return fmt.Errorf("%s refuses requests of this machine, whose clock differs from its own by more than servers allow: set the clock", b.endpoint)
	case "NotImplemented":
		return fmt.Errorf("%s lacks something that is needed for %s, such as writes on condition (If-None-Match): %s", b.endpoint, place, answer.Message)
	}
	switch {
	case answer.StatusCode == http.StatusForbidden:
		what := "read"
		if write {
			what = "write"
		}
		return fmt.Errorf("there is no right to %s %s at %s (%s)", what, place, b.endpoint, answer.Code)
	case answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %w", place, ErrMissing)
	}
	return fmt.Errorf("%s at %s: %s (%d %s)", place, b.endpoint, answer.Message, answer.StatusCode, answer.Code)
}

// List implements Store.
func (b *Bucket) List(ctx context.Context, prefix string) ([]Object, error) {
	objects, _, err := b.list(ctx, prefix, false)
	return objects, err
}

// Folder implements Store.
func (b *Bucket) Folder(ctx context.Context, name string) ([]Object, []string, error) {
	if name != "" {
		name += "/"
	}
	return b.list(ctx, name, true)
}

func (b *Bucket) list(ctx context.Context, prefix string, direct bool) (objects []Object, folders []string, err error) {
	err = b.ask(ctx, prefix, false, small, func(ctx context.Context) error {
		objects, folders = nil, nil
		for o := range b.core.Client.ListObjectsIter(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.key(prefix), Recursive: !direct}) {
			name := strings.TrimPrefix(o.Key, b.prefix)
			switch {
			case o.Err != nil:
				return o.Err
			case direct && strings.HasSuffix(name, "/") && o.ETag == "":
				folders = append(folders, strings.TrimSuffix(name, "/"))
			case !strings.HasSuffix(name, "/"): // else what some programs leave for an empty folder
				objects = append(objects, Object{name, o.Size, strings.Trim(o.ETag, `"`)})
			}
		}
		return nil
	})
	return objects, folders, err
}

// Stat implements Store.
func (b *Bucket) Stat(ctx context.Context, name string) (o Object, err error) {
	err = b.ask(ctx, name, false, 0, func(ctx context.Context) error {
		info, err := b.core.StatObject(ctx, b.bucket, b.key(name), minio.StatObjectOptions{})
		o = Object{name, info.Size, info.ETag}
		return err
	})
	return o, err
}

// small is more than any object has that Get reads.
const small = 16 << 20

// Get implements Store.
func (b *Bucket) Get(ctx context.Context, name string) (data []byte, err error) {
	err = b.ask(ctx, name, false, small, func(ctx context.Context) error {
		body, _, _, err := b.core.GetObject(ctx, b.bucket, b.key(name), minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer body.Close()
		data, err = io.ReadAll(io.LimitReader(body, small))
		return err
	})
	return data, err
}

// Put implements Store. Where an earlier try has arrived though its answer has not, the object is there with these very bytes.
func (b *Bucket) Put(ctx context.Context, name string, data []byte, fresh bool) error {
	sum := md5.Sum(data)
	err := b.ask(ctx, name, true, int64(len(data)), func(ctx context.Context) error {
		return b.put(ctx, name, bytes.NewReader(data), int64(len(data)), sum[:], fresh)
	})
	if errors.Is(err, ErrExists) {
		if held, getErr := b.Get(ctx, name); getErr == nil && bytes.Equal(held, data) {
			return nil
		}
	}
	return err
}

// Mark implements Store.
func (b *Bucket) Mark(ctx context.Context, name string, data []byte, fresh bool) error {
	return b.Put(ctx, name, data, fresh)
}

// put writes an object whose MD5, which the server compares, is sum.
func (b *Bucket) put(ctx context.Context, name string, r io.Reader, size int64, sum []byte, fresh bool) error {
	_, err := b.core.PutObject(ctx, b.bucket, b.key(name), io.NopCloser(r), size, base64.StdEncoding.EncodeToString(sum), "", condition(fresh))
	return err
}

// condition is that of a write: the server refuses it where the name is taken.
func condition(fresh bool) (o minio.PutObjectOptions) {
	if fresh {
		o.SetMatchETagExcept("*")
	}
	return o
}

// Open implements Store.
func (b *Bucket) Open(ctx context.Context, o Object, offset, length int64) (io.ReadCloser, error) {
	options := minio.GetObjectOptions{}
	if err := errors.Join(options.SetRange(offset, offset+length-1), options.SetMatchETag(o.Version)); err != nil {
		return nil, err
	}
	body, _, _, err := b.core.GetObject(ctx, b.bucket, b.key(o.Name), options)
	if err != nil {
		var answer minio.ErrorResponse
		if errors.As(err, &answer) && answer.StatusCode == http.StatusPreconditionFailed {
			return nil, fmt.Errorf("%s%s has changed while it was read%w", b, o.Name, errFinal)
		}
		if final(err) {
			return nil, fmt.Errorf("%w%w", b.explain(err, o.Name, false), errFinal)
		}
		return nil, b.explain(err, o.Name, false)
	}
	return body, nil
}

// Download implements Store.
func (b *Bucket) Download(ctx context.Context, o Object, path string) error {
	r, err := b.Source(ctx, o.Name)
	if err != nil {
		return err
	}
	return r.Copy(ctx, path)
}

// Remove implements Store.
func (b *Bucket) Remove(ctx context.Context, names ...string) error {
	for batch := range slices.Chunk(names, 1000) {
		if err := b.remove(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bucket) remove(ctx context.Context, names []string) error {
	if len(names) == 1 {
		return b.ask(ctx, names[0], true, 0, func(ctx context.Context) error {
			return b.core.RemoveObject(ctx, b.bucket, b.key(names[0]), minio.RemoveObjectOptions{})
		})
	}
	return b.ask(ctx, path.Dir(names[0])+"/", true, 0, func(ctx context.Context) error {
		all := make(chan minio.ObjectInfo, len(names))
		for _, name := range names {
			all <- minio.ObjectInfo{Key: b.key(name)}
		}
		close(all)
		var failed error
		for e := range b.core.RemoveObjects(ctx, b.bucket, all, minio.RemoveObjectsOptions{}) {
			failed = e.Err
		}
		return failed
	})
}

// Abandoned implements Store.
func (b *Bucket) Abandoned(ctx context.Context, prefix string) error {
	var begun minio.ListMultipartUploadsResult
	err := b.ask(ctx, prefix, true, 0, func(ctx context.Context) (err error) {
		begun, err = b.core.ListMultipartUploads(ctx, b.bucket, b.key(prefix), "", "", "", 1000)
		return err
	})
	for _, u := range begun.Uploads {
		err = errors.Join(err, b.abort(ctx, u.Key, u.UploadID))
	}
	return err
}

func (b *Bucket) abort(ctx context.Context, key, id string) error {
	return b.ask(ctx, strings.TrimPrefix(key, b.prefix), true, 0, func(ctx context.Context) error {
		err := b.core.AbortMultipartUpload(ctx, b.bucket, key, id)
		var answer minio.ErrorResponse
		if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
			return nil
		}
		return err
	})
}

// Source implements Store.
func (b *Bucket) Source(ctx context.Context, name string) (*Remote, error) {
	o, err := b.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return newRemote(b.String()+name, o, true, func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
		return b.Open(ctx, o, offset, length)
	}), nil
}
