package store

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-ini/ini"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// openBucket is the store of s3://bucket/prefix. Nothing is asked of the server yet.
//
// Keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), from the profile AWS_PROFILE of
// the files that the AWS command line reads, or from the machine: web identity on Kubernetes (which comes before the files), roles of containers and
// of virtual machines.
// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile's endpoint_url name a server other than Amazon's.
func openBucket(name string) (*Bucket, error) {
	bucket, prefix, err := parseBucket(name)
	if err != nil {
		return nil, err
	}
	own := profile()
	address, secure, err := endpoint(own)
	if err != nil {
		return nil, err
	}
	region := setting(own, "region", "AWS_REGION", "AWS_DEFAULT_REGION")
	if region == "" && address != amazon {
		region = "us-east-1" // what servers of others take, without a request for each bucket
	}
	core, err := minio.NewCore(address, &minio.Options{Creds: keys(own), Secure: secure, Region: region, Transport: transport, MaxRetries: 1})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Plain(name), err)
	}
	return &Bucket{core: core, endpoint: address, bucket: bucket, prefix: prefix}, nil
}

const amazon = "s3.amazonaws.com"

func endpoint(own *ini.Section) (address string, secure bool, err error) {
	text := setting(own, "endpoint_url", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
	if text == "" {
		return amazon, true, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", false, fmt.Errorf("AWS_ENDPOINT_URL is %q, wanted https://host or http://host:port", Plain(text))
	}
	return u.Host, u.Scheme == "https", nil
}

// keys tries the places where keys may be, in this order. Where there is a token of a web identity, its keys or none.
func keys(own *ini.Section) *credentials.Credentials {
	if os.Getenv(tokenFile) != "" && os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		return credentials.New(newWebIdentity(own))
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
	})
}

// profile is the part of the AWS command line's configuration that AWS_PROFILE names, nil where there is no such file.
func profile() *ini.Section {
	path := os.Getenv("AWS_CONFIG_FILE")
	if path == "" {
		path = filepath.Join(os.Getenv("HOME"), ".aws", "config")
	}
	file, err := ini.Load(path)
	if err != nil {
		return nil
	}
	name := os.Getenv("AWS_PROFILE")
	if name == "" || name == "default" {
		return file.Section("default")
	}
	return file.Section("profile " + name)
}

// setting is the first that is set of environment variables, else a key of the profile.
func setting(own *ini.Section, key string, variables ...string) string {
	for _, name := range variables {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	if own == nil {
		return ""
	}
	return strings.TrimSpace(own.Key(key).String())
}

// transport is that of all requests: it counts them, and does not wait for ever.
var transport = &counting{Transport: newTransport()}

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.DisableCompression = true // ranges and sizes are those of what is stored
	return t
}

type counting struct {
	*http.Transport
	once sync.Once
}

// RoundTrip counts a request.
func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.once.Do(func() { c.ResponseHeaderTimeout = Limits.Answer })
	requests.Add(1)
	return c.Transport.RoundTrip(r)
}
