package pth

import (
	"errors"
	"fmt"
	"strings"
)

// Only these names of Python have a meaning here; a file that refers to another one is refused, by that name.
const (
	orderedDict      = global("collections.OrderedDict")
	rebuildTensor    = global("torch._utils._rebuild_tensor")
	rebuildTensorV2  = global("torch._utils._rebuild_tensor_v2")
	rebuildParameter = global("torch._utils._rebuild_parameter")
	defaultDict      = global("collections.defaultdict")
)

// besides are names that training scripts leave beside the weights: options, counters, states of optimizers and of random numbers. What
// is made of them is opaque. They are listed so that a file with a program in it is refused by that program's name.
var besides = map[global]bool{
	"argparse.Namespace": true, "pathlib.PosixPath": true, "pathlib.WindowsPath": true, "pathlib.Path": true, "_codecs.encode": true,
	"numpy.dtype": true, "numpy.ndarray": true, "numpy.core.multiarray.scalar": true, "numpy.core.multiarray._reconstruct": true,
	"numpy._core.multiarray.scalar": true, "numpy._core.multiarray._reconstruct": true,
	"torch.Size": true, "torch.device": true, "torch.float32": true, "torch.float16": true, "torch.bfloat16": true, "torch.float64": true,
	"builtins.dict": true, "builtins.list": true, "builtins.set": true, "builtins.float": true, "builtins.int": true,
	"__builtin__.dict": true, "__builtin__.list": true, "__builtin__.set": true, "__builtin__.float": true, "__builtin__.int": true,
	"collections.Counter": true, "collections.deque": true, "datetime.datetime": true, "datetime.timedelta": true,
}

// opaque is an object of Python that nobody looks into.
type opaque struct{}

// dtypes gives each class of storage its safetensors dtype and its bytes per element.
var dtypes = map[global]struct {
	name string
	size int
}{
	"torch.FloatStorage": {"F32", 4}, "torch.DoubleStorage": {"F64", 8}, "torch.HalfStorage": {"F16", 2},
	"torch.BFloat16Storage": {"BF16", 2}, "torch.LongStorage": {"I64", 8}, "torch.IntStorage": {"I32", 4},
	"torch.ShortStorage": {"I16", 2}, "torch.CharStorage": {"I8", 1}, "torch.ByteStorage": {"U8", 1}, "torch.BoolStorage": {"BOOL", 1},
}

// collect builds tuples, lists and dictionaries.
func (m *machine) collect(op byte) error {
	switch op {
	case ')':
		return m.push(tuple{})
	case ']':
		return m.push(&list{})
	case '}':
		return m.push(newDict())
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		items := make(tuple, int(op)-0x84)
		for i := len(items) - 1; i >= 0; i-- {
			v, err := m.pop()
			if err != nil {
				return err
			}
			items[i] = v
		}
		return m.push(items)
	case 's', 'a':
		value, err := m.pop()
		if err != nil {
			return err
		}
		items := []any{value}
		if op == 's' {
			key, err := m.pop()
			if err != nil {
				return err
			}
			items = []any{key, value}
		}
		return m.extend(items)
	}
	items, err := m.group()
	if err != nil {
		return err
	}
	switch op {
	case 't':
		return m.push(tuple(items))
	case 'l':
		return m.push(&list{items})
	case 'd':
		_ = m.push(newDict())
	}
	return m.extend(items)
}

// extend adds to the list or dictionary on top of the stack; items of a dictionary are keys and values in turn.
func (m *machine) extend(items []any) error {
	top, err := m.pop()
	if err != nil {
		return err
	}
	switch c := top.(type) {
	case *list:
		c.items = append(c.items, items...)
	case *dict:
		if len(items)%2 != 0 {
			return errors.New("has a dictionary in its pickle with a key that has no value")
		}
		for i := 0; i < len(items); i += 2 {
			c.set(items[i], items[i+1])
		}
	case opaque:
	default:
		return fmt.Errorf("has a pickle that adds items to a %T", top)
	}
	return m.push(top)
}

// object handles names, calls, attributes and persistent identities.
func (m *machine) object(op byte) error {
	switch op {
	case 'c':
		return m.name()
	case 'Q':
		v, err := m.pop()
		if err != nil {
			return err
		}
		id, ok := v.(tuple)
		if !ok || m.storage == nil {
			return errors.New("refers to something outside of its pickle that is not a storage")
		}
		s, err := m.storage(id)
		if err != nil {
			return err
		}
		return m.push(s)
	}
	argument, err := m.pop()
	if err != nil {
		return err
	}
	target, err := m.pop()
	if err != nil {
		return err
	}
	switch op {
	case 0x93: // STACK_GLOBAL
		module, ok1 := target.(string)
		name, ok2 := argument.(string)
		if !ok1 || !ok2 {
			return errors.New("has a pickle that names something without a name")
		}
		return m.global(module, name)
	case 'b': // BUILD sets attributes; an ordered dictionary's are about versions of modules
		switch target.(type) {
		case *dict, opaque:
			return m.push(target)
		}
		return fmt.Errorf("has a pickle that sets attributes of a %T", target)
	}
	v, err := call(target, argument)
	if err != nil {
		return err
	}
	return m.push(v)
}

// name reads the two lines of a GLOBAL.
func (m *machine) name() error {
	var parts [2]string
	for i := range parts {
		// A name is short; without the bound every GLOBAL would search the whole file for a line end.
		window := m.data[:min(len(m.data), 256)]
		end := strings.IndexByte(string(window), '\n')
		if end < 0 {
			return errors.New("has a pickle with a name that does not end")
		}
		parts[i] = string(window[:end])
		m.data = m.data[end+1:]
	}
	return m.global(parts[0], parts[1])
}

func (m *machine) global(module, name string) error {
	g := global(module + "." + name)
	switch _, storage := dtypes[g]; {
	case storage, besides[g], g == orderedDict, g == defaultDict, g == rebuildTensor, g == rebuildTensorV2, g == rebuildParameter:
		return m.push(g)
	}
	return fmt.Errorf("refers to Python's %q, wanted tensors in dictionaries only (torch.save(net.state_dict(), ...))", string(g))
}

// call evaluates the few calls that are known, without running anything.
func call(target, argument any) (any, error) {
	g, _ := target.(global)
	args, ok := argument.(tuple)
	switch {
	case ok && besides[g]:
		return opaque{}, nil
	case ok && (g == orderedDict && len(args) == 0 || g == defaultDict && len(args) <= 1):
		return newDict(), nil
	case ok && g == orderedDict && len(args) == 1:
		return pairs(args[0])
	case ok && g == rebuildParameter && len(args) >= 1:
		return args[0], nil
	case ok && (g == rebuildTensor || g == rebuildTensorV2) && len(args) >= 4:
		return newTensor(args)
	}
	return nil, fmt.Errorf("has a pickle that calls %q with arguments that do not belong to it", string(g))
}

// pairs is the dictionary that Python 2 pickles as a list of [key, value].
func pairs(v any) (*dict, error) {
	d := newDict()
	l, ok := v.(*list)
	if !ok {
		return nil, fmt.Errorf("has a dictionary made of a %T in its pickle", v)
	}
	for _, item := range l.items {
		switch p := item.(type) {
		case *list:
			if len(p.items) == 2 {
				d.set(p.items[0], p.items[1])
			}
		case tuple:
			if len(p) == 2 {
				d.set(p[0], p[1])
			}
		}
	}
	return d, nil
}
