package model

import (
	"fmt"
	"syscall"
)

// CheckMemory says whether so many bytes can be allocated now: it takes them from the system and gives them back. Go ends the process where
// it gets no memory, so what has its size from outside, as from a file, is asked for here first. Any thread. The error, "not enough memory"
// and how much is wanted, wraps the system's.
func CheckMemory(bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	memory, err := syscall.Mmap(-1, 0, int(bytes), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("not enough memory, wanted %d MB: %w", (bytes+1e6-1)/1e6, err)
	}
	return syscall.Munmap(memory)
}
