package transcode

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Shard is one of Count equal parts of the work, counted from 0. The zero value is all of it.
type Shard struct{ Index, Count int }

// indexVariables name the environment variables in which batch systems tell a task its number: Slurm's arrays and indexed jobs of
// Kubernetes. Neither tells how many there are in a way that holds when one task is run again.
var indexVariables = []string{"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"}

// ParseShard reads "i/n", or "/n" with i from the environment. "" is the whole.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{}, nil
	}
	index, count, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 {
		return Shard{}, fmt.Errorf("shard is %q, wanted i/n or /n, where n is 1 or more", text)
	}
	from := fmt.Sprintf("shard %q", text)
	for _, name := range indexVariables {
		if index == "" && os.Getenv(name) != "" {
			index, from = os.Getenv(name), name
		}
	}
	if index == "" {
		return Shard{}, fmt.Errorf("shard is %q, but none of %s is set: write i/n", text, strings.Join(indexVariables, ", "))
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= n {
		return Shard{}, fmt.Errorf("%s says that this is shard %q of %d, wanted 0 to %d", from, index, n, n-1)
	}
	return Shard{i, n}, nil
}

func (s Shard) check() error {
	if s.Count < 0 || s.Count == 0 && s.Index != 0 || s.Count > 0 && (s.Index < 0 || s.Index >= s.Count) {
		return fmt.Errorf("shard is %d of %d, they are counted from 0", s.Index, s.Count)
	}
	return nil
}

// has says whether a segment of a film belongs to this shard. It depends on these numbers only, so shards need not talk.
func (s Shard) has(film, segment int) bool {
	return s.Count == 0 || (film+segment)%s.Count == s.Index
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }
