package main

import (
	"os"
	"strings"
)

// splitList splits at commas, except where a backslash stands before one. A list that is the name of a file is that file.
func splitList(list string) []string {
	if _, err := os.Stat(list); err == nil {
		return []string{list}
	}
	var items []string
	var item strings.Builder
	for i := 0; i < len(list); i++ {
		switch {
		case strings.HasPrefix(list[i:], `\,`):
			item.WriteByte(',')
			i++
		case list[i] == ',':
			items = append(items, item.String())
			item.Reset()
		default:
			item.WriteByte(list[i])
		}
	}
	return append(items, item.String())
}
