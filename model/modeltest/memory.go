package modeltest

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// LittleMemory runs test in a process of its own that can take only 256 MB more memory than it has. argument makes what test works on, such
// as a folder of files, while there is plenty. The test function that calls it must do nothing else: the process runs it once more.
func LittleMemory(t *testing.T, argument func() string, test func(argument string)) {
	t.Helper()
	const variable = "ADAIN_LITTLE_MEMORY"
	if given := os.Getenv(variable); given != "" {
		limitMemory(t)
		test(given)
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), variable+"="+argument())
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.2000s", err, out)
	}
}

func limitMemory(t *testing.T) {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages uint64
	if _, err := fmt.Sscan(string(statm), &pages); err != nil {
		t.Fatal(err)
	}
	limit := pages*uint64(os.Getpagesize()) + 256<<20
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
}
