package pipelines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"adainfilter/trainer/transcode/store/storetest"
)

// command is the built adain that knows transcode; without it the test is skipped.
func command(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../build/adain")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, path, "transcode", "--help"); err != nil {
		t.Skipf("the command is not built (make build): %v %s", err, out)
	}
	return path
}

// longFilm is a film of four seconds with a key frame every 10 frames.
func longFilm(t *testing.T, path string) {
	t.Helper()
	needs(t, "x264enc", "avenc_aac", "avdec_h264")
	line := "videotestsrc num-buffers=100 horizontal-speed=2 ! video/x-raw,format=I420,width=96,height=64,framerate=25/1 ! x264enc speed-preset=ultrafast key-int-max=10 ! h264parse ! " +
		"mp4mux name=m ! filesink location=" + path + " audiotestsrc num-buffers=173 ! audio/x-raw,rate=44100,channels=1 ! avenc_aac ! aacparse ! m."
	if out, err := run(t, "gst-launch-1.0", strings.Fields(line)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// samePictures fails unless two films have the same decoded pictures.
func samePictures(t *testing.T, got, want string) {
	t.Helper()
	sum := func(path string) string {
		raw := filepath.Join(t.TempDir(), "raw")
		line := "filesrc location=" + path + " ! decodebin expose-all-streams=false caps=video/x-raw(ANY) ! filesink location=" + raw
		if out, err := run(t, "gst-launch-1.0", strings.Fields(line)...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		data, err := os.ReadFile(raw)
		if err != nil || len(data) == 0 {
			t.Fatalf("%s: %d bytes, %v", path, len(data), err)
		}
		return string(data)
	}
	if sum(got) != sum(want) {
		t.Errorf("%s has other pictures than %s", got, want)
	}
}

const slurmConf = `ClusterName=one
SlurmctldHost=HOST(127.0.0.1)
SlurmctldPort=CTLPORT
SlurmdPort=NODEPORT
AuthInfo=socket=DIR/munge.sock
StateSaveLocation=DIR/state
SlurmdSpoolDir=DIR/spool
SlurmctldPidFile=DIR/slurmctld.pid
SlurmdPidFile=DIR/slurmd.pid
SlurmctldLogFile=DIR/slurmctld.log
SlurmdLogFile=DIR/slurmd.log
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2
KillWait=1
MailProg=/bin/true
MinJobAge=3600
NodeName=HOST NodeAddr=127.0.0.1 CPUs=CORES State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`

// startSlurm starts a cluster of one node with a private configuration, and ends it with the test.
func startSlurm(t *testing.T) {
	t.Helper()
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch", "scontrol"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("no Slurm (Debian: slurm-wlm, munge): ", err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("Slurm's daemons want root")
	}
	// Not a temporary folder of the test: a socket's path must be short.
	dir, err := os.MkdirTemp("", "slurm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	port := 20000 + os.Getpid()%20000*2
	conf := strings.NewReplacer("DIR", dir, "HOST", host, "CORES", fmt.Sprint(min(runtime.NumCPU(), 4)), "CTLPORT", fmt.Sprint(port), "NODEPORT", fmt.Sprint(port+1)).Replace(slurmConf)
	path := filepath.Join(dir, "slurm.conf")
	key := make([]byte, 128)
	for i := range key {
		key[i] = byte(i * 37)
	}
	for name, data := range map[string][]byte{"slurm.conf": []byte(conf), "munge.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"state", "spool"} {
		os.Mkdir(filepath.Join(dir, name), 0o700)
	}
	t.Setenv("SLURM_CONF", path)
	t.Cleanup(func() {
		for _, name := range []string{"slurmd", "slurmctld", "munged"} {
			stop(filepath.Join(dir, name+".pid"))
		}
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range [][]string{
		{"munged", "--force", "--socket=" + in("munge.sock"), "--key-file=" + in("munge.key"), "--pid-file=" + in("munged.pid"), "--log-file=" + in("munged.log"), "--seed-file=" + in("munge.seed")},
		{"slurmctld", "-c", "-f", path}, {"slurmd", "-N", host, "-f", path},
	} {
		if out, err := run(t, c[0], c[1:]...); err != nil {
			t.Skipf("%s does not start here: %v %s", c[0], err, out)
		}
	}
	for range 100 {
		if out, _ := run(t, "sinfo", "-h", "-o", "%T"); strings.TrimSpace(out) == "idle" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	log, _ := os.ReadFile(in("slurmctld.log"))
	t.Skipf("Slurm's node does not become idle here\n%s", log)
}

// stop ends a daemon and waits for it.
func stop(pidFile string) {
	var pid int
	text, err := os.ReadFile(pidFile)
	if _, scanErr := fmt.Sscan(string(text), &pid); err != nil || scanErr != nil {
		return
	}
	syscall.Kill(pid, syscall.SIGTERM)
	for range 100 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

var jobState = regexp.MustCompile(`JobState=([A-Z_]+)`)

func stateOf(t *testing.T, job string) string {
	out, _ := run(t, "scontrol", "show", "job", "-o", job)
	if m := jobState.FindStringSubmatch(out); m != nil {
		return m[1]
	}
	return ""
}

func TestSlurm(t *testing.T) {
	adain := command(t)
	startSlurm(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "film.mp4")
	longFilm(t, path)
	if out, err := run(t, adain, "transcode", "--threads", "1", "--segment", "400ms", "--out", filepath.Join(dir, "one"), path); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	script, err := filepath.Abs("slurm.sh")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ADAIN", adain)
	t.Chdir(dir)
	out, err := run(t, script, "4", "--threads", "1", "--segment", "400ms", "--lease", "5s", "--out", filepath.Join(dir, "workers"), path)
	var array string
	if _, scanErr := fmt.Sscanf(out, "array %s", &array); err != nil || scanErr != nil {
		t.Fatalf("%v, %v\n%s", err, scanErr, out)
	}
	killed := false
	deadline := time.Now().Add(90 * time.Second)
	for done := 0; done < 4; time.Sleep(100 * time.Millisecond) {
		// Killed, and run again, in the middle of its work; Slurm would wait for two minutes.
		if killed && stateOf(t, array+"_1") == "PENDING" {
			run(t, "scontrol", "update", "JobId="+array+"_1", "StartTime=now")
		}
		if !killed && stateOf(t, array+"_1") == "RUNNING" {
			if out, err := run(t, "scontrol", "requeue", array+"_1"); err == nil {
				killed = true
			} else {
				t.Log(err, out)
			}
		}
		done = 0
		for i := range 4 {
			switch state := stateOf(t, fmt.Sprintf("%s_%d", array, i)); {
			case state == "COMPLETED":
				done++
			case state == "FAILED" || time.Now().After(deadline):
				logs, _ := run(t, "sh", "-c", "tail -n 5 adain-*.log")
				t.Fatalf("task %d is %s\n%s", i, state, logs)
			}
		}
	}
	if !killed {
		t.Error("no task was killed")
	}
	samePictures(t, filepath.Join(dir, "workers", "film.mp4"), filepath.Join(dir, "one", "film.mp4"))
	left, _ := filepath.Glob(filepath.Join(dir, "workers", ".*"))
	if len(left) > 0 {
		t.Errorf("%q were left", left)
	}
}

var kubernetesCommand = regexp.MustCompile(`(?m)^ *command: \[(.*)\]$`)

// TestKubernetes runs the command of each pool, at the same time, on a bucket.
func TestKubernetes(t *testing.T) {
	adain := command(t)
	text, err := os.ReadFile("kubernetes/workers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	commands := kubernetesCommand.FindAllStringSubmatch(string(text), -1)
	if len(commands) != 2 {
		t.Fatalf("%d commands, wanted one for each pool", len(commands))
	}
	server := storetest.Start(t)
	storetest.Environment(t, server.Address, storetest.Key, storetest.Secret)
	dir := t.TempDir()
	path := filepath.Join(dir, "film.mp4")
	longFilm(t, path)
	film, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	server.Put(t, "films/film.mp4", film)
	options := []string{"--codec", "x264enc", "--mixed", "--threads", "1", "--segment", "400ms"}
	if out, err := run(t, adain, append(append([]string{"transcode"}, options...), "--out", filepath.Join(dir, "one"), path)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ended := make(chan string, 2)
	for _, c := range commands {
		line := strings.NewReplacer(", ", " ", `":9090"`, "127.0.0.1:0", "60s", "400ms --threads 1 --lease 5s", "$(OUT)", "s3://films/styled", "$(FILMS)", "s3://films/films").Replace(c[1])
		go func() {
			out, err := run(t, adain, strings.Fields(line)[1:]...)
			if err != nil {
				out += err.Error()
				t.Error(err)
			}
			ended <- out
		}()
	}
	for range commands {
		if out := <-ended; t.Failed() {
			t.Log(out)
		}
	}
	result := filepath.Join(dir, "result.mp4")
	if err := os.WriteFile(result, server.Get(t, "styled/film.mp4"), 0o600); err != nil {
		t.Fatal(err)
	}
	samePictures(t, result, filepath.Join(dir, "one", "film.mp4"))
}

func TestKubernetesSchema(t *testing.T) {
	if _, err := exec.LookPath("kubernetes-validate"); err != nil {
		t.Skip("no kubernetes-validate (PyPI): ", err)
	}
	built := "kubernetes/workers.yaml"
	if _, err := exec.LookPath("kubectl"); err == nil {
		out, err := run(t, "kubectl", "kustomize", "kubernetes")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		built = filepath.Join(t.TempDir(), "built.yaml")
		if err := os.WriteFile(built, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run(t, "kubernetes-validate", "--strict", built); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte(strings.Replace(string(text), "parallelism:", "paralelism:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "kubernetes-validate", "--strict", wrong); err == nil {
		t.Error("the check takes a misspelt field")
	}
}
