package cuda

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
)

// verdictFolder is where verdicts of self-tests lie, a file each.
var verdictFolder = func() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "adainfilter", "selftest"), err
}

// verdictKey names a self-test of this card, under this driver, with these kernels. It is not known where the driver does not tell.
func (d *device) verdictKey() (key string, known bool) {
	id, err := cu.Device(d.number).UUID()
	if err != nil {
		return "", false
	}
	major, minor, err := driver.Version()
	if err != nil {
		return "", false
	}
	release, _ := os.ReadFile("/proc/driver/nvidia/version") // the driver's own number, where the system shows it
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %d.%d %s", id, d.name, major, minor, release)
	for _, m := range kernels.Modules {
		if m.Hopper || m.Name == "conv" || m.Name == "first" {
			ptx, _ := kernels.PTX(m.Name)
			fmt.Fprint(h, ptx)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16]), true
}

// readVerdict is what a self-test said that was kept under this key.
func readVerdict(key string) (text string, ok bool) {
	folder, err := verdictFolder()
	if err != nil {
		return "", false
	}
	read, err := os.ReadFile(filepath.Join(folder, key))
	return string(read), err == nil
}

// keepVerdict writes what a self-test said. Where that is not possible the next start makes it again.
func keepVerdict(key, text string) {
	folder, err := verdictFolder()
	if err != nil || os.MkdirAll(folder, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(folder, "unfinished")
	if err != nil {
		return
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, key))
	}
	if err != nil {
		os.Remove(f.Name())
	}
}
