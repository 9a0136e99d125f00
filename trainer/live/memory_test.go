package live

import (
	"bufio"
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"adainfilter/picture"
	"adainfilter/vips"
)

// resident is the memory of a process and of those that it has begun, in MB; what they share counts once.
func resident(t *testing.T, pid int) (mb int) {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		dir := filepath.Dir(path)
		// man 5 proc_pid_stat: behind the name, which may hold anything, stand the state and the parent.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if filepath.Base(dir) != strconv.Itoa(pid) && fields[1] != strconv.Itoa(pid) {
			continue
		}
		rollup, _ := os.ReadFile(dir + "/smaps_rollup")
		if m := pss.FindSubmatch(rollup); m != nil {
			kb, _ := strconv.Atoi(string(m[1]))
			mb += kb >> 10
		}
	}
	return mb
}

var pss = regexp.MustCompile(`(?m)^Pss: +(\d+) kB`)

// big is a PNG of as many pixels as an upload may have, in colours that change everywhere.
func big(t *testing.T) []byte {
	t.Helper()
	width, height := 8192, 4000
	if _, err := vips.Open(); err != nil {
		width, height = 6000, 4000 // the most that Go's decoder may take
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetRGBA(x, y, color.RGBA{byte(x >> 3), byte(y >> 3), byte(x * y >> 12), 255})
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	if out.Len() > maxPictureBytes {
		t.Fatalf("the picture has %d bytes, an upload may have %d", out.Len(), maxPictureBytes)
	}
	return out.Bytes()
}

// TestMemoryOfUploads sends six of the largest pictures at once, from six senders. All processes together stay below 250 MB, and within ten
// seconds the memory is what it was before.
func TestMemoryOfUploads(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of computing and a quarter of a gigabyte")
	}
	picture.Extend(vips.Open)
	sent := big(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := child(t, "test", write, "page")
	write.Close()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`http://\S+`).FindString(line)
	if resident(t, cmd.Process.Pid) == 0 {
		t.Skip("the kernel does not say what memory processes have: no /proc/PID/smaps_rollup")
	}
	time.Sleep(3 * time.Second) // until all threads have their memory
	before := resident(t, cmd.Process.Pid)
	const senders = 6
	var uploads sync.WaitGroup
	for i := range senders {
		uploads.Add(1)
		go func() {
			defer uploads.Done()
			dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(i+2))}}
			client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
			answer, err := client.Post(page+"api/styles", "image/png", bytes.NewReader(sent))
			if err != nil {
				t.Error(err)
				return
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusCreated {
				t.Errorf("an upload is answered with %s", answer.Status)
			}
		}()
	}
	ended := make(chan struct{})
	go func() { uploads.Wait(); close(ended) }()
	peak := 0
	for going := true; going; {
		peak = max(peak, resident(t, cmd.Process.Pid))
		select {
		case <-ended:
			going = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	after := resident(t, cmd.Process.Pid)
	for end := time.Now().Add(10 * time.Second); after > before+15 && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		after = resident(t, cmd.Process.Pid)
	}
	t.Logf("%d bytes each: %d MB before, %d at most, %d after", len(sent), before, peak, after)
	if peak > 250 {
		t.Errorf("at most it takes %d MB, wanted 250", peak)
	}
	if after > before+15 {
		t.Errorf("ten seconds after the uploads it takes %d MB, %d before", after, before)
	}
}
