package claim

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Self names this process among all that see one store: the running kernel and the space of numbers of processes, by a hash, the number, and
// when it began by the kernel's count. "" where /proc does not say it.
var Self = sync.OnceValue(func() string {
	began, _, err := beginning(os.Getpid())
	if err != nil || system() == "" {
		return ""
	}
	return fmt.Sprintf("%s-%d-%s", system(), os.Getpid(), began)
})

// system is that of this process, "" if it is not known.
var system = sync.OnceValue(func() string {
	kernel, errKernel := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, errSpace := os.Readlink("/proc/self/ns/pid")
	if errKernel != nil || errSpace != nil {
		return ""
	}
	h := fnv.New64a()
	h.Write(kernel)
	h.Write([]byte(space))
	return fmt.Sprintf("%016x", h.Sum64())
})

// beginning reads when a process began, and its state.
func beginning(number int) (began, state string, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", number))
	if err != nil {
		return "", "", err
	}
	// The second field is a name that may hold spaces and brackets (proc(5)).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return "", "", errors.New("its fields are not those of proc(5)")
	}
	return fields[19], fields[0], nil
}

// IsHere says whether a name that Self has given is that of a process of this machine, so that Gone knows of it.
func IsHere(name string) bool {
	own, _, _ := strings.Cut(name, "-")
	return own != "" && own == system()
}

// Gone says whether a process has ended for certain. Of one of another machine nobody knows.
func Gone(name string) bool {
	parts := strings.Split(name, "-")
	if !IsHere(name) || len(parts) != 3 {
		return false
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return false
	}
	if errors.Is(syscall.Kill(number, 0), syscall.ESRCH) {
		return true
	}
	began, state, err := beginning(number)
	return err == nil && (began != parts[2] || state == "Z" || state == "X")
}
