package source

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// sessionBus starts a D-Bus of the test's own and makes it the session's.
func sessionBus(t *testing.T) {
	t.Helper()
	daemon := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address")
	out, err := daemon.StdoutPipe()
	if err == nil {
		err = daemon.Start()
	}
	if err != nil {
		t.Skip("the portal needs a D-Bus: ", err)
	}
	t.Cleanup(func() { daemon.Process.Kill(); daemon.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Skip("dbus-daemon does not start: ", err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
}

// desktop plays the portal's part as its documentation says.
type desktop struct {
	sync.Mutex
	bus     *dbus.Conn
	calls   []string
	choices map[string]dbus.Variant // of SelectSources
	answer  uint32                  // to Start
	remote  *os.File
}

const sessionPath = dbus.ObjectPath("/org/freedesktop/portal/desktop/session/1_1/s")

func (d *desktop) respond(sender dbus.Sender, method string, options map[string]dbus.Variant, code uint32, results map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	d.Lock()
	d.calls = append(d.calls, method)
	d.Unlock()
	path := dbus.ObjectPath(fmt.Sprintf("%s/request/%s/%s", desktopPath, strings.ReplaceAll(string(sender)[1:], ".", "_"), options["handle_token"].Value()))
	go func() {
		time.Sleep(20 * time.Millisecond)
		d.bus.Emit(path, response+".Response", code, results)
	}()
	return path, nil
}

func (d *desktop) CreateSession(sender dbus.Sender, options map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	return d.respond(sender, "CreateSession", options, 0, map[string]dbus.Variant{"session_handle": dbus.MakeVariant(string(sessionPath))})
}

func (d *desktop) SelectSources(sender dbus.Sender, session dbus.ObjectPath, options map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	d.Lock()
	d.choices = options
	d.Unlock()
	return d.respond(sender, "SelectSources "+string(session), options, 0, map[string]dbus.Variant{})
}

func (d *desktop) Start(sender dbus.Sender, session dbus.ObjectPath, _ string, options map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	type stream struct {
		Node       uint32
		Properties map[string]dbus.Variant
	}
	return d.respond(sender, "Start "+string(session), options, d.answer, map[string]dbus.Variant{"restore_token": dbus.MakeVariant("again"),
		"streams": dbus.MakeVariant([]stream{{42, map[string]dbus.Variant{"size": dbus.MakeVariant([]int32{640, 360})}}})})
}

func (d *desktop) OpenPipeWireRemote(session dbus.ObjectPath, _ map[string]dbus.Variant) (dbus.UnixFD, *dbus.Error) {
	d.Lock()
	defer d.Unlock()
	d.calls = append(d.calls, "OpenPipeWireRemote "+string(session))
	return dbus.UnixFD(d.remote.Fd()), nil
}

// TestPortal goes through the desktop's calls with one that plays by its documentation, twice: the second time the user is not asked.
func TestPortal(t *testing.T) {
	sessionBus(t)
	bus, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	d := &desktop{bus: bus, remote: write}
	p := &portal{}
	if _, _, err := p.open(t.Context()); err == nil || !strings.Contains(err.Error(), "xdg-desktop-portal") {
		t.Errorf("without a portal: %v", err)
	}
	if err := bus.Export(d, desktopPath, strings.TrimSuffix(screenCast, ".")); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.RequestName(desktopName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		properties, done, err := p.open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if properties["path"] != "42" {
			t.Errorf("the node is %v, wanted 42", properties["path"])
		}
		text := fmt.Sprintf("through %d", i)
		if _, err := syscall.Write(properties["fd"].(int), []byte(text)); err != nil {
			t.Error(err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(read, got); err != nil || string(got) != text {
			t.Errorf("through the socket came %q, %v", got, err)
		}
		done()
		cancel()
		restored := d.choices["restore_token"].Value()
		if d.choices["types"].Value() != uint32(3) || d.choices["cursor_mode"].Value() != uint32(2) || i == 0 && restored != nil || i == 1 && restored != "again" {
			t.Errorf("time %d: chosen from %v", i, d.choices)
		}
	}
	at := " " + string(sessionPath)
	if want := []string{"CreateSession", "SelectSources" + at, "Start" + at, "OpenPipeWireRemote" + at}; !reflect.DeepEqual(d.calls, append(want, want...)) {
		t.Errorf("calls are %q, wanted twice %q", d.calls, want)
	}
	d.answer = 1
	s := &Source{Name: "screen", open: p.open, line: "videotestsrc name=source", limit: time.Minute}
	if said, err := reading(t, s, 1); err == nil || !strings.Contains(err.Error(), "refused in the desktop's dialog") || len(said) > 0 {
		t.Errorf("the user refuses: %v, wanted an end at once", err)
	}
}

// TestScreens: which of the two ways is taken.
func TestScreens(t *testing.T) {
	for _, c := range []struct{ wayland, x11, want string }{{"", "", "DISPLAY is not set"}, {"", ":7", "ximagesrc"}, {"wayland-0", ":7", "pipewire"}} {
		t.Setenv("WAYLAND_DISPLAY", c.wayland)
		t.Setenv("DISPLAY", c.x11)
		s, err := Parse("screen")
		if got := fmt.Sprint(s, err); !strings.Contains(got, c.want) {
			t.Errorf("WAYLAND_DISPLAY=%q DISPLAY=%q: %s, wanted %s", c.wayland, c.x11, got, c.want)
		}
	}
}
