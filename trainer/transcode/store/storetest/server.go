// Package storetest starts an S3 server for tests, and puts a network in front of it that fails as networks do.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The key of the server's owner, and its bucket.
const (
	Key    = "owner"
	Secret = "a secret that no log may show"
	Bucket = "films"
)

// Server is versitygw over a folder of the test.
type Server struct {
	Address string // host:port on 127.0.0.1
	Root    string // its objects lie here as files
	iam     string
	program string
	t       *testing.T
	lock    sync.Mutex
	process *exec.Cmd
	said    bytes.Buffer
}

// Program is the server's, which `make bucket` builds.
func Program() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "../../../../build/versitygw")
	if p := os.Getenv("VERSITYGW"); p != "" {
		path = p
	}
	_, err := os.Stat(path)
	return path, err
}

// Start starts a server with an empty bucket and ends it with the test. Without the program the test is skipped.
func Start(t *testing.T) *Server {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Skip("no S3 server (make bucket builds it): ", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: l.Addr().String(), Root: t.TempDir(), iam: t.TempDir(), program: program, t: t}
	l.Close()
	s.Begin()
	t.Cleanup(s.Stop)
	if err := s.Client().MakeBucket(context.Background(), Bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatalf("%v\n%s", err, &s.said)
	}
	return s
}

// Begin starts the server's process, again after Stop.
func (s *Server) Begin() {
	s.t.Helper()
	s.lock.Lock()
	defer s.lock.Unlock()
	s.process = exec.Command(s.program, "--port", s.Address, "--quiet", "--iam-dir", s.iam, "posix", s.Root)
	s.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+Key, "ROOT_SECRET_KEY="+Secret)
	s.process.Stdout, s.process.Stderr = &s.said, &s.said
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	for range 400 {
		if c, err := net.Dial("tcp", s.Address); err == nil {
			c.Close()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("the S3 server does not answer\n%s", &s.said)
}

// Stop kills the server's process.
func (s *Server) Stop() {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.process != nil {
		s.process.Process.Kill()
		s.process.Wait()
		s.process = nil
	}
}

// Client is one of the server's owner.
func (s *Server) Client() *minio.Client {
	c, err := minio.New(s.Address, &minio.Options{Creds: credentials.NewStaticV4(Key, Secret, ""), Region: "us-east-1"})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// AddUser makes an account that may do what the policy's actions name, on the bucket.
func (s *Server) AddUser(name, secret string, actions ...string) {
	s.t.Helper()
	c := exec.Command(s.program, "admin", "--access", Key, "--secret", Secret, "--endpoint-url", "http://"+s.Address, "create-user",
		"--access", name, "--secret", secret, "--role", "user")
	if out, err := c.CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":[%q]},"Action":["%s"],"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}]}`,
		name, strings.Join(actions, `","`), Bucket, Bucket)
	if err := s.Client().SetBucketPolicy(context.Background(), Bucket, policy); err != nil {
		s.t.Fatal(err)
	}
}

// Environment lets this process, and those that it starts, use the server at an address with a key.
func Environment(t *testing.T, address, key, secret string) {
	t.Helper()
	empty := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": "http://" + address, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
		"AWS_ENDPOINT_URL_S3": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": empty,
		"AWS_SHARED_CREDENTIALS_FILE": empty, "AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_ROLE_ARN": "", "AWS_ENDPOINT_URL_STS": ""} {
		t.Setenv(name, value)
	}
}

// Objects are the names of all objects in the bucket, and of uploads that were begun and not ended.
func (s *Server) Objects(t *testing.T) (names []string) {
	t.Helper()
	ctx, client := context.Background(), s.Client()
	for o := range client.ListObjects(ctx, Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		names = append(names, o.Key)
	}
	for u := range client.ListIncompleteUploads(ctx, Bucket, "", true) {
		if u.Err != nil {
			t.Fatal(u.Err)
		}
		names = append(names, "unfinished "+u.Key)
	}
	return names
}

// Put stores an object.
func (s *Server) Put(t *testing.T, name string, data []byte) {
	t.Helper()
	if _, err := s.Client().PutObject(context.Background(), Bucket, name, bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Get reads an object.
func (s *Server) Get(t *testing.T, name string) []byte {
	t.Helper()
	o, err := s.Client().GetObject(context.Background(), Bucket, name, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Clear removes all objects below a prefix.
func (s *Server) Clear(t *testing.T, prefix string) {
	t.Helper()
	ctx := context.Background()
	for o := range s.Client().ListObjects(ctx, Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if err := s.Client().RemoveObject(ctx, Bucket, o.Key, minio.RemoveObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}
