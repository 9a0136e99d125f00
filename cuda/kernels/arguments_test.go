package kernels

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var (
	parameters = regexp.MustCompile(`(?s)\.visible \.entry (\w+)\((.*?)\)\n`)
	parameter  = regexp.MustCompile(`\.param (?:\.align (\d+) )?\.(\w+) \w+(?:\[(\d+)\])?`)
	definition = regexp.MustCompile(`(?s)extern "C" __global__ void [^{;]*?\b(\w+)\(([^(){};]*)\)\s*\{`)
	space      = regexp.MustCompile(`[\s\\]+`)
)

// declaration is a kernel's parameters, each as text of one kind.
type declaration map[string][]string

// inPTX lists kind, size and alignment of the parameters of each kernel of a module.
func inPTX(ptx string) declaration {
	found := declaration{}
	for _, entry := range parameters.FindAllStringSubmatch(ptx, -1) {
		list := []string{}
		for _, p := range parameter.FindAllStringSubmatch(entry[2], -1) {
			list = append(list, strings.Join(p[1:], " "))
		}
		found[entry[1]] = list
	}
	return found
}

// inSource lists type and name of the parameters of each kernel of a source. A kernel that a macro defines is called "name" there.
func inSource(source string) declaration {
	found := declaration{}
	for _, d := range definition.FindAllStringSubmatch(source, -1) {
		list := []string{}
		for _, p := range strings.Split(d[2], ",") {
			list = append(list, strings.TrimSpace(space.ReplaceAllString(p, " ")))
		}
		found[d[1]] = list
	}
	return found
}

// wanted is what a field must be in PTX, and the type that it has in a source.
func wanted(field reflect.StructField) (ptx string, source *regexp.Regexp) {
	switch field.Type {
	case reflect.TypeFor[Address]():
		return " u64 ", regexp.MustCompile(`\*$`)
	case reflect.TypeFor[int32]():
		return " u32 ", regexp.MustCompile(`^int $`)
	case reflect.TypeFor[float32]():
		return " f32 ", regexp.MustCompile(`^float $`)
	case reflect.TypeFor[Frame]():
		return fmt.Sprintf("%d b8 %d", field.Type.Align(), field.Type.Size()), regexp.MustCompile(`^(const __grid_constant__ )?Frame $`)
	case reflect.TypeFor[Lookup]():
		return fmt.Sprintf("%d b8 %d", field.Type.Align(), field.Type.Size()), regexp.MustCompile(`^(const __grid_constant__ )?Lookup $`)
	case reflect.TypeFor[TensorMap]():
		return fmt.Sprintf("64 b8 %d", field.Type.Size()), regexp.MustCompile(`^const __grid_constant__ TMap $`)
	}
	return "no parameter: " + field.Type.String(), regexp.MustCompile(`^no parameter$`)
}

// sameName tells whether a field is a variable of a source: by its tag, else but for case and underscores.
func sameName(field reflect.StructField, name string) bool {
	if tag, ok := field.Tag.Lookup("arg"); ok {
		return tag == name
	}
	return strings.EqualFold(field.Name, strings.ReplaceAll(name, "_", ""))
}

// compare tells where the fields of a struct are not the parameters that PTX and source declare.
func compare(arguments reflect.Type, ptx, source []string) error {
	if arguments.NumField() != len(ptx) || len(ptx) != len(source) {
		return fmt.Errorf("%v has %d fields; the PTX has %d parameters, the source %d", arguments, arguments.NumField(), len(ptx), len(source))
	}
	for i := range ptx {
		field := arguments.Field(i)
		kind, written := wanted(field)
		if ptx[i] != kind {
			return fmt.Errorf("parameter %d is %q in PTX, but field %s of %v wants %q", i, ptx[i], field.Name, arguments, kind)
		}
		at := strings.LastIndexAny(source[i], " *") + 1
		if !sameName(field, source[i][at:]) || !written.MatchString(source[i][:at]) {
			return fmt.Errorf("parameter %d is %q in the source, but field %s %v of %v", i, source[i], field.Name, field.Type, arguments)
		}
	}
	return nil
}

