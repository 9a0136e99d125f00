package store

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"adainfilter/trainer/transcode/store/storetest"
)

// TestSentences: what can be wrong with a place is said in one sentence, without secrets.
func TestSentences(t *testing.T) {
	quick(t)
	server := storetest.Start(t)
	server.AddUser("reader", "reader's", "s3:GetObject", "s3:ListBucket")
	server.Put(t, "there", []byte("x"))
	for _, c := range []struct{ place, key, secret, want string }{
		{"s3://films/x", storetest.Key, "wrong", "does not accept the key"},
		{"s3://films/x", "nobody", "wrong", "does not accept the key"},
		{"s3://nowhere/x", storetest.Key, storetest.Secret, `there is no bucket "nowhere"`},
		{"s3://films/x", "reader", "reader's", "there is no right to write s3://films/x/claim"},
		{"s3://key:word@films/x", "", "", "keys belong into the environment"},
		{"s3://", "", "", "names no bucket"},
		{"https://host/folder", "", "", "cannot be written to a web server"},
	} {
		storetest.Environment(t, server.Address, c.key, c.secret)
		s, err := OpenPlace(c.place)
		if err == nil {
			err = s.Put(context.Background(), "claim", []byte("x"), true)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "word") || c.secret != "" && strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s as %q: %v, wanted %q", c.place, c.key, err, c.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than one line: %q", err)
		}
	}
	if left := server.Objects(t); !slices.Equal(left, []string{"there"}) {
		t.Errorf("objects are %q", left)
	}
}

func TestPlain(t *testing.T) {
	for name, want := range map[string]string{
		"https://me:word@host/a/film.mp4?X-Amz-Signature=1#x": "https://host/a/film.mp4",
		"s3://bucket/a b.mp4": "s3://bucket/a%20b.mp4", "/films/a?b.mp4": "/films/a?b.mp4", "https://%zz?secret": "https://...",
	} {
		if got := Plain(name); got != want {
			t.Errorf("%q is %q, wanted %q", name, got, want)
		}
	}
}

// TestProfile: endpoint, region and keys come from the files of the AWS command line.
func TestProfile(t *testing.T) {
	storetest.Environment(t, "", "", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"config":      "[default]\nregion = venus\n[profile other]\nendpoint_url = http://127.0.0.1:9\nregion = mars\n",
		"credentials": "[other]\naws_access_key_id = one\naws_secret_access_key = two\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	t.Setenv("AWS_PROFILE", "other")
	b, err := openBucket("s3://x")
	if err != nil {
		t.Fatal(err)
	}
	v, err := keys(profile()).GetWithContext(nil)
	if err != nil || !reflect.DeepEqual([]string{v.AccessKeyID, v.SecretAccessKey}, []string{"one", "two"}) || b.endpoint != "127.0.0.1:9" {
		t.Errorf("key %q, endpoint %q, %v", v.AccessKeyID, b.endpoint, err)
	}
	if region := setting(profile(), "region", "AWS_REGION", "AWS_DEFAULT_REGION"); region != "mars" {
		t.Errorf("region %q", region)
	}
	t.Setenv("AWS_PROFILE", "")
	if region := setting(profile(), "region", "AWS_REGION", "AWS_DEFAULT_REGION"); region != "venus" {
		t.Errorf("region of the default %q", region)
	}
}
