package container

import "time"

// The elements of chapters (RFC 9559, 5.1.7).
const (
	idEdition, idEditionUID, idAtom, idChapterUID = 0x45b9, 0x45bc, 0xb6, 0x73c4
	idChapterStart, idChapterEnd                  = 0x91, 0x92
	idChapterDisplay, idChapterTitle              = 0x80, 0x85
	idChapterLanguage, idChapterHidden            = 0x437c, 0x98
)

// chapters are those of the first edition.
func (m *matroska) chapters() (found []Chapter) {
	for _, p := range m.parts {
		if p.id != idChapters {
			continue
		}
		editions, _ := elements(p.data)
		atoms, _ := elements(first(editions, idEdition))
		for _, a := range atoms {
			fields, err := elements(a.data)
			if a.id != idAtom || err != nil || number(first(fields, idChapterHidden)) == 1 {
				continue
			}
			shown, _ := elements(first(fields, idChapterDisplay))
			begin, end := number(first(fields, idChapterStart)), number(first(fields, idChapterEnd))
			if begin >= 1<<62 || end >= 1<<62 {
				continue
			}
			found = append(found, Chapter{time.Duration(begin), time.Duration(end), string(first(shown, idChapterTitle)), string(first(shown, idChapterLanguage))})
		}
		return found
	}
	return nil
}

// chapterList is the content of the element Chapters. They are numbered.
func chapterList(chapters []Chapter) []byte {
	edition := appendNumber(nil, idEditionUID, 1)
	for i, c := range chapters {
		atom := appendNumber(nil, idChapterUID, uint64(i+1))
		atom = appendNumber(atom, idChapterStart, uint64(c.Begin))
		if c.End > c.Begin {
			atom = appendNumber(atom, idChapterEnd, uint64(c.End))
		}
		language := c.Language
		if language == "" {
			language = "und"
		}
		display := appendElement(appendElement(nil, idChapterTitle, []byte(c.Title)), idChapterLanguage, []byte(language))
		edition = appendElement(edition, idAtom, appendElement(atom, idChapterDisplay, display))
	}
	return appendElement(nil, idEdition, edition)
}
