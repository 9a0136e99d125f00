package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"adainfilter/trainer/transcode/store/storetest"
)

// places are an empty store of each kind.
func places(t *testing.T, f func(t *testing.T, s Store)) {
	t.Run("folder", func(t *testing.T) { f(t, NewFolder(filepath.Join(t.TempDir(), "out"))) })
	t.Run("bucket", func(t *testing.T) {
		server := storetest.Start(t)
		storetest.Environment(t, server.Address, storetest.Key, storetest.Secret)
		f(t, opened(t, "s3://films/some/where"))
	})
}

func opened(t *testing.T, name string) Store {
	t.Helper()
	s, err := OpenPlace(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func fileWith(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func namesOf(objects []Object) (names []string) {
	for _, o := range objects {
		names = append(names, o.Name)
	}
	return names
}

// TestStore: both kinds keep the interface's promises.
func TestStore(t *testing.T) {
	partSize = 5 << 20
	defer func() { partSize = 16 << 20 }()
	places(t, promises)
}

func promises(t *testing.T, s Store) {
	ctx := context.Background()
	if _, err := s.Stat(ctx, "none"); !errors.Is(err, ErrMissing) {
		t.Errorf("Stat of nothing: %v", err)
	}
	if _, err := s.Get(ctx, "none"); !errors.Is(err, ErrMissing) {
		t.Errorf("Get of nothing: %v", err)
	}
	if l, err := s.List(ctx, ".work/"); len(l) != 0 || err != nil {
		t.Errorf("List of nothing: %v, %v", l, err)
	}
	if err := s.Put(ctx, ".work/a", []byte("first"), true); err != nil {
		t.Fatal(err)
	}
	before, _ := s.Stat(ctx, ".work/a")
	if err := s.Put(ctx, ".work/a", []byte("other"), true); !errors.Is(err, ErrExists) {
		t.Errorf("a second fresh Put: %v", err)
	}
	if err := s.Put(ctx, ".work/a", []byte("again"), false); err != nil {
		t.Error(err)
	}
	after, _ := s.Stat(ctx, ".work/a")
	if text, err := s.Get(ctx, ".work/a"); string(text) != "again" || err != nil || before.Version == after.Version {
		t.Errorf("%q, %v, versions %q and %q", text, err, before.Version, after.Version)
	}
	if _, err := io.ReadAll(must(s.Open(ctx, before, 0, 3))); err == nil {
		t.Error("an object that has changed was read")
	}
	for _, size := range []int{0, 1000, 5 << 20, 11<<20 + 7} {
		data, name := noise(uint64(size), size), fmt.Sprintf("deep/er/%d.mp4", size)
		path := fileWith(t, data)
		if err := s.Upload(ctx, path, name, true); err != nil {
			t.Fatal(size, err)
		}
		if err := s.Upload(ctx, path, name, true); err != nil {
			t.Errorf("%d: the same bytes again: %v", size, err)
		}
		other := append(bytes.Clone(data), 'x')
		other[0]++
		for _, n := range []int{size, size + 1} {
			if err := s.Upload(ctx, fileWith(t, other[:n]), name, true); n > 0 && !errors.Is(err, ErrExists) {
				t.Errorf("%d: %d other bytes: %v", size, n, err)
			}
		}
		if err := errors.Join(s.Upload(ctx, fileWith(t, other), name, false), s.Upload(ctx, path, name, false)); err != nil {
			t.Errorf("%d: in the place of others: %v", size, err)
		}
		o, err := s.Stat(ctx, name)
		copied := filepath.Join(t.TempDir(), "copy")
		if err = errors.Join(err, s.Download(ctx, o, copied)); err != nil {
			t.Fatal(size, err)
		}
		if got, _ := os.ReadFile(copied); !bytes.Equal(got, data) {
			t.Errorf("%d: came back otherwise", size)
		}
		if size > 500 {
			got, err := io.ReadAll(must(s.Open(ctx, o, 100, 300)))
			if err != nil || !bytes.Equal(got, data[100:400]) {
				t.Errorf("%d: a range is %d bytes, %v", size, len(got), err)
			}
		}
	}
	objects, folders, err := s.Folder(ctx, "deep")
	if len(objects) != 0 || !slices.Equal(folders, []string{"deep/er"}) || err != nil {
		t.Errorf("Folder: %v %v %v", objects, folders, err)
	}
	objects, folders, err = s.Folder(ctx, "deep/er")
	if len(objects) != 4 || len(folders) != 0 || err != nil {
		t.Errorf("Folder: %v %v %v", objects, folders, err)
	}
	all, err := s.List(ctx, "deep/")
	if err != nil || !slices.Equal(namesOf(all), []string{"deep/er/0.mp4", "deep/er/1000.mp4", "deep/er/11534343.mp4", "deep/er/5242880.mp4"}) {
		t.Errorf("List: %v %v", namesOf(all), err)
	}
	if err := s.Remove(ctx, append(namesOf(all), "none")...); err != nil {
		t.Error(err)
	}
	if err := errors.Join(s.Remove(ctx, ".work/a"), s.Abandoned(ctx, ".work/"), s.Abandoned(ctx, "deep/")); err != nil {
		t.Error(err)
	}
	if all, err := s.List(ctx, ""); len(all) != 0 || err != nil {
		t.Errorf("left: %v, %v", all, err)
	}
	if _, folders, _ := s.Folder(ctx, ""); len(folders) != 0 {
		t.Errorf("left: %v", folders)
	}
}

// TestAbandoned: what a process that was killed has left of one object goes, and nothing else of that name.
func TestAbandoned(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".film.mp4.123.part", "film.mp4", "film.mp4.part", ".film.mp4.txt", "film/mine.part"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s := NewFolder(dir)
	if err := errors.Join(s.Abandoned(context.Background(), "film.mp4"), s.Abandoned(context.Background(), "film")); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*")) // hidden ones too
	below, _ := filepath.Glob(filepath.Join(dir, "film/*"))
	if len(left) != 4 || len(below) != 1 {
		t.Errorf("%q and %q are left", left, below)
	}
}

// TestLongNames: what a file system allows as a name can be written, and what was left of it goes.
func TestLongNames(t *testing.T) {
	dir := t.TempDir()
	s, ctx := NewFolder(dir), t.Context()
	path := fileWith(t, []byte("film"))
	for _, name := range []string{strings.Repeat("x", 251) + ".mp4", strings.Repeat("я", 125) + ".mp4"} {
		err := errors.Join(s.Upload(ctx, path, name, false), s.Put(ctx, name, []byte("again"), false), s.Upload(ctx, path, name, false))
		if text, getErr := s.Get(ctx, name); string(text) != "film" || err != nil || getErr != nil {
			t.Errorf("%q, %v, %v", text, err, getErr)
		}
		left := filepath.Join(dir, partBegin(name)+"1"+partEnd)
		if err := errors.Join(os.WriteFile(left, nil, 0o600), s.Abandoned(ctx, name)); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("what was left: %v", err)
		}
	}
}

// TestWithoutLinks: on disks of cameras and some network drives a folder keeps its promises without hard links.
func TestWithoutLinks(t *testing.T) {
	hardLink = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM} }
	defer func() { hardLink = os.Link }()
	t.Run("TestStore", func(t *testing.T) { promises(t, NewFolder(filepath.Join(t.TempDir(), "out"))) })
	t.Run("TestOnlyOne", func(t *testing.T) { onlyOne(t, NewFolder(filepath.Join(t.TempDir(), "out"))) })
}

