package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTurns: one at a time, senders in turn, whoever has sent most; who leaves is left out.
func TestTurns(t *testing.T) {
	turns := newTurns()
	done, err := turns.wait(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 8)
	var ends []func()
	waiting := func() (n int) {
		turns.Lock()
		defer turns.Unlock()
		for _, w := range turns.waiting {
			n += len(w)
		}
		return n
	}
	wait := func(who, name string, ctx context.Context) {
		n := waiting()
		go func() {
			done, err := turns.wait(ctx, who)
			if err != nil {
				order <- "gone " + name
				return
			}
			order <- name
			done()
		}()
		eventually(t, name+" waits", func() bool { return waiting() == n+1 })
	}
	leaving, leave := context.WithCancel(t.Context())
	wait("a", "a2", t.Context())
	wait("a", "a3", t.Context())
	wait("b", "b1", t.Context())
	wait("c", "c1", leaving)
	wait("b", "b2", t.Context())
	leave()
	if got := <-order; got != "gone c1" {
		t.Fatalf("first is %s", got)
	}
	done()
	for _, want := range []string{"a2", "b1", "a3", "b2"} {
		if got := <-order; got != want {
			t.Errorf("the turn is of %s, wanted %s", got, want)
		}
	}
	eventually(t, "nobody is left", func() bool { turns.Lock(); defer turns.Unlock(); return !turns.busy && len(turns.order) == 0 })
	for range maxOfASender {
		leave, err := turns.enter("a")
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, leave)
	}
	if _, err := turns.enter("a"); err == nil {
		t.Error("one sender has all places")
	}
	if _, err := turns.enter("b"); err != nil {
		t.Error("another sender has none: ", err)
	}
	for _, leave := range ends {
		leave()
	}
	if _, err := turns.enter("a"); err != nil {
		t.Error(err)
	}
}

