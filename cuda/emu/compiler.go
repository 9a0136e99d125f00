package emu

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// compiler makes files with g++ and keeps them, each under a hash of all that goes into it: several processes may make the same, and what
// is made already is not made again. What nobody asked for in a week goes.
type compiler struct {
	root    string // of the repository: g++ runs there, and sources are named from there
	dir     string // kept files
	machine string // version of g++ and processor: what -march=native means
	parts   sync.Map
	running chan struct{}
}

const keptFor = 7 * 24 * time.Hour

// Line numbers are what reports need; with all of -g the compiler takes twice as long.
var language = []string{"-std=c++17", "-g1", "-Wall", "-I", "cuda/emu"}

// newCompiler keeps files in the repository's build/emu, or among the user's caches where that cannot be written. The error is an
// ErrMissing where there is no g++ or no folder.
func newCompiler() (*compiler, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	version, err := exec.Command("g++", "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%w: g++ is not installed (%w)", ErrMissing, err)
	}
	c := &compiler{root: root, dir: filepath.Join(root, "build", "emu"), machine: string(version) + processor()}
	c.running = make(chan struct{}, runtime.NumCPU())
	if os.MkdirAll(c.dir, 0o755) == nil {
		return c, c.clean()
	}
	caches, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("%w: no folder for it: %w", ErrMissing, err)
	}
	c.dir = filepath.Join(caches, "adainfilter", "emu")
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	return c, c.clean()
}

// clean removes what was not used for long, and what a process left that was ended in its work.
func (c *compiler) clean() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "lock" || e.Name() == "driver" {
			continue // one may be held, the other leads to what is kept
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keptFor {
			if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep says that a kept file or folder is used now, and whether there is one.
func keep(name string) bool {
	now := time.Now()
	return os.Chtimes(name, now, now) == nil
}

// part is a file that g++ makes, at most once in a process.
type part struct {
	c         *compiler
	arguments []string
	key, file string
	replaced  texts
	once      sync.Once
	err       error
}

// texts are contents that stand for those of the repository's files, by name.
type texts map[string]string

// part of these arguments: one for each key. inputs is what g++ reads besides.
func (c *compiler) part(arguments []string, inputs string, replaced texts) *part {
	h := sha256.New()
	for _, text := range append(slices.Clone(arguments), inputs, c.machine) {
		fmt.Fprintln(h, len(text), text)
	}
	key := fmt.Sprintf("%x", h.Sum(nil)[:12])
	p, _ := c.parts.LoadOrStore(key, &part{c: c, arguments: arguments, key: key, file: filepath.Join(c.dir, key), replaced: replaced})
	return p.(*part)
}

// object is a source compiled with these options, with other texts for some of the kernels' files or for the source itself.
func (c *compiler) object(source string, options []string, replaced texts) (*part, error) {
	inputs, err := c.inputs(source, replaced)
	if err != nil {
		return nil, err
	}
	return c.part(slices.Concat(language, options, []string{"-c", source}), inputs, replaced), nil
}

// link makes one file of objects, whose names say what is in them.
func (c *compiler) link(objects []*part, options []string) *part {
	var files []string
	for _, o := range objects {
		files = append(files, o.file)
	}
	return c.part(slices.Concat(files, options), "", nil)
}

// program makes objects, as many at a time as there are processors, and then the file that is linked of them.
func (c *compiler) program(objects []*part, options []string) (string, error) {
	var group sync.WaitGroup
	for _, o := range objects {
		group.Add(1)
		go func() {
			defer group.Done()
			o.make()
		}()
	}
	group.Wait()
	for _, o := range objects {
		if o.err != nil {
			return "", o.err
		}
	}
	p := c.link(objects, options)
	p.make()
	return p.file, p.err
}

func (p *part) make() {
	p.once.Do(func() {
		if keep(p.file) {
			return
		}
		p.c.running <- struct{}{}
		defer func() { <-p.c.running }()
		arguments := p.arguments
		if len(p.replaced) > 0 {
			folder, err := p.c.replace(p.replaced)
			if err != nil {
				p.err = err
				return
			}
			defer os.RemoveAll(folder)
			arguments = elsewhere(arguments, folder, p.replaced)
		}
		// Complete under its name, or not there: another process may make the same.
		unfinished := fmt.Sprintf("%s.%d", p.file, os.Getpid())
		defer os.Remove(unfinished)
		if p.err = p.c.run(append(slices.Clone(arguments), "-o", unfinished)); p.err == nil {
			p.err = os.Rename(unfinished, p.file)
		}
	})
}

func (c *compiler) run(arguments []string) error {
	g := exec.Command("g++", arguments...)
	g.Dir = c.root
	if out, err := g.CombinedOutput(); err != nil {
		return fmt.Errorf("g++ %s: %w\n%s", strings.Join(arguments, " "), err, out)
	}
	return nil
}

const kernelFolder = "cuda/kernels"

// replace copies the kernels' sources into a folder of their own, where the replaced files are.
func (c *compiler) replace(replaced texts) (string, error) {
	folder, err := os.MkdirTemp(c.dir, "replaced")
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(c.root, kernelFolder, "*.cu*"))
	for _, f := range files {
		if text, e := os.ReadFile(f); e != nil {
			err = e
		} else if e := os.WriteFile(filepath.Join(folder, filepath.Base(f)), text, 0o644); e != nil {
			err = e
		}
	}
	for name, text := range replaced {
		if e := os.WriteFile(filepath.Join(folder, path.Base(name)), []byte(text), 0o644); e != nil {
			err = e
		}
	}
	return folder, err
}

// elsewhere is the arguments for the kernels of that folder, and for a source that is replaced itself. Reports name the folder of the
// kernels all the same.
func elsewhere(arguments []string, folder string, replaced texts) []string {
	changed := []string{"-ffile-prefix-map=" + folder + "=" + kernelFolder}
	for _, a := range arguments {
		if _, ok := replaced[a]; ok {
			a = filepath.Join(folder, path.Base(a))
		} else if a == kernelFolder {
			a = folder
		}
		changed = append(changed, a)
	}
	return changed
}

var include = regexp.MustCompile(`(?m)^\s*#\s*include\s*"([^"]+)"`)

// inputs is the text of a source and of the repository's files that it includes, directly or not, each with its name.
func (c *compiler) inputs(source string, replaced texts) (string, error) {
	var all strings.Builder
	seen := map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		text, ok := replaced[name]
		if !ok {
			read, err := os.ReadFile(filepath.Join(c.root, name))
			if err != nil {
				return err
			}
			text = string(read)
		}
		fmt.Fprintln(&all, name, len(text))
		all.WriteString(text)
		for _, m := range include.FindAllStringSubmatch(text, -1) {
			for _, folder := range []string{path.Dir(name), "cuda/emu", "cuda/emu/tests", kernelFolder} {
				header := path.Join(folder, m[1])
				if _, err := os.Stat(filepath.Join(c.root, header)); err == nil {
					if err := visit(header); err != nil {
						return err
					}
					break
				}
			}
		}
		return nil
	}
	if err := visit("cuda/emu/emu.h"); err != nil {
		return "", err
	}
	if err := visit(source); err != nil {
		return "", err
	}
	return all.String(), nil
}

// processor is what -march=native depends on.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "flags") || strings.HasPrefix(line, "Features") {
			return runtime.GOARCH + line
		}
	}
	return runtime.GOARCH
}
