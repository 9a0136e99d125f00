package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/go-gst/go-gst/gst"
	"github.com/godbus/dbus/v5"

	"adainfilter/trainer/film"
	"adainfilter/trainer/live/media"
)

// Under Wayland no program may look at the screen by itself. The desktop asks the user which screen or window it is to be, and gives it as
// a node of PipeWire (xdg-desktop-portal, org.freedesktop.portal.ScreenCast).

const (
	desktopName = "org.freedesktop.portal.Desktop"
	desktopPath = "/org/freedesktop/portal/desktop"
	screenCast  = "org.freedesktop.portal.ScreenCast."
	response    = "org.freedesktop.portal.Request"
)

// Values of the interface.
const (
	monitorOrWindow = uint32(1 | 2)
	cursorInPicture = uint32(2)
	whileRunning    = uint32(1) // how long the user's choice holds
)

// cast is a screen that the desktop shares as long as the session of D-Bus is open.
type cast struct {
	remote *os.File // the socket of PipeWire
	node   uint32
}

// portal remembers the user's choice, so that a source that breaks does not ask again.
type portal struct{ chosen string }

func portalScreen() (*Source, error) {
	film.Init()
	if gst.Find("pipewiresrc") == nil {
		return nil, errors.New("source screen under Wayland: " + film.Lacking("pipewiresrc"))
	}
	p := &portal{}
	return &Source{Name: "screen", Title: "screen", line: "pipewiresrc name=source do-timestamp=true keepalive-time=500", open: p.open}, nil
}

// open asks for the screen and gives the properties of pipewiresrc.
func (p *portal) open(ctx context.Context) (properties map[string]any, done func(), err error) {
	bus, err := dbus.ConnectSessionBus(dbus.WithContext(ctx))
	if err != nil {
		return nil, nil, media.Final(fmt.Errorf("there is no session of D-Bus, which Wayland's desktops share screens by: %w", err))
	}
	c, err := p.ask(ctx, bus)
	if err != nil {
		bus.Close()
		return nil, nil, err
	}
	done = func() {
		c.remote.Close()
		bus.Close() // which ends the session
	}
	return map[string]any{"fd": int(c.remote.Fd()), "path": fmt.Sprint(c.node)}, done, nil
}

// ask goes through the four calls of the interface.
func (p *portal) ask(ctx context.Context, bus *dbus.Conn) (*cast, error) {
	results, err := call(ctx, bus, "CreateSession", map[string]dbus.Variant{"session_handle_token": dbus.MakeVariant(token())})
	if err != nil {
		return nil, err
	}
	handle, _ := results["session_handle"].Value().(string)
	session := dbus.ObjectPath(handle)
	if !session.IsValid() {
		return nil, fmt.Errorf("the desktop gives the session %q, wanted a path", handle)
	}
	choice := map[string]dbus.Variant{"types": dbus.MakeVariant(monitorOrWindow), "cursor_mode": dbus.MakeVariant(cursorInPicture),
		"persist_mode": dbus.MakeVariant(whileRunning)}
	if p.chosen != "" {
		choice["restore_token"] = dbus.MakeVariant(p.chosen)
	}
	if _, err := call(ctx, bus, "SelectSources", choice, session); err != nil {
		return nil, err
	}
	if results, err = call(ctx, bus, "Start", map[string]dbus.Variant{}, session, ""); err != nil {
		return nil, err
	}
	p.chosen, _ = results["restore_token"].Value().(string)
	var streams []struct {
		Node       uint32
		Properties map[string]dbus.Variant
	}
	if v, ok := results["streams"]; !ok || dbus.Store([]any{v.Value()}, &streams) != nil || len(streams) == 0 {
		return nil, errors.New("the desktop shares no screen")
	}
	var fd dbus.UnixFD
	if err := bus.Object(desktopName, desktopPath).CallWithContext(ctx, screenCast+"OpenPipeWireRemote", 0, session, map[string]dbus.Variant{}).Store(&fd); err != nil {
		return nil, fmt.Errorf("the desktop gives no way to PipeWire: %w", err)
	}
	return &cast{remote: os.NewFile(uintptr(fd), "pipewire"), node: streams[0].Node}, nil
}

func token() string { return fmt.Sprintf("adain%d", rand.Uint64()) }

// call makes a request and waits for its response, for which a user may have to be asked.
func call(ctx context.Context, bus *dbus.Conn, method string, options map[string]dbus.Variant, arguments ...any) (map[string]dbus.Variant, error) {
	handle := token()
	options["handle_token"] = dbus.MakeVariant(handle)
	sender := strings.ReplaceAll(strings.TrimPrefix(bus.Names()[0], ":"), ".", "_")
	path := dbus.ObjectPath(desktopPath + "/request/" + sender + "/" + handle)
	match := []dbus.MatchOption{dbus.WithMatchInterface(response), dbus.WithMatchMember("Response"), dbus.WithMatchObjectPath(path)}
	if err := bus.AddMatchSignalContext(ctx, match...); err != nil {
		return nil, err
	}
	defer bus.RemoveMatchSignal(match...)
	signals := make(chan *dbus.Signal, 8)
	bus.Signal(signals)
	defer bus.RemoveSignal(signals)
	asked := bus.Object(desktopName, desktopPath).CallWithContext(ctx, screenCast+method, 0, append(arguments, options)...)
	if asked.Err != nil {
		return nil, fmt.Errorf("the desktop does not share screens (xdg-desktop-portal, %s): %w", method, asked.Err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case s, ok := <-signals:
			if !ok {
				return nil, errors.New("the session of D-Bus has ended")
			}
			if s.Path != path {
				continue
			}
			var code uint32
			var results map[string]dbus.Variant
			if err := dbus.Store(s.Body, &code, &results); err != nil {
				return nil, fmt.Errorf("the desktop's answer to %s: %w", method, err)
			}
			switch code {
			case 0:
				return results, nil
			case 1:
				return nil, media.Final(errors.New("sharing the screen was refused in the desktop's dialog"))
			}
			return nil, fmt.Errorf("the desktop has ended the dialog about sharing the screen (%s)", method)
		}
	}
}