// TestSlowUploads: who sends slowly is refused with a sentence, and others are served meanwhile.
func TestSlowUploads(t *testing.T) {
	grace = 700 * time.Millisecond
	server, _, dir := serving(t, "")
	grace = bodyGrace
	slow := make(chan string, 2)
	for range 2 {
		read, write := io.Pipe()
		go func() {
			for range 100 {
				if _, err := write.Write([]byte{1}); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
			write.Close()
		}()
		go func() {
			status, answer, _ := send(t, server, "POST /api/styles HTTP/1.1\nHost: $HOST\nContent-Type: image/png\nContent-Length: 100000", read)
			slow <- fmt.Sprint(status, answer)
		}()
	}
	time.Sleep(200 * time.Millisecond)
	picture := pngOf(40, 30)
	if status, answer, _ := send(t, server, fmt.Sprintf("POST /api/styles HTTP/1.1\nHost: $HOST\nContent-Type: image/png\nContent-Length: %d", len(picture)),
		bytes.NewReader(picture)); status != 201 {
		t.Errorf("beside two slow ones an upload is %d, %s", status, answer)
	}
	for range 2 {
		if got := <-slow; !strings.HasPrefix(got, "408") || !strings.Contains(got, "too slowly") {
			t.Errorf("a slow upload is answered with %s", got)
		}
	}
	eventually(t, "what was sent is gone", func() bool { return !strings.Contains(folder(t, dir), "sent-") })
}

// TestRefusalsArrive: Go's own client sends all of its body before it reads; it must hear the refusal and not see its connection break.
func TestRefusalsArrive(t *testing.T) {
	server, _, _ := serving(t, "")
	for range 5 {
		answer, err := http.Post(server.URL+"/api/styles", "image/png", io.LimitReader(zeros{}, maxPictureBytes+8<<20))
		if err != nil {
			t.Fatal("too large: ", err)
		}
		data, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(data), "too large") {
			t.Errorf("too large: %d, %s", answer.StatusCode, data)
		}
	}
	// All places of this sender are taken by bodies that never end.
	grace = time.Minute
	server, _, _ = serving(t, "")
	grace = bodyGrace
	for range maxOfASender {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /api/styles HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nx")
	}
	status := 0
	for end := time.Now().Add(30 * time.Second); status != http.StatusTooManyRequests && time.Now().Before(end); {
		answer, err := http.Post(server.URL+"/api/styles", "image/png", io.LimitReader(zeros{}, 8<<20))
		if err != nil {
			t.Fatal("too many: ", err)
		}
		answer.Body.Close()
		if status = answer.StatusCode; status == http.StatusTooManyRequests && answer.Header.Get("Retry-After") == "" {
			t.Error("too many, and no word on when to try again")
		}
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("one upload more than a sender may have is %d", status)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestLeavingSender: the process that decodes ends when the sender leaves, and the next one has its turn.
func TestLeavingSender(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	old := decoder
	decoder = []string{"/bin/sh", "-c", "echo $$ >" + path + "; exec sleep 60"}
	server, _, _ := serving(t, "")
	decoder = old
	picture := pngOf(40, 30)
	for _, sender := range []string{"the first", "the next"} {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /api/styles HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%s", len(picture), picture)
		var pid []byte
		eventually(t, sender+" is decoded", func() bool { pid, _ = os.ReadFile(path); return len(pid) > 1 })
		c.Close()
		eventually(t, "that of "+sender+" ends", func() bool {
			_, err := os.Stat("/proc/" + strings.TrimSpace(string(pid)))
			return err != nil
		})
		os.Remove(path)
	}
}

// TestEndlessUpload: the kernel ends a decoder that takes more processor time than an upload may have, and its sender hears that.
func TestEndlessUpload(t *testing.T) {
	t.Setenv(endlessEnv, "1")
	seconds = 1
	server, _, dir := serving(t, "")
	seconds = maxDecodeSeconds
	picture := pngOf(40, 30)
	status, answer, _ := send(t, server, fmt.Sprintf("POST /api/styles HTTP/1.1\nHost: $HOST\nContent-Type: image/png\nContent-Length: %d", len(picture)), bytes.NewReader(picture))
	if status != 422 || !strings.Contains(answer, "takes more than 1 seconds of computing") {
		t.Errorf("it is answered with %d, %s", status, answer)
	}
	if left := folder(t, dir); left != "" {
		t.Errorf("files are left: %s", left)
	}
}

// TestNamesOfUploads: uploads get names and go, out of the mix too.
func TestNamesOfUploads(t *testing.T) {
	server, player, dir := serving(t, "")
	ask := func(method, address, body string) (int, string) {
		t.Helper()
		status, answer, _ := send(t, server, fmt.Sprintf("%s %s HTTP/1.1\nHost: $HOST\nContent-Type: application/json\nContent-Length: %d", method, address, len(body)),
			strings.NewReader(body))
		return status, answer
	}
	picture := pngOf(40, 30)
	for range 2 {
		if status, answer, _ := send(t, server, fmt.Sprintf("POST /api/styles HTTP/1.1\nHost: $HOST\nContent-Type: image/png\nContent-Length: %d", len(picture)),
			bytes.NewReader(picture)); status != 201 {
			t.Fatalf("%d, %s", status, answer)
		}
	}
	if status, answer := ask("PATCH", "/api/styles/upload-1", `{"name":"  Kandinsky \u00e9 1  "}`); status != 200 || !strings.Contains(answer, `"Kandinsky é 1"`) {
		t.Errorf("the new name: %d, %s", status, answer)
	}
	for _, bad := range []string{`{"name":""}`, `{"name":"a/b"}`, `{"name":"` + strings.Repeat("x", 41) + `"}`, `{}`, `{"name":"a\u0000b"}`} {
		if status, answer := ask("PATCH", "/api/styles/upload-2", bad); status != 400 {
			t.Errorf("%s: %d, %s", bad, status, answer)
		}
	}
	if status, answer := ask("PATCH", "/api/styles/upload-2", `{"name":"ember"}`); status != 409 {
		t.Errorf("a name that is taken: %d, %s", status, answer)
	}
	if status, answer := ask("PATCH", "/api/state", `{"styles":[{"name":"Kandinsky é 1","weight":2},{"name":"ember"}]}`); status != 200 {
		t.Fatalf("%d, %s", status, answer)
	}
	if status, answer := ask("DELETE", "/api/styles/Kandinsky%20%C3%A9%201", ""); status != 200 || !strings.Contains(answer, `"styles":[{"name":"ember","weight":1}]`) ||
		len(player.now.Names) != 1 {
		t.Errorf("the removal: %d, %s", status, answer)
	}
	ask("PATCH", "/api/state", `{"styles":[{"name":"upload-2"}]}`)
	if status, answer := ask("DELETE", "/api/styles/upload-2", ""); status != 200 || strings.Contains(answer, "upload-2") {
		t.Errorf("the removal of the only one in force: %d, %s", status, answer)
	}
	if left := folder(t, dir); left != "" {
		t.Errorf("files are left: %s", left)
	}
}
