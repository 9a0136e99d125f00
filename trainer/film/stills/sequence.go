package stills

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"adainfilter/model"
	"adainfilter/picture"
)

// Numbers say which pictures are a film.
type Numbers struct {
	Pattern string // path, with %05d, %d or #### in its last part for the number
	First   int    // where to begin; below 0 is the lowest number
	Rate    Rate   // frames per second
}

// Rate is a number of frames per second, Num/Den.
type Rate struct{ Num, Den int64 }

// ParseRate reads 25, 23.976 or 24000/1001. Errors: no number, or one that is not from 1/1000 to 1000.
func ParseRate(text string) (Rate, error) {
	r, ok := new(big.Rat).SetString(strings.TrimSpace(text))
	if len(text) > 32 || !ok || r.Cmp(big.NewRat(1, 1000)) < 0 || r.Cmp(big.NewRat(1000, 1)) > 0 || !r.Num().IsInt64() || !r.Denom().IsInt64() {
		return Rate{}, fmt.Errorf("%q frames per second, wanted a number such as 25, 23.976 or 24000/1001, from 0.001 to 1000", text)
	}
	return Rate{r.Num().Int64(), r.Denom().Int64()}, nil
}

// time is when frame i begins.
func (r Rate) time(i int) time.Duration {
	ns := new(big.Int).Mul(big.NewInt(int64(i)*int64(time.Second)), big.NewInt(r.Den))
	return time.Duration(ns.Div(ns.Add(ns, big.NewInt(r.Num/2)), big.NewInt(r.Num)).Int64())
}

// place finds the number in a pattern.
var place = regexp.MustCompile(`%0?[0-9]*d|#+`)

// IsPattern says whether the last part of a path has a place for a number. A file of exactly this name is not one.
func IsPattern(path string) bool {
	if !place.MatchString(filepath.Base(path)) {
		return false
	}
	_, err := os.Lstat(path)
	return err != nil
}

// Name is the path of a number in a pattern.
func Name(pattern string, number int) string {
	folder, base := filepath.Split(pattern)
	at := place.FindStringIndex(base)
	if at == nil {
		return pattern
	}
	width := at[1] - at[0]
	if text := base[at[0]:at[1]]; text[0] == '%' {
		width, _ = strconv.Atoi(strings.Trim(text, "%d"))
	}
	return folder + base[:at[0]] + fmt.Sprintf("%0*d", min(width, 20), number) + base[at[1]:]
}

// OpenSequence indexes numbered pictures. Names and heads are read, and the first picture. Errors: no such picture, a gap, a folder or a picture that
// cannot be read.
func OpenSequence(n Numbers) (*Film, error) {
	numbers, err := numbersOf(n.Pattern)
	if err != nil {
		return nil, err
	}
	if n.First >= 0 {
		at, found := slices.BinarySearch(numbers, n.First)
		if !found {
			return nil, fmt.Errorf("picture %q is missing, there are %d to %d", Name(n.Pattern, n.First), numbers[0], numbers[len(numbers)-1])
		}
		numbers = numbers[at:]
	}
	if n.Rate.Num <= 0 || n.Rate.Den <= 0 {
		n.Rate = Rate{25, 1}
	}
	f := &Film{Kind: Sequence, path: n.Pattern, Bits: 8}
	for i, number := range numbers {
		if i > 0 && number != numbers[i-1]+1 {
			return nil, fmt.Errorf("picture %q is missing: after %d comes %d (begin behind the gap, or fill it)", Name(n.Pattern, numbers[i-1]+1), numbers[i-1], number)
		}
		f.paths = append(f.paths, Name(n.Pattern, number))
		f.Times = append(f.Times, n.Rate.time(i))
	}
	f.End = n.Rate.time(len(numbers))
	return f, f.look()
}

// look finds out what the pictures are: the size of the first, and from all heads whether any is transparent or has more than 8 bits. Of kinds whose heads are
// not known here the first says it.
func (f *Film) look() error {
	first, err := picture.ReadPhoto(f.paths[0], picture.Options{Deep: true})
	if err != nil {
		return err
	}
	f.Width, f.Height, f.Alpha = first.Image.Width, first.Image.Height, first.Image.Format == model.RGBA
	if first.Deep != nil {
		f.Bits = 16
	}
	for _, path := range f.paths {
		h, err := header(path)
		if err != nil {
			return err
		}
		f.Alpha, f.Bits = f.Alpha || h.alpha, max(f.Bits, h.bits)
	}
	f.Deep = f.Bits > 8
	return nil
}

// numbersOf are the numbers for which there is a file, sorted.
func numbersOf(pattern string) ([]int, error) {
	folder, base := filepath.Split(pattern)
	at := place.FindStringIndex(base)
	if at == nil {
		return nil, fmt.Errorf("%q has no place for a number, such as %%05d or ####", pattern)
	}
	if folder == "" {
		folder = "."
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("folder %q cannot be read: %w", folder, errors.Unwrap(err))
	}
	var numbers []int
	for _, e := range entries {
		if name := e.Name(); Matches(base, name) {
			number, _ := strconv.Atoi(name[at[0] : len(name)-len(base[at[1]:])])
			numbers = append(numbers, number)
		}
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("no picture is named like %q", pattern)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// numbered finds the number at the end of a name.
var numbered = regexp.MustCompile(`^(.*?)([0-9]+)(\.[A-Za-z]+)$`)

// Patterns finds the films of numbered pictures directly in a folder: names that differ in the number before the end only, at least two of them. Errors: a folder that
// cannot be read.
func Patterns(folder string, ends []string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("folder %q cannot be read: %w", folder, errors.Unwrap(err))
	}
	counts := map[string]int{}
	var found []string
	for _, e := range entries {
		m := numbered.FindStringSubmatch(e.Name())
		if m == nil || strings.HasPrefix(e.Name(), ".") || place.MatchString(m[1]) || !slices.Contains(ends, strings.ToLower(m[3])) {
			continue
		}
		pattern := m[1] + "%0" + strconv.Itoa(len(m[2])) + "d" + m[3]
		if m[2][0] != '0' && counts[pattern] == 0 { // 9 and 10 are of one film
			if plain := m[1] + "%d" + m[3]; counts[plain] > 0 || len(m[2]) == 1 {
				pattern = plain
			}
		}
		if counts[pattern]++; counts[pattern] == 2 {
			found = append(found, filepath.Join(folder, pattern))
		}
	}
	return found, nil
}

// Paths are the files of numbered pictures, in their order; of an animated file there are none. They must not be changed.
func (f *Film) Paths() []string { return f.paths }

// Matches says whether a file's name is one of a pattern's, which has no folder.
func Matches(pattern, name string) bool {
	at := place.FindStringIndex(pattern)
	if at == nil || len(name) <= len(pattern)-(at[1]-at[0]) || !strings.HasPrefix(name, pattern[:at[0]]) || !strings.HasSuffix(name, pattern[at[1]:]) {
		return false
	}
	number, err := strconv.Atoi(name[at[0] : len(name)-len(pattern[at[1]:])])
	return err == nil && number >= 0 && Name(pattern, number) == name
}

// Stem is the part of a pattern's name before the number.
func Stem(base string) string {
	at := place.FindStringIndex(base)
	if at == nil {
		return base
	}
	return base[:at[0]]
}
