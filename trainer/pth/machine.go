package pth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// What a pickle can hold, beside int64, float64, bool, string and nil.
type (
	// global is a name that a pickle refers to: a class or function of Python.
	global string
	// tuple is an immutable sequence.
	tuple []any
	// list is a sequence that may still grow.
	list struct{ items []any }
	// dict keeps its string keys in order; entries under other keys are dropped.
	dict struct {
		keys   []string
		values map[string]any
	}
	// mark is where a group of stack items begins.
	mark struct{}
)

func newDict() *dict { return &dict{values: map[string]any{}} }

func (d *dict) set(key, value any) {
	k, ok := key.(string)
	if !ok {
		return
	}
	if _, known := d.values[k]; !known {
		d.keys = append(d.keys, k)
	}
	d.values[k] = value
}

// machine runs one pickle. Its memory grows with the bytes read: no opcode makes more than it and its arguments are long,
// times a constant.
type machine struct {
	data    []byte // what is not read yet
	stack   []any
	memo    map[uint32]any
	storage func(id tuple) (any, error) // resolves a persistent identity
}

var errShort = errors.New("is cut short: its pickle ends in the middle")

// run executes up to the STOP opcode and returns the value and the bytes behind it.
func (m *machine) run() (value any, rest []byte, err error) {
	m.memo = map[uint32]any{}
	for {
		op, err := m.take(1)
		if err != nil {
			return nil, nil, err
		}
		if op[0] == '.' {
			value, err := m.pop()
			return value, m.data, err
		}
		if err := m.step(op[0]); err != nil {
			return nil, nil, err
		}
	}
}

// step executes one opcode (Python's pickletools lists them all).
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := m.take(1)
		if err == nil && v[0] > 5 {
			return fmt.Errorf("has a pickle of protocol %d, wanted at most 5", v[0])
		}
		return err
	case 0x95: // FRAME
		_, err := m.take(8)
		return err
	case '(':
		return m.push(mark{})
	case '0':
		_, err := m.pop()
		return err
	case '1':
		_, err := m.group()
		return err
	case 'N':
		return m.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return m.push(op == 0x88)
	case 'J', 'K', 'M', 0x8a, 'G':
		return m.number(op)
	case 'U', 'T', 'X', 0x8c, 0x8d, 'B', 'C', 0x8e:
		return m.text(op)
	case 'h', 'j', 'q', 'r', 0x94:
		return m.remember(op)
	case ')', 't', 0x85, 0x86, 0x87, ']', 'l', 'a', 'e', '}', 'd', 's', 'u':
		return m.collect(op)
	case 'c', 0x93, 'R', 0x81, 'b', 'Q':
		return m.object(op)
	}
	return fmt.Errorf("has the pickle opcode 0x%02x, which weights do not need", op)
}

func (m *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.data)) {
		return nil, errShort
	}
	out := m.data[:n]
	m.data = m.data[n:]
	return out, nil
}

// little reads an unsigned little-endian number of n bytes, at most 8.
func (m *machine) little(n uint64) (uint64, error) {
	b, err := m.take(n)
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), err
}

func (m *machine) push(v any) error {
	m.stack = append(m.stack, v)
	return nil
}

func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 {
		return nil, errors.New("has a pickle that takes more from its stack than is there")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	if _, ok := v.(mark); ok {
		return nil, errors.New("has a pickle with a mark where a value was wanted")
	}
	return v, nil
}

// group pops everything above the topmost mark, and the mark. The result is the caller's.
func (m *machine) group() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			items := append([]any(nil), m.stack[i+1:]...)
			m.stack = m.stack[:i]
			return items, nil
		}
	}
	return nil, errors.New("has a pickle that lacks a mark")
}

func (m *machine) number(op byte) error {
	switch op {
	case 'G':
		b, err := m.take(8)
		if err != nil {
			return err
		}
		return m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 0x8a: // LONG1: two's complement of a stated length
		n, err := m.little(1)
		if err != nil {
			return err
		}
		if n > 8 {
			return fmt.Errorf("has an integer of %d bytes in its pickle, wanted at most 8", n)
		}
		v, err := m.little(n)
		if err != nil {
			return err
		}
		if n == 0 {
			return m.push(int64(0))
		}
		shift := 64 - 8*n
		return m.push(int64(v<<shift) >> shift)
	}
	v, err := m.little(map[byte]uint64{'J': 4, 'K': 1, 'M': 2}[op])
	if err != nil {
		return err
	}
	if op == 'J' {
		return m.push(int64(int32(v)))
	}
	return m.push(int64(v))
}

func (m *machine) text(op byte) error {
	width := uint64(4)
	switch op {
	case 'U', 0x8c, 'C':
		width = 1
	case 0x8d, 0x8e:
		width = 8
	}
	n, err := m.little(width)
	if err != nil {
		return err
	}
	b, err := m.take(n)
	if err != nil {
		return err
	}
	return m.push(string(b))
}

func (m *machine) remember(op byte) error {
	index, err := uint64(len(m.memo)), error(nil)
	switch op {
	case 'h', 'q':
		index, err = m.little(1)
	case 'j', 'r':
		index, err = m.little(4)
	}
	if err != nil {
		return err
	}
	if op == 'h' || op == 'j' {
		v, ok := m.memo[uint32(index)]
		if !ok {
			return fmt.Errorf("has a pickle that refers to its memo %d before that is set", index)
		}
		return m.push(v)
	}
	v, err := m.pop()
	if err != nil {
		return err
	}
	m.memo[uint32(index)] = v
	return m.push(v)
}
