package transcode

import "time"

// Packets that come further ahead of the video than ahead wait for it, as long as it moves at least once in standstill.
const ahead, standstill = 5 * time.Second, 200 * time.Millisecond

// pace keeps a reader, which has nothing to decode, from putting the sound of hours into memory. It lets it go where the video stands still: it may wait for a stream
// whose packets lie behind those that are held here.
func (m *muxing) pace(t time.Duration) {
	for since := time.Now(); ; time.Sleep(time.Millisecond) {
		at := m.fed.Load()
		switch {
		case t <= time.Duration(at)+ahead || at == m.stood.Load():
			return
		case m.seen.Swap(at) != at:
			since = time.Now()
		case time.Since(since) > standstill:
			m.stood.Store(at)
			return
		}
	}
}
