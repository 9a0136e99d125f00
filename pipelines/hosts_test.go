package pipelines

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"adainfilter/trainer/transcode/store/storetest"
)

// standIns puts programs of the test's own before all others.
func standIns(t *testing.T, scripts map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/bash\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	t.Setenv("STAND_INS", folder)
	return folder
}

// fakeSbatch starts all tasks of an array at once, from a copy of the script as Slurm does, and notes how they end.
const fakeSbatch = `
while [[ $1 == --* ]]; do
  case $1 in --array=0-*) last=${1#--array=0-};; esac
  shift
done
cp "$1" "$STAND_INS/slurm_script"
shift
for ((i = 0; i <= last; i++)); do
  (SLURM_ARRAY_TASK_ID=$i "$STAND_INS/slurm_script" "$@"; echo $? >"$STAND_INS/ended.$i") >"$STAND_INS/log.$i" 2>&1 </dev/null &
done
echo '77;cluster'
`

// fakeSSH runs the command here, and notes for whom.
const fakeSSH = `
while [[ $1 == -* ]]; do
  case $1 in -[olpiSFeEJbcDILmOQRwW]) shift;; esac
  shift
done
echo "$1" >>"$STAND_INS/hosts.log"
shift
[[ $1 != -- ]] || shift
exec sh -c "$*"
`

// threeFilms makes a folder of films, and one with what one machine makes of them.
func threeFilms(t *testing.T, adain string, options ...string) (films, one string) {
	t.Helper()
	dir := t.TempDir()
	films, one = filepath.Join(dir, "films"), filepath.Join(dir, "one")
	if err := os.Mkdir(films, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		longFilm(t, filepath.Join(films, fmt.Sprintf("%d.mp4", i)))
	}
	if out, err := run(t, adain, append(append([]string{"transcode", "--threads", "1"}, options...), "--out", one, films)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return films, one
}

// sameBytes fails unless what lies in a folder are the three films, as one machine makes them.
func sameBytes(t *testing.T, got, one string) {
	t.Helper()
	entries, err := os.ReadDir(got)
	if len(entries) != 3 || err != nil {
		t.Errorf("%v, %v lie in %s, wanted three films", entries, err, got)
	}
	for i := range 3 {
		name := fmt.Sprintf("%d.mp4", i)
		a, _ := os.ReadFile(filepath.Join(got, name))
		b, _ := os.ReadFile(filepath.Join(one, name))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s has %d bytes, others than the %d of one machine", name, len(a), len(b))
		}
	}
}

// TestSlurmScript runs the script with a stand-in for Slurm, on a folder and on a bucket.
func TestSlurmScript(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	adain := command(t)
	options := []string{"--segment", "400ms"}
	films, one := threeFilms(t, adain, options...)
	for _, kind := range []string{"folder", "bucket"} {
		t.Run(kind, func(t *testing.T) {
			out, in, styled := filepath.Join(t.TempDir(), "styled"), films, ""
			var server *storetest.Server
			if styled = out; kind == "bucket" {
				server = storetest.Start(t)
				storetest.Environment(t, server.Address, storetest.Key, storetest.Secret)
				in, out = "s3://films/films", "s3://films/styled"
				for i := range 3 {
					name := fmt.Sprintf("%d.mp4", i)
					data, err := os.ReadFile(filepath.Join(films, name))
					if err != nil {
						t.Fatal(err)
					}
					server.Put(t, "films/"+name, data)
				}
			}
			folder := standIns(t, map[string]string{"sbatch": fakeSbatch})
			t.Setenv("ADAIN", adain)
			said, err := run(t, "./slurm.sh", append(append([]string{"3", "--threads", "1", "--lease", "5s"}, options...), "--out", out, in)...)
			if err != nil || said != "array 77\n" {
				t.Fatalf("%v, %q", err, said)
			}
			for i := range 3 {
				var status []byte
				for deadline := time.Now().Add(2 * time.Minute); len(status) == 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
					status, _ = os.ReadFile(filepath.Join(folder, fmt.Sprintf("ended.%d", i)))
				}
				log, _ := os.ReadFile(filepath.Join(folder, fmt.Sprintf("log.%d", i)))
				if strings.TrimSpace(string(status)) != "0" || bytes.Contains(log, []byte(storetest.Secret)) {
					t.Errorf("task %d ends with %q\n%s", i, status, log)
				}
			}
			if server != nil {
				os.Mkdir(styled, 0o700)
				for _, name := range server.Objects(t) {
					if own, ok := strings.CutPrefix(name, "styled/"); ok {
						if err := os.WriteFile(filepath.Join(styled, strings.ReplaceAll(own, "/", "_")), server.Get(t, name), 0o600); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			sameBytes(t, styled, one)
		})
	}
	if said, err := run(t, "./slurm.sh", "--out", "x", films); err == nil || !strings.HasPrefix(said, "usage: ") {
		t.Errorf("without a number: %v, %q", err, said)
	}
}

// TestHosts runs the lines of the page on many machines for a list of hosts, whose ssh is a stand-in.
func TestHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	adain := command(t)
	page, err := os.ReadFile("../documents/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	films, one := threeFilms(t, adain)
	for _, begins := range []string{"parallel ", "for host in "} {
		t.Run(strings.Fields(begins)[0], func(t *testing.T) {
			line := ""
			for l := range strings.Lines(string(page)) {
				if strings.HasPrefix(l, begins) {
					line = l
				}
			}
			if line == "" {
				t.Fatalf("the page has no line that begins with %q", begins)
			}
			if program := strings.Fields(begins)[0]; program != "for" {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("no %s (Debian's package of that name): %v", program, err)
				}
			}
			// Options go before films, so the stand-in puts its own there.
			folder := standIns(t, map[string]string{"ssh": fakeSSH, "adain": "shift\nexec " + adain + ` transcode --threads 1 --lease 5s "$@"`})
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte("node1\nnode2\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("HOME", dir) // GNU parallel writes there
			t.Setenv("SHELL", "/bin/bash")
			styled := filepath.Join(dir, "styled")
			line = strings.NewReplacer("/shared/styled", styled, "/shared/films", films).Replace(line)
			out, err := run(t, "bash", "-c", "cd "+dir+" && "+line)
			if err != nil {
				t.Errorf("%s%v\n%s", line, err, out)
			}
			hosts, _ := os.ReadFile(filepath.Join(folder, "hosts.log"))
			for _, host := range []string{"node1", "node2"} {
				if !strings.Contains(string(hosts), host+"\n") {
					t.Errorf("nothing was started on %s: %q\n%s", host, hosts, out)
				}
			}
			sameBytes(t, styled, one)
		})
	}
}
