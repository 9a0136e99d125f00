package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"adainfilter/picture"
)

// A picture that somebody has sent is decoded by a process of its own: its memory goes back when it ends, the kernel counts its processor
// time, and whatever is wrong with the picture cannot harm the one that plays.

// DecodeCommand is the first argument of such a process; the program then calls Decode and exits.
const DecodeCommand = "decode-upload"

// Kinds of what is decoded.
const (
	styleKind = "style"
	maskKind  = "mask"
)

// Budget of one picture. What takes more is for libvips, which reads in strips; where that is missing, 24 million pixels of 8 bits fit.
const (
	maxPicturePixels = 32 << 20
	maxDecodedBytes  = 100 << 20
	maxDecodeSeconds = 10 // of processor time
)

// Decode is the work of that process: arguments are the seconds of processor time that it may take, kind, picture, and the names of the
// picture and thumbnail to write. What is wrong with the picture is a sentence on standard error. It returns the exit status.
func Decode(arguments []string) int {
	err := limit(arguments)
	if err == nil {
		err = decodeUpload(arguments[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// limit lets the kernel end this process after the seconds of the first argument.
func limit(arguments []string) error {
	if len(arguments) != 5 {
		return errors.New("wanted seconds, a kind and three files")
	}
	seconds, err := strconv.ParseUint(arguments[0], 10, 32)
	if err != nil {
		return fmt.Errorf("seconds of computing: %w", err)
	}
	return unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds})
}

func decodeUpload(arguments []string) error {
	kind, from, to, small := arguments[0], arguments[1], arguments[2], arguments[3]
	side := styleSide
	if kind == maskKind {
		side = maxMaskSide
	}
	img, err := picture.ReadReduced(from, side, picture.Limit{Pixels: maxPicturePixels, Bytes: maxPictureBytes, Memory: maxDecodedBytes})
	if err != nil {
		return err
	}
	if min(img.Width, img.Height) > side {
		img = picture.ShortSide(img, side)
	}
	if err := picture.Write(to, img); err != nil || kind == maskKind {
		return err
	}
	return picture.Write(small, picture.ShortSide(img, thumbnailHeight))
}

// keep runs a process that makes files of ours of a picture that was sent, in so many seconds of processor time.
func (c *catalogue) keep(ctx context.Context, decoder []string, seconds int, sent, kind string) (uploaded, error) {
	u := uploaded{path: c.name(kind+"-", ".png")}
	small := c.name("upload-", ".jpg")
	cmd := exec.CommandContext(ctx, decoder[0], append(decoder[1:], strconv.Itoa(seconds), kind, sent, u.path, small)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=10", "TMPDIR="+c.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	if err == nil {
		if kind == styleKind {
			u.thumbnail = small
		}
		return u, nil
	}
	os.Remove(u.path)
	os.Remove(small)
	var exit *exec.ExitError
	text, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
	text = strings.ReplaceAll(strings.ReplaceAll(text, fmt.Sprintf("%q ", sent), ""), sent+": ", "") // libvips names it, too
	for _, words := range []string{"that is cut short", "that cannot be decoded"} {                  // what the decoders add is for programmers
		if i := strings.Index(text, words); i >= 0 {
			text = text[:i+len(words)]
		}
	}
	switch {
	case ctx.Err() != nil:
		return u, ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() == 1 && strings.HasPrefix(text, "picture "):
		return u, refuse(http.StatusUnprocessableEntity, "the %s", text)
	case errors.As(err, &exit) && exit.ProcessState.SystemTime()+exit.ProcessState.UserTime() > time.Duration(seconds)*time.Second*9/10:
		return u, refuse(http.StatusUnprocessableEntity, "the picture takes more than %d seconds of computing", seconds)
	case errors.As(err, &exit):
		return u, refuse(http.StatusUnprocessableEntity, "the picture cannot be decoded")
	}
	return u, fmt.Errorf("the picture cannot be decoded: %w", err)
}
