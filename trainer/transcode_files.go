package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"adainfilter/trainer/files"
	"adainfilter/trainer/film"
	"adainfilter/trainer/film/stills"
	"adainfilter/trainer/transcode"
	"adainfilter/trainer/transcode/store"
)

// numberedKinds are the ends of names of pictures that are films where they are numbered. Those that may be animated are not among them.
func numberedKinds() []string {
	return slices.DeleteFunc(slices.Clone(files.Pictures), func(end string) bool { return end == ".gif" || end == ".webp" })
}

// filmInputs finds the films that names say: addresses, files, patterns of numbered pictures, and what is below folders.
func filmInputs(ctx context.Context, names []string, first int, rate stills.Rate) ([]transcode.Input, error) {
	var found []transcode.Input
	for _, name := range names {
		if store.IsRemote(name) {
			elsewhere, err := remoteInputs(ctx, name)
			if err != nil {
				return nil, err
			}
			found = append(found, elsewhere...)
			continue
		}
		info, err := os.Stat(name)
		switch {
		case stills.IsPattern(name):
			found = append(found, numberedInput(name, "", first, rate))
		case err != nil || !info.IsDir():
			base := filepath.Base(name)
			found = append(found, transcode.Input{Path: name, Base: strings.TrimSuffix(base, filepath.Ext(base))})
		default:
			below, err := filmsBelow(name, first, rate)
			if err != nil {
				return nil, err
			}
			found = append(found, below...)
		}
	}
	return found, nil
}

// numberedInput is a pattern of numbered pictures, whose result has the name of the pattern without the number, or of the folder.
func numberedInput(pattern, below string, first int, rate stills.Rate) transcode.Input {
	base := strings.TrimRight(stills.Stem(filepath.Base(pattern)), "._- ")
	if base == "" {
		if absolute, err := filepath.Abs(pattern); err == nil {
			base = filepath.Base(filepath.Dir(absolute))
		}
		below = filepath.Dir(below)
	}
	return transcode.Input{Path: pattern, Base: filepath.Join(below, base), Numbers: &stills.Numbers{Pattern: pattern, First: first, Rate: rate}}
}

// filmsBelow finds films, animated pictures, and in folders without films numbered pictures.
func filmsBelow(folder string, first int, rate stills.Rate) ([]transcode.Input, error) {
	all, err := files.Below(folder, slices.Concat(film.Suffixes, files.Pictures, []string{".apng"}))
	if err != nil {
		return nil, err
	}
	isFilm := func(path string) bool { return slices.Contains(film.Suffixes, strings.ToLower(filepath.Ext(path))) }
	withFilms := map[string]bool{}
	for _, path := range all {
		withFilms[filepath.Dir(path)] = withFilms[filepath.Dir(path)] || isFilm(path)
	}
	var found []transcode.Input
	looked := map[string]bool{}
	for _, path := range all {
		whole := filepath.Join(folder, path)
		if isFilm(path) || slices.Contains(stills.Suffixes, strings.ToLower(filepath.Ext(path))) && stills.Kind(whole) != "" {
			found = append(found, transcode.Input{Path: whole, Base: strings.TrimSuffix(path, filepath.Ext(path))})
			continue
		}
		if below := filepath.Dir(path); !withFilms[below] && !looked[below] {
			looked[below] = true
			patterns, err := stills.Patterns(filepath.Join(folder, below), numberedKinds())
			if err != nil {
				return nil, err
			}
			for _, pattern := range patterns {
				found = append(found, numberedInput(pattern, below, first, rate))
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("folder %q holds no film: no file whose name ends in %s, no animated picture, no numbered pictures", folder, strings.Join(film.Suffixes, ", "))
	}
	return found, nil
}

// readRate reads --fps.
func readRate(c *cli.Context) (stills.Rate, error) {
	rate, err := stills.ParseRate(c.String("fps"))
	if err != nil {
		return rate, fmt.Errorf("--fps is %w", err)
	}
	return rate, nil
}

// outputFile takes apart an --out that names a file or numbered pictures instead of a folder.
func outputFile(o *transcode.Options, out string) error {
	end := strings.ToLower(filepath.Ext(out))
	if out == transcode.Pipe || o.Inputs[0].Path == transcode.Pipe {
		if o.Container == "" && out != transcode.Pipe {
			o.Container = strings.TrimPrefix(end, ".")
		}
		return nil
	}
	if stills.IsPattern(out) {
		kind := strings.TrimPrefix(end, ".")
		if kind == "tif" {
			kind = stills.TIFF
		}
		if kind != stills.PNG && kind != stills.TIFF {
			return fmt.Errorf("--out %q: numbered pictures are written as .png and .tif", out)
		}
		absolute, err := filepath.Abs(out)
		if err != nil {
			return err
		}
		folder := filepath.Dir(absolute)
		return outputNamed(o, filepath.Dir(folder), filepath.Base(folder), kind, "", filepath.Base(out))
	}
	container := strings.TrimPrefix(end, ".")
	if store.IsRemote(out) {
		if slices.Contains(transcode.Containers(), container) {
			return fmt.Errorf("--out %s: results in a bucket lie below a prefix, which looks like a file here", store.Plain(out))
		}
		return nil
	}
	switch container {
	case "m4v":
		container = "mp4"
	case "png":
		container = stills.APNG
	}
	info, err := os.Stat(out)
	if err == nil && info.IsDir() || strings.HasSuffix(out, "/") || end == "" || container == "tiff" || !slices.Contains(transcode.Containers(), container) {
		return nil // a folder
	}
	return outputNamed(o, filepath.Dir(out), strings.TrimSuffix(filepath.Base(out), filepath.Ext(out)), container, filepath.Ext(out), "")
}

func outputNamed(o *transcode.Options, folder, base, container, end, pattern string) error {
	switch {
	case len(o.Inputs) > 1:
		return fmt.Errorf("--out names one result, there are %d films: name a folder", len(o.Inputs))
	case o.Container != "" && o.Container != container:
		return fmt.Errorf("--container is %s, the name in --out says %s", o.Container, container)
	case base == "":
		return errors.New("--out has no name before its end")
	}
	o.Out, o.Container, o.End, o.Pattern = folder, container, end, pattern
	o.Inputs[0].Base = base
	return nil
}