func must(r io.ReadCloser, err error) io.Reader {
	if err != nil {
		return failing{err}
	}
	return r
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// TestOnlyOne: of many that make one object at the same time, one succeeds.
func TestOnlyOne(t *testing.T) { places(t, onlyOne) }

func onlyOne(t *testing.T, s Store) {
	for round := range 5 {
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Add(1)
			go func() {
				defer all.Done()
				switch err := s.Put(context.Background(), fmt.Sprintf("claim.%d", round), fmt.Appendf(nil, "worker %d", i), true); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ErrExists):
					t.Error(err)
				}
			}()
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have made it", won.Load())
		}
	}
}

// quick lets requests be tried again soon.
func quick(t *testing.T) {
	old := Limits
	Limits.Patience, Limits.Answer = 20*time.Second, 500*time.Millisecond
	t.Cleanup(func() { Limits = old })
}

// TestFaults: what a network does to requests is not seen above, and an object is whole or not there.
func TestFaults(t *testing.T) {
	quick(t)
	partSize = 5 << 20
	defer func() { partSize = 16 << 20 }()
	server := storetest.Start(t)
	between := storetest.Between(t, server.Address, 7, storetest.Faults{Drop: 0.05, Cut: 0.1, Refused: 0.15, Delay: 5 * time.Millisecond})
	storetest.Environment(t, between.Address, storetest.Key, storetest.Secret)
	s, ctx := opened(t, "s3://films/p"), context.Background()
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for i := range rounds {
		name := fmt.Sprintf("claims/%d", i)
		if err := s.Put(ctx, name, []byte(name), true); err != nil {
			t.Error("Put: ", err)
		}
		if text, err := s.Get(ctx, name); string(text) != name || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		size := []int{10, 7 << 20}[i%2]
		data := noise(uint64(i), size)
		big := fmt.Sprintf("big/%d", i)
		if err := s.Upload(ctx, fileWith(t, data), big, true); err != nil {
			t.Fatal("Upload: ", err)
		}
		if got := server.Get(t, "p/"+big); !bytes.Equal(got, data) {
			t.Errorf("%s has arrived with %d bytes, wanted %d", big, len(got), len(data))
		}
		o, err := s.Stat(ctx, big)
		copied := filepath.Join(t.TempDir(), "copy")
		if err = errors.Join(err, s.Download(ctx, o, copied)); err != nil {
			t.Fatal("Download: ", err)
		}
		if got, _ := os.ReadFile(copied); !bytes.Equal(got, data) {
			t.Errorf("%s came back with %d bytes", big, len(got))
		}
	}
	all, err := s.List(ctx, "")
	if len(all) != 2*rounds || err != nil {
		t.Errorf("%d objects, wanted %d: %v", len(all), 2*rounds, err)
	}
	between.Set(storetest.Faults{})
	if err := errors.Join(s.Remove(ctx, namesOf(all)...), s.Abandoned(ctx, "")); err != nil {
		t.Error(err)
	}
	if left := server.Objects(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	for _, fault := range []string{"Cut", "Refused"} {
		if between.Count(fault) == 0 {
			t.Errorf("nothing has failed by %s", fault)
		}
	}
}

// TestRanges: what is read by range are the film's bytes, and not many more than were wanted.
func TestRanges(t *testing.T) {
	data := noise(3, 40<<20+123)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "film.mp4", time.Time{}, bytes.NewReader(data))
	}))
	defer web.Close()
	ctx := context.Background()
	r, err := OpenSource(ctx, web.URL+"/film.mp4?signature=hidden")
	if err != nil {
		t.Fatal(err)
	}
	if r.Display != web.URL+"/film.mp4" || !r.Ranges || r.Size != int64(len(data)) || r.Name != "film.mp4" {
		t.Errorf("%+v", r)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		at, n := random.Int64N(r.Size), random.IntN(3<<20)
		got, err := r.ReadRange(ctx, at, n)
		if want := data[at:min(at+int64(n), r.Size)]; err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes from %d on: %d bytes, %v", n, at, len(got), err)
		}
	}
	if _, err := r.ReadRange(ctx, r.Size, 1); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
	again, _ := OpenSource(ctx, web.URL+"/film.mp4")
	for at := int64(0); at < 1000; at += 100 {
		again.ReadRange(ctx, 5<<20+at, 100)
	}
	if n := again.Bytes(); n != blockSize {
		t.Errorf("%d bytes came for 1000", n)
	}
}

// TestChanged: a source that changes while it is read is an error, and so is a server that stops to know it.
func TestChanged(t *testing.T) {
	version := "a"
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+version+`"`)
		http.ServeContent(w, r, "film.mp4", time.Time{}, bytes.NewReader(noise(1, 3<<20)))
	}))
	defer web.Close()
	r, err := OpenSource(context.Background(), web.URL)
	if err != nil {
		t.Fatal(err)
	}
	version = "b"
	if _, err := r.ReadRange(context.Background(), 0, 10); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("error is %v", err)
	}
}
