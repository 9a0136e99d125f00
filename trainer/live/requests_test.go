package live

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
)

const testToken = "0123456789abcdef-test"

// serving is a server of the test with a fake player and a folder for uploads.
func serving(t *testing.T, token string) (*httptest.Server, *fake, string) {
	t.Helper()
	dir := t.TempDir()
	f := newFake()
	s, err := newServer(f, "test", newHub(func(bool) {}), newCatalogue(dir, model.BuiltinStyles(), openEngine, f.content), newAccess(token, []string{"studio.example"}))
	if err != nil {
		t.Fatal(err)
	}
	s.decoder, s.seconds, s.grace = decoder, seconds, grace
	h := httptest.NewServer(s.handle())
	t.Cleanup(h.Close)
	return h, f, dir
}

// send writes a request as it stands, with $HOST replaced, and gives the answer; the body follows it.
func send(t *testing.T, server *httptest.Server, head string, body io.Reader) (status int, answer string, header http.Header) {
	t.Helper()
	address := server.Listener.Addr().String()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	head = strings.ReplaceAll(strings.ReplaceAll(head, "$HOST", address), "\n", "\r\n")
	go func() {
		io.WriteString(c, head+"\r\nConnection: close\r\n\r\n")
		if body != nil {
			io.Copy(c, body) // which the server may cut off
		}
	}()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return r.StatusCode, string(data), r.Header
}

// chunked is a body of n zeros without a length in front.
func chunked(n int) io.Reader {
	const size = 1 << 16
	chunk := fmt.Sprintf("%x\r\n%s\r\n", size, strings.Repeat("\x00", size))
	return io.MultiReader(strings.NewReader(strings.Repeat(chunk, n/size)), strings.NewReader("0\r\n\r\n"))
}

