package store

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/go-ini/ini"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// webIdentity gets keys for the token that Kubernetes puts into a file (AWS_WEB_IDENTITY_TOKEN_FILE), by the request AssumeRoleWithWebIdentity of
// Amazon's security token service, and new ones before they run out. Its errors are sentences: without it requests would be nobody's and refused.
type webIdentity struct{ credentials.IAM }

const tokenFile = "AWS_WEB_IDENTITY_TOKEN_FILE"

// newWebIdentity asks the server of AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or the profile's endpoint_url, else Amazon's.
func newWebIdentity(own *ini.Section) *webIdentity {
	w := &webIdentity{credentials.IAM{Client: &http.Client{Timeout: 20 * time.Second, Transport: transport},
		Endpoint: setting(own, "endpoint_url", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"), Region: setting(own, "region", "AWS_REGION", "AWS_DEFAULT_REGION")}}
	return w
}

// RetrieveWithCredContext implements credentials.Provider.
func (w *webIdentity) RetrieveWithCredContext(c *credentials.CredContext) (credentials.Value, error) {
	v, err := w.IAM.RetrieveWithCredContext(c)
	var answer credentials.ErrorResponse
	var file *fs.PathError
	switch {
	case errors.As(err, &answer):
		return v, fmt.Errorf("the token in %q (%s) gives no keys: %s (%s)%w", os.Getenv(tokenFile), tokenFile, answer.STSError.Message, answer.STSError.Code, errFinal)
	case errors.As(err, &file):
		return v, fmt.Errorf("the token of the web identity (%s) cannot be read: %w%w", tokenFile, err, errFinal)
	case err != nil:
		return v, fmt.Errorf("keys for the token in %q (%s): %w", os.Getenv(tokenFile), tokenFile, plainError(err))
	}
	return v, nil
}

// Retrieve implements credentials.Provider.
func (w *webIdentity) Retrieve() (credentials.Value, error) { return w.RetrieveWithCredContext(nil) }
