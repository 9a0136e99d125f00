package claim

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGone: a process is gone when it has been killed, whether anybody has waited for it or not; of other machines nothing is known.
func TestGone(t *testing.T) {
	if Self() == "" {
		t.Skip("/proc does not say what a process is")
	}
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	began, _, err := beginning(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%s-%d-%s", system(), c.Process.Pid, began)
	for n, want := range map[string]bool{
		name: false, Self(): false, name + "0": true, strings.Replace(name, system(), "0123456789abcdef", 1) + "0": false, "": false, "x": false, system() + "-x-1": false,
	} {
		if Gone(n) != want {
			t.Errorf("%q is gone: %v, wanted %v", n, !want, want)
		}
	}
	if !IsHere(name) || IsHere("0123456789abcdef-1-1") || IsHere("") {
		t.Error("it is not known which processes are here")
	}
	c.Process.Signal(syscall.SIGKILL)
	for end := time.Now().Add(10 * time.Second); !Gone(name); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a process that was killed and that nobody has waited for is there")
		}
	}
	c.Wait()
	if !Gone(name) {
		t.Error("a process that has ended is there")
	}
}

// TestHolderGone: what a process of this machine held is free as soon as that has gone, and not before.
func TestHolderGone(t *testing.T) {
	a, b := pair(t)
	b.Near, b.Lease = true, time.Hour
	k, _, err := a.Take(t.Context(), "x", 0)
	if err != nil {
		t.Fatal(err)
	}
	if held, _ := look(t, b); held["x"] != 1 || !b.Lives("x", 1) {
		t.Errorf("of a process that is there %v is held", held)
	}
	k.cancel(nil)
	<-k.ended
	k.note.Process = Self() + "0"
	if err := b.Store.Put(t.Context(), NameOf("y", 1), k.text(), true); err != nil {
		t.Fatal(err)
	}
	if held, free := look(t, b); held["y"] != 0 || free["y"] != 1 || held["x"] != 1 {
		t.Errorf("of a process that has gone %v is held, %v free", held, free)
	}
	// It was given back before, and is another's now.
	if err := b.Store.Remove(t.Context(), NameOf("y", 1)); err != nil {
		t.Fatal(err)
	}
	again, _, err := a.Take(t.Context(), "y", 0)
	if err != nil {
		t.Fatal(err)
	}
	if held, free := look(t, b); held["y"] != 1 || free["y"] != 0 || !b.Lives("y", 1) {
		t.Errorf("of a number that another has taken since %v is held, %v free", held, free)
	}
	again.cancel(nil)
	<-again.ended
	again.note.Process = Self() + "0"
	if err := b.Store.Put(t.Context(), NameOf("y", 1), again.text(), false); err != nil {
		t.Fatal(err)
	}
	b.Near = false
	b.Forget("")
	if held, _ := look(t, b); held["y"] != 1 {
		t.Errorf("where nobody looks %v is held", held)
	}
}