// pngOf is a picture of one colour; sides are those that its header claims.
func pngOf(w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// hugePNG claims 60000x60000 pixels. Its checksum is right, so that nothing but its size can be wrong with it.
func hugePNG() []byte {
	header := []byte("IHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x02\x00\x00\x00")
	return binary.BigEndian.AppendUint32(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\r"), header...), crc32.ChecksumIEEE(header))
}

func TestFuzzedRequests(t *testing.T) {
	open, player, dir := serving(t, "")
	locked, lockedPlayer, lockedDir := serving(t, testToken)
	before := folder(t, dir) + folder(t, lockedDir)
	const (
		patch = "PATCH /api/state HTTP/1.1\nHost: $HOST\nContent-Type: application/json\n"
		post  = "POST /api/styles HTTP/1.1\nHost: $HOST\nContent-Type: image/png\n"
		alpha = `{"alpha":0.25}`
	)
	good := pngOf(9, 7)
	for _, c := range []struct {
		name, head, body string
		huge             io.Reader
		status           int
		want             string // in the answer
	}{
		{name: "huge JSON", head: patch, body: `{"alpha":` + strings.Repeat(" ", 100<<10) + `1}`, status: 413},
		{name: "huge JSON in chunks", head: patch + "Transfer-Encoding: chunked", huge: chunked(1 << 20), status: 413},
		{name: "a length of 8 exabytes", head: post + "Content-Length: 9000000000000000000", status: 413},
		{name: "huge style in chunks", head: post + "Transfer-Encoding: chunked", huge: chunked(maxPictureBytes + 1<<20), status: 413},
		{name: "huge mask", head: strings.Replace(post, "styles", "mask", 1) + "Transfer-Encoding: chunked", huge: chunked(maxPictureBytes + 1<<20), status: 413},
		{name: "huge header", head: "GET /api/state HTTP/1.1\nHost: $HOST\nX: " + strings.Repeat("x", 2<<20), status: 431},
		{name: "no JSON", head: patch, body: "alpha=0.5", status: 400},
		{name: "half a JSON", head: patch, body: `{"alpha":0.5`, status: 400},
		{name: "two JSON", head: patch, body: alpha + alpha, status: 400},
		{name: "a list", head: patch, body: `[0.5]`, status: 400},
		{name: "a deep list", head: patch, body: strings.Repeat("[", 30000), status: 400},
		{name: "an unknown field", head: patch, body: `{"alpha":0.25,"weights":"/etc/passwd"}`, status: 400},
		{name: "text for a number", head: patch, body: `{"alpha":"0.25"}`, status: 400},
		{name: "too strong", head: patch, body: `{"alpha":1.01}`, status: 400},
		{name: "no number", head: patch, body: `{"smoothing":NaN}`, status: 400},
		{name: "a number too large", head: patch, body: `{"transition_ms":1e308}`, status: 400},
		{name: "no styles", head: patch, body: `{"styles":[]}`, status: 400},
		{name: "a path for a style", head: patch, body: `{"styles":[{"name":"../../../etc/passwd"}]}`, status: 400},
		{name: "a weight below 0", head: patch, body: `{"styles":[{"name":"ember","weight":-1}]}`, status: 400},
		{name: "weights of 0", head: patch, body: `{"styles":[{"name":"ember","weight":0},{"name":"fresco","weight":0}]}`, status: 400},
		{name: "a mask out of nothing", head: patch, body: `{"mask":true}`, status: 409},
		{name: "JSON as text", head: "PATCH /api/state HTTP/1.1\nHost: $HOST\nContent-Type: text/plain\n", body: alpha, status: 415},
		{name: "a picture as a form", head: "POST /api/styles HTTP/1.1\nHost: $HOST\nContent-Type: multipart/form-data; boundary=x\n", body: string(good), status: 415},
		{name: "no picture", head: post, body: "<svg onload=alert(1)>", status: 422},
		{name: "half a picture", head: post, body: string(good[:len(good)-20]), status: 422},
		{name: "a picture of 3.6 gigapixels", head: post, body: string(hugePNG()), status: 422, want: "60000x60000"},
		{name: "dots in the path", head: "GET /api/styles/../../../../etc/passwd HTTP/1.1\nHost: $HOST", status: 400},
		{name: "coded dots", head: "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\nHost: $HOST", status: 400},
		{name: "coded slashes", head: "GET /api/styles/..%2f..%2fetc%2fpasswd/thumbnail.jpeg HTTP/1.1\nHost: $HOST", status: 400},
		{name: "a path with a zero byte", head: "GET /api/styles/ember%00.png/thumbnail.jpeg HTTP/1.1\nHost: $HOST", status: 404},
		{name: "upload to a path", head: "POST /api/styles/%2fetc%2fcron.d%2fx HTTP/1.1\nHost: $HOST\nContent-Type: image/png\n", body: string(good), status: 400},
		{name: "PUT", head: "PUT /api/state HTTP/1.1\nHost: $HOST\nContent-Type: application/json\n", body: alpha, status: 405},
		{name: "another origin", head: patch + "Origin: http://evil.example\n", body: alpha, status: 403},
		{name: "this host, another port", head: patch + "Origin: http://127.0.0.1:1\n", body: alpha, status: 403},
		{name: "no origin to speak of", head: patch + "Origin: null\n", body: alpha, status: 403},
		{name: "another site", head: patch + "Sec-Fetch-Site: cross-site\n", body: alpha, status: 403},
		{name: "a picture in a foreign page", head: "GET /stream.mjpeg HTTP/1.1\nHost: $HOST\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors", status: 403},
		{name: "a rebound name", head: strings.Replace(patch, "$HOST", "evil.example", 1), body: alpha, status: 421},
		{name: "a rebound name like an address", head: strings.Replace(patch, "$HOST", "127.0.0.1.evil.example:80", 1), body: alpha, status: 421},
		{name: "no host", head: "GET /api/state HTTP/1.1\nHost:", status: 421},
		{name: "half a host", head: "GET /api/state HTTP/1.1\nHost: [::1", status: 400, want: "neither a name nor an address"},
		{name: "an address in too many brackets", head: "GET /api/state HTTP/1.1\nHost: [[::1]]:80", status: 400, want: "neither a name nor an address"},
		{name: "null", head: patch, body: `null`, status: 400, want: "the body is null"},
		{name: "a field of null", head: patch, body: `{"alpha":null}`, status: 400, want: "alpha is null"},
		{name: "a null in a list", head: patch, body: `{"styles":[{"name":"ember"},null]}`, status: 400, want: "styles, entry 2 is null"},
		{name: "a doubled key", head: patch, body: `{"alpha":0.25,"alpha":0.5}`, status: 400, want: "alpha is given twice"},
		{name: "a key doubled in capitals", head: patch, body: `{"alpha":0.25,"Alpha":0.5}`, status: 400, want: "small letters"},
		{name: "a doubled key in a list", head: patch, body: `{"styles":[{"name":"ember","name":"fresco"}]}`, status: 400, want: "styles, entry 1, name is given twice"},
		{name: "removal of a built-in style", head: "DELETE /api/styles/ember HTTP/1.1\nHost: $HOST", status: 409, want: "was not uploaded"},
		{name: "removal of nothing", head: "DELETE /api/styles/none HTTP/1.1\nHost: $HOST", status: 404},
		{name: "another name for a built-in style", head: strings.Replace(patch, "state", "styles/ember", 1), body: `{"name":"x"}`, status: 409},
		{name: "no token", head: "locked " + patch, body: alpha, status: 401},
		{name: "a wrong token", head: "locked " + patch + "Authorization: Bearer 0123456789abcdef-tesT\n", body: alpha, status: 401},
		{name: "a wrong cookie", head: "locked " + patch + "Cookie: adain=" + testToken + "\n", body: alpha, status: 401},
		{name: "a stream without token", head: "locked GET /stream.mjpeg HTTP/1.1\nHost: $HOST", status: 401},
		{name: "a style without token", head: "locked " + post, body: string(good), status: 401},
		{name: "a login with a wrong token", head: "locked POST /login HTTP/1.1\nHost: $HOST\nContent-Type: application/x-www-form-urlencoded\n", body: "token=x", status: 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := open
			head, isLocked := strings.CutPrefix(c.head, "locked ")
			if isLocked {
				server = locked
			}
			content := c.huge
			if c.body != "" {
				head = strings.TrimSuffix(head, "\n") + fmt.Sprintf("\nContent-Length: %d", len(c.body))
				content = strings.NewReader(c.body)
			}
			status, answer, header := send(t, server, strings.TrimSuffix(head, "\n"), content)
			if status != c.status || !strings.Contains(answer, c.want) {
				t.Errorf("the status is %d, wanted %d: %s", status, c.status, answer)
			}
			var said struct{ Error string }
			if header.Get("Content-Type") == "application/json" {
				if err := json.Unmarshal([]byte(answer), &said); err != nil || said.Error == "" || strings.Contains(answer, dir) ||
					goWords.MatchString(said.Error) {
					t.Errorf("the answer is %q, wanted a sentence", answer)
				}
			}
			if status, _, _ := send(t, open, "GET /api/state HTTP/1.1\nHost: $HOST", nil); status != http.StatusOK {
				t.Errorf("after that the state's status is %d", status)
			}
		})
	}
	if after := folder(t, dir) + folder(t, lockedDir); after != before {
		t.Errorf("written: %s", after)
	}
	if player.changes+lockedPlayer.changes != 0 {
		t.Error("something was changed")
	}
}

// goWords are such as only a programmer understands.
var goWords = regexp.MustCompile(`json:|unmarshal|Go value|invalid character|looking for|EOF|http: |strconv|net/|image:|png:|jpeg:|struct|live\.`)

// folder lists a folder.
func folder(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestState(t *testing.T) {
	server, player, _ := serving(t, "")
	for _, c := range []struct {
		patch, want string // what the state holds afterwards
		status      int
	}{
		{`{}`, `"alpha":1,"smoothing":0,"preserve_color":false,"transition_ms":0,"styles":[{"name":"warm-oil","weight":1}],"mask":{"uploaded":false,"on":false}`, 200},
		{`{"alpha":0.5,"smoothing":0.9,"preserve_color":true,"transition_ms":1500}`, `"alpha":0.5,"smoothing":0.9,"preserve_color":true,"transition_ms":1500`, 200},
		{`{"styles":[{"name":"ember"},{"name":"fresco","weight":3}]}`, `"styles":[{"name":"ember","weight":1},{"name":"fresco","weight":3}]`, 200},
		{`{"styles":[{"name":"ember","weight":7}],"alpha":0}`, `"alpha":0,"smoothing":0.9,"preserve_color":true,"transition_ms":1500,"styles":[{"name":"ember","weight":1}]`, 200},
		{`{"alpha":0.7,"styles":[{"name":"nonsense"}]}`, `there is no style \"nonsense\"`, 400},
		{`{}`, `"alpha":0,`, 200},
	} {
		status, answer, _ := send(t, server, fmt.Sprintf("PATCH /api/state HTTP/1.1\nHost: localhost\nOrigin: http://localhost\nSec-Fetch-Site: same-origin\n"+
			"Content-Type: application/json; charset=utf-8\nContent-Length: %d", len(c.patch)), strings.NewReader(c.patch))
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: the answer is %d, %s, wanted %d and in it %s", c.patch, status, answer, c.status, c.want)
		}
	}
	player.refuses = fmt.Errorf("Style %q is too wild.", "ember")
	status, answer, _ := send(t, server, "PATCH /api/state HTTP/1.1\nHost: $HOST\nContent-Type: application/json\nContent-Length: 13", strings.NewReader(`{"alpha":0.1}`))
	if status != 422 || answer != `{"error":"Style \"ember\" is too wild."}`+"\n" {
		t.Errorf("a refused style: the answer is %d, %s", status, answer)
	}
	status, answer, header := send(t, server, "GET /api/state HTTP/1.1\nHost: studio.example", nil)
	for _, want := range []string{`"fps":25,"latency_ms":40,"watchers":0`, `{"name":"woodcut","kind":"builtin"}`} {
		if status != 200 || !strings.Contains(answer, want) {
			t.Errorf("the state is %d, %s, wanted in it %s", status, answer, want)
		}
	}
	if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}

func TestUploads(t *testing.T) {
	server, player, dir := serving(t, "")
	post := func(address string, data []byte) (int, string) {
		t.Helper()
		status, answer, _ := send(t, server, fmt.Sprintf("POST %s HTTP/1.1\nHost: $HOST\nContent-Type: application/octet-stream\nContent-Length: %d",
			address, len(data)), bytes.NewReader(data))
		return status, answer
	}
	patch := func(body string) (int, string) {
		t.Helper()
		status, answer, _ := send(t, server, fmt.Sprintf("PATCH /api/state HTTP/1.1\nHost: $HOST\nContent-Type: application/json\nContent-Length: %d",
			len(body)), strings.NewReader(body))
		return status, answer
	}
	for i, name := range []string{"upload-1", "upload-2"} {
		if status, answer := post("/api/styles", pngOf(1500+i, 1200)); status != 201 || !strings.Contains(answer, `"`+name+`"`) {
			t.Fatalf("the answer is %d, %s", status, answer)
		}
	}
	for _, name := range []string{"style-1.png", "style-3.png"} {
		if w, h, err := picture.Size(filepath.Join(dir, name), picture.Limit{}); err != nil || w < 1280 || w > 1281 || h != 1024 {
			t.Errorf("%s has %dx%d pixels, %v", name, w, h, err)
		}
	}
	if status, answer, header := send(t, server, "GET /api/styles/upload-2/thumbnail.jpeg HTTP/1.1\nHost: $HOST", nil); status != 200 ||
		header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(answer, "\xff\xd8") {
		t.Errorf("the thumbnail is %d, %q", status, header)
	}
	if status, answer := patch(`{"styles":[{"name":"upload-1"},{"name":"ember"}]}`); status != 200 || player.now.Names[0] != filepath.Join(dir, "style-1.png") {
		t.Errorf("the styles are %q after %d, %s", player.now.Names, status, answer)
	}
	if status, answer := post("/api/mask", pngOf(40, 30)); status != 201 || answer != `{"uploaded":true,"on":false}`+"\n" {
		t.Errorf("the mask is %d, %s", status, answer)
	}
	if status, answer := patch(`{"mask":true}`); status != 200 || player.now.Mask != filepath.Join(dir, "mask-5.png") {
		t.Errorf("the mask is %q after %d, %s", player.now.Mask, status, answer)
	}
	if status, answer := patch(`{"styles":[{"name":"ember"}]}`); status != 409 {
		t.Errorf("one style with a mask: the answer is %d, %s", status, answer)
	}
	if status, answer := post("/api/mask", pngOf(30, 4000)); status != 201 || player.now.Mask != filepath.Join(dir, "mask-7.png") {
		t.Errorf("the next mask is %q after %d, %s", player.now.Mask, status, answer)
	}
	if _, err := os.Stat(filepath.Join(dir, "mask-5.png")); err == nil {
		t.Error("the old mask is kept")
	}
	if status, answer := patch(`{"styles":[{"name":"ember"}],"mask":false}`); status != 200 || player.now.Mask != "" {
		t.Errorf("the mask is %q after %d, %s", player.now.Mask, status, answer)
	}
	// Pictures of the source, which this one has none of.
	if status, answer, _ := send(t, server, "GET /api/styles/ember/thumbnail.jpeg HTTP/1.1\nHost: $HOST", nil); status != 503 || !strings.Contains(answer, "no frame") {
		t.Errorf("a thumbnail without a frame: the answer is %d, %s", status, answer)
	}
}

func TestLogin(t *testing.T) {
	server, _, _ := serving(t, testToken)
	if status, answer, _ := send(t, server, "GET / HTTP/1.1\nHost: $HOST", nil); status != 401 || !strings.Contains(answer, `action="/login"`) {
		t.Errorf("without a token the page is %d, %s", status, answer)
	}
	form := "token=" + testToken
	status, _, header := send(t, server, fmt.Sprintf("POST /login HTTP/1.1\nHost: $HOST\nContent-Type: application/x-www-form-urlencoded\nContent-Length: %d", len(form)),
		strings.NewReader(form))
	given := header.Get("Set-Cookie")
	if status != 303 || !strings.Contains(given, "HttpOnly") || !strings.Contains(given, "SameSite=Strict") || strings.Contains(given, testToken) {
		t.Fatalf("the login is %d with the cookie %q", status, given)
	}
	value, _, _ := strings.Cut(given, ";")
	for _, c := range []string{
		"GET / HTTP/1.1\nHost: $HOST\nCookie: " + value,
		"GET /api/state HTTP/1.1\nHost: $HOST\nCookie: " + value,
		"GET /api/state HTTP/1.1\nHost: $HOST\nAuthorization: Bearer " + testToken,
		// A link in another page, or one that was typed.
		"GET /?token=" + testToken + " HTTP/1.1\nHost: $HOST\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate",
		"GET /?token=" + testToken + " HTTP/1.1\nHost: $HOST\nSec-Fetch-Site: none\nSec-Fetch-Mode: navigate",
		"HEAD /style.css HTTP/1.1\nHost: $HOST",
	} {
		if status, answer, _ := send(t, server, c, nil); status != 200 {
			t.Errorf("%q: the answer is %d, %.100s", c, status, answer)
		}
	}
}

func TestListen(t *testing.T) {
	for _, c := range []struct{ address, token, want string }{
		{"127.0.0.1:0", "", ""},
		{"[::1]:0", "", ""},
		{"localhost:0", testToken, ""},
		{"0.0.0.0:0", testToken, ""},
		{"0.0.0.0:0", "", "everybody"},
		{":0", "", "everybody"},
		{"127.0.0.1:0", "short", "5 characters"},
		{"127.0.0.1", "", "no page at"},
		{"127.0.0.1:123456", "", "no page at"},
	} {
		l, err := listen(c.address, c.token)
		switch {
		case err == nil:
			l.Close()
			if c.want != "" {
				t.Errorf("%q with token %q: it listens", c.address, c.token)
			}
		case strings.Contains(c.address, "::1") && strings.Contains(err.Error(), "assign"):
			t.Log("this machine has no IPv6: ", err)
		case c.want == "" || !strings.Contains(err.Error(), c.want):
			t.Errorf("%q with token %q: %v, wanted %q", c.address, c.token, err, c.want)
		}
	}
}