// TestArguments holds the struct of every kernel against the kernel's parameters.
func TestArguments(t *testing.T) {
	for _, m := range Modules {
		ptx, err := PTX(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(m.Name + ".cu")
		if err != nil {
			t.Fatal(err)
		}
		compiled, written := inPTX(ptx), inSource(string(source))
		for _, k := range m.Kernels {
			name := k.Name()
			if written[name] == nil {
				name = "name"
			}
			if compiled[k.Name()] == nil || written[name] == nil {
				t.Errorf("kernel %s: not found in PTX (%v) or source (%v)", k.Name(), compiled[k.Name()], written[name])
			} else if err := compare(k.Arguments(), compiled[k.Name()], written[name]); err != nil {
				t.Errorf("kernel %s: %v", k.Name(), err)
			}
		}
	}
}

// TestWrongArguments demands that a struct is refused that has two fields exchanged, one too small, or one too many.
func TestWrongArguments(t *testing.T) {
	ptx := []string{"8 b8 232", " u64 ", " u64 ", " f32 ", " u32 "}
	source := []string{"Frame src", "const __half *w", "const float *bias", "float alpha", "int C"}
	type right struct {
		Src    Frame
		Weight Address `arg:"w"`
		Bias   Address
		Alpha  float32
		C      int32
	}
	if err := compare(reflect.TypeFor[right](), ptx, source); err != nil {
		t.Errorf("the right struct: %v", err)
	}
	for _, c := range []struct {
		name   string
		wrong  reflect.Type
		saying string
	}{
		{"too small", reflect.TypeFor[struct {
			Src    Frame
			Weight Address `arg:"w"`
			Bias   int32
			Alpha  float32
			C      int32
		}](), "parameter 2"},
		{"addresses exchanged", reflect.TypeFor[struct {
			Src    Frame
			Bias   Address
			Weight Address `arg:"w"`
			Alpha  float32
			C      int32
		}](), "parameter 1"},
		{"kinds exchanged", reflect.TypeFor[struct {
			Src    Frame
			Weight Address `arg:"w"`
			Bias   Address
			C      int32
			Alpha  float32
		}](), "parameter 3"},
		{"another struct", reflect.TypeFor[struct {
			Src    TensorMap
			Weight Address `arg:"w"`
			Bias   Address
			Alpha  float32
			C      int32
		}](), "parameter 0"},
		{"one too many", reflect.TypeFor[struct {
			right
			Src, Weight, Bias, Alpha, C int32
		}](), "6 fields"},
	} {
		if err := compare(c.wrong, ptx, source); err == nil || !strings.Contains(err.Error(), c.saying) {
			t.Errorf("%s: %v, wanted an error with %q", c.name, err, c.saying)
		}
	}
}

var member = regexp.MustCompile(`(?m)^  (unsigned char \*|const float \*|long long|int|unsigned|float|Channel) ?([^;]+);`)

// TestStructs holds the structs that host and kernels share against their C++.
func TestStructs(t *testing.T) {
	for _, c := range []struct {
		header, name string
		shared       reflect.Type
	}{
		{"frame.cuh", "Channel", reflect.TypeFor[Channel]()},
		{"frame.cuh", "Frame", reflect.TypeFor[Frame]()},
		{"lookup.cuh", "Lookup", reflect.TypeFor[Lookup]()},
		{"launch.cuh", "Launch", reflect.TypeFor[Launch]()},
	} {
		text, err := os.ReadFile(c.header)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(text), "struct "+c.name+" {\n")
		body, _, _ = strings.Cut(body, "\n}")
		types := map[string]reflect.Type{
			"unsigned char *": reflect.TypeFor[Address](), "const float *": reflect.TypeFor[Address](), "long long": reflect.TypeFor[int64](),
			"int": reflect.TypeFor[int32](), "float": reflect.TypeFor[float32](), "unsigned": reflect.TypeFor[uint32](), "Channel": reflect.TypeFor[Channel](),
		}
		i, end := 0, uintptr(0)
		for _, m := range member.FindAllStringSubmatch(body, -1) {
			for _, name := range strings.Split(m[2], ", ") {
				parts := strings.Split(name, "[")
				name := parts[0]
				want := types[m[1]]
				for k := len(parts) - 1; k > 0; k-- {
					want = reflect.ArrayOf(int(parts[k][0]-'0'), want)
				}
				if i >= c.shared.NumField() {
					t.Fatalf("%s has a member %s that the Go struct lacks", c.name, name)
				}
				if f := c.shared.Field(i); f.Type != want || !sameName(f, name) {
					t.Errorf("%s: member %d is %v %s in C++, %v %s in Go", c.name, i, want, name, f.Type, f.Name)
				}
				i, end = i+1, c.shared.Field(i).Offset+want.Size()
			}
		}
		for ; i < c.shared.NumField() && c.shared.Field(i).Name == "_"; i++ {
			end += c.shared.Field(i).Type.Size()
		}
		if i == 0 || i != c.shared.NumField() || end != c.shared.Size() {
			t.Errorf("%s: %d members and %d bytes found, the Go struct has %d and %d", c.name, i, end, c.shared.NumField(), c.shared.Size())
		}
	}
}
