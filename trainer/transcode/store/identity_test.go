package store

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"adainfilter/trainer/transcode/store/storetest"
)

// tokenService answers AssumeRoleWithWebIdentity as Amazon's does, with the keys of the test's server for the token that is right.
func tokenService(t *testing.T, right string, lasts time.Duration) (address string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/xml")
		const space = `xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`
		switch {
		case r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("RoleArn") != "arn:aws:iam::1:role/adain":
			w.WriteHeader(http.StatusBadRequest)
		case r.FormValue("WebIdentityToken") != right:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<ErrorResponse %s><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>the token is not that of anybody</Message></Error></ErrorResponse>`, space)
		default:
			fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse %s><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>`+
				`<SessionToken></SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
				space, storetest.Key, storetest.Secret, time.Now().Add(lasts).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// TestWebIdentity: a pod has a token and no key. Tokens are renewed in their file, keys run out.
func TestWebIdentity(t *testing.T) {
	quick(t)
	server := storetest.Start(t)
	storetest.Environment(t, server.Address, "", "")
	const right = "eyJ0b2tlbi5vZi5hLnBvZA"
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address, asked := tokenService(t, right, time.Second)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/adain")
	t.Setenv("AWS_ENDPOINT_URL_STS", address)
	ctx := context.Background()
	fails := func(s Store, want string) {
		t.Helper()
		begun := time.Now()
		_, err := s.Get(ctx, "there")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "eyJ0") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error is %v, wanted %q", err, want)
		}
		if took := time.Since(begun); took > Limits.Patience/2 {
			t.Errorf("it was tried for %v", took)
		}
	}
	fails(opened(t, "s3://films/x"), "the token of the web identity (AWS_WEB_IDENTITY_TOKEN_FILE) cannot be read")
	write("eyJ0aGF0LmlzLndyb25n")
	fails(opened(t, "s3://films/x"), "gives no keys: the token is not that of anybody (InvalidIdentityToken)")
	write(right)
	s := opened(t, "s3://films/x")
	if err := s.Put(ctx, "there", []byte("text"), true); err != nil {
		t.Fatal(err)
	}
	before := asked.Load()
	time.Sleep(1100 * time.Millisecond)
	if text, err := s.Get(ctx, "there"); string(text) != "text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if asked.Load() == before {
		t.Error("keys that have run out were used again")
	}
	// A key in the environment comes first.
	storetest.Environment(t, server.Address, storetest.Key, storetest.Secret)
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(t.TempDir(), "none"))
	if _, err := opened(t, "s3://films/x").Get(ctx, "there"); err != nil {
		t.Error(err)
	}
}
