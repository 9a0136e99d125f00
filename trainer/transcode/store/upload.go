package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minio/minio-go/v7"
)

// partSize is that of the parts of large objects. Changed by tests; servers want 5 MiB at least.
var partSize int64 = 16 << 20

// maxParts is how many parts an object may have.
const maxParts = 10000

// Upload implements Store. The server compares each part with its MD5; the object is there when all have come, and then its own checksum
// is compared, or, where that is none of this kind, its bytes.
func (b *Bucket) Upload(ctx context.Context, path, name string, fresh bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size, part := info.Size(), max(partSize, (info.Size()+maxParts-1)/maxParts)
	var sum string
	if size <= part {
		var own []byte
		if own, err = fileSum(path); err == nil {
			sum = hex.EncodeToString(own)
			err = b.ask(ctx, name, true, size, func(ctx context.Context) error {
				return b.put(ctx, name, io.NewSectionReader(file, 0, size), size, own, fresh)
			})
		}
	} else {
		sum, err = b.parts(ctx, file, size, part, name, fresh)
	}
	if err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	taken := err
	o, err := b.Stat(ctx, name)
	if err != nil {
		return err
	}
	// Where the server encrypts with keys of its own, its versions are no checksums.
	if o.Size == size && (o.Version == sum || b.same(ctx, o, path)) {
		return nil
	}
	if taken != nil {
		return taken
	}
	return fmt.Errorf("%s%s has arrived with %d bytes and the checksum %s, wanted %d and %s", b, name, o.Size, o.Version, size, sum)
}

// parts uploads a file in parts and gives the checksum that the object should have.
func (b *Bucket) parts(ctx context.Context, file *os.File, size, part int64, name string, fresh bool) (sum string, err error) {
	var id string
	err = b.ask(ctx, name, true, 0, func(ctx context.Context) (err error) {
		id, err = b.core.NewMultipartUpload(ctx, b.bucket, b.key(name), minio.PutObjectOptions{})
		return err
	})
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			b.abort(context.WithoutCancel(ctx), b.key(name), id)
		}
	}()
	var done []minio.CompletePart
	all := md5.New()
	for at := int64(0); at < size; at += part {
		n := min(part, size-at)
		own := md5.New()
		if _, err := io.Copy(own, io.NewSectionReader(file, at, n)); err != nil {
			return "", err
		}
		all.Write(own.Sum(nil))
		number := len(done) + 1
		err := b.ask(ctx, name, true, n, func(ctx context.Context) error {
			p, err := b.core.PutObjectPart(ctx, b.bucket, b.key(name), id, number, io.NewSectionReader(file, at, n), n,
				minio.PutObjectPartOptions{Md5Base64: base64.StdEncoding.EncodeToString(own.Sum(nil))})
			if err == nil {
				done = append(done, minio.CompletePart{PartNumber: number, ETag: p.ETag})
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	err = b.ask(ctx, name, true, 0, func(ctx context.Context) error {
		_, err := b.core.CompleteMultipartUpload(ctx, b.bucket, b.key(name), id, done, condition(fresh))
		return err
	})
	if errors.Is(err, ErrMissing) { // an earlier try has completed it, its answer was lost
		err = nil
	}
	return fmt.Sprintf("%x-%d", all.Sum(nil), len(done)), err
}

// same compares an object with a file, byte for byte.
func (b *Bucket) same(ctx context.Context, o Object, path string) bool {
	r, err := b.Source(ctx, o.Name)
	if err != nil || r.Object.Version != o.Version {
		return false
	}
	h := md5.New()
	if r.write(ctx, h) != nil {
		return false
	}
	sum, err := fileSum(path)
	return err == nil && bytes.Equal(h.Sum(nil), sum)
}

// fileSum is the MD5 of a file, which S3 compares.
func fileSum(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := md5.New()
	if _, err := io.Copy(h, file); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
