package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
	"adainfilter/cuda/kernels"
	"adainfilter/model"
	"adainfilter/model/float16"
)

// Check is one answer of the self-test.
type Check struct {
	Name  string `json:"name"`
	Wrong int    `json:"wrong"` // values that differ from what they must be; -1 where a question was not put
	// Question marks what the kernels do not rest on: the answer may be anything.
	Question bool `json:"question,omitempty"`
}

// results are the places of the self-test kernels' results that the host reads; see the heads of kernels/selftest*.cu.
const results = 48

var checks80 = []string{"ldmatrix", "mma.sync m16n8k16", "mma.sync of operands by ldmatrix", "cp.async", "cp.async with zeros", "cp.async groups", "conversion with ReLU"}

var checks90 = map[int]string{
	1: "TMA, box of weights", 2: "TMA, box at the origin", 3: "TMA, box over the left and upper edge", 4: "TMA, box over the right and lower edge",
	5: "TMA, box over the last channel", 6: "TMA, box outside", 7: "wgmma m64n256k16", 8: "stmatrix.trans", 9: "named barrier",
	10: "wgmma m64n64k16", 11: "wgmma m64n128k16", 12: "wgmma groups",
}

// rolesCheck is the name of what selftest_90_roles does.
const rolesCheck = "setmaxnreg, wgmma groups, mbarriers around boxes and weights"

// Selftest proves on the GPU of o that the instructions written as PTX do what the kernels, and the emulator that these are tested with,
// take them to do: small integers, exactly. On compute capability 9.0 the kernels that multiply by wgmma are compared with those that do so
// by mma.sync, and the questions about the swizzle are put whose answers would allow a faster layout. Errors: as Open; a check that fails is
// no error but has Wrong above 0.
func Selftest(o model.Options) (checks []Check, gpu string, err error) {
	d, err := openDevice(o)
	if err != nil {
		return nil, "", fmt.Errorf("cuda: %w", err)
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.enter(); err != nil {
		return nil, d.name, fmt.Errorf("cuda: %w", err)
	}
	defer d.leave()
	var own memory
	defer func() { err = errors.Join(err, own.free()) }()
	l, err := loadKernels(d.capability, func(m kernels.Module) bool { return m.Name == "selftest" })
	if err == nil {
		defer func() { err = errors.Join(err, l.unload()) }()
		checks, err = selftest80(l, &own)
	}
	if err == nil && d.capability == hopper {
		var more []Check
		more, err = selftestHopper(d)
		checks = append(checks, more...)
	}
	if err != nil {
		return checks, d.name, fmt.Errorf("cuda: self-test on %s: %w", d.name, err)
	}
	return checks, d.name, nil
}

// selftestHopper is the checks of what multiplies by wgmma, in the current context.
func selftestHopper(d *device) (checks []Check, err error) {
	l, err := loadKernels(d.capability, func(m kernels.Module) bool { return m.Hopper || m.Name == "conv" || m.Name == "first" })
	if err != nil {
		return nil, err
	}
	var own memory
	defer func() { err = errors.Join(err, own.free(), l.unload()) }()
	if checks, err = selftest90(l, &own); err != nil {
		return checks, err
	}
	more, err := proveLayers(d, l)
	return append(checks, more...), err
}

func selftest80(l *library, m *memory) ([]Check, error) {
	k := find(l, kernels.Selftest)
	at, err := clearResults(m)
	if err != nil {
		return nil, err
	}
	found, err := ask(k, at, kernels.SelftestArguments{Result: address(at)})
	if err != nil {
		return nil, err
	}
	if n := int(k.shape.TileC); n != len(checks80) {
		return nil, fmt.Errorf("kernel %s has %d checks, wanted %d", k.name, n, len(checks80))
	}
	var checks []Check
	for i, name := range checks80 {
		checks = append(checks, Check{Name: name, Wrong: int(found[i])})
	}
	return checks, nil
}

// Sides of the tensors that selftest_90 wants.
const (
	testRows, testChannels  = 64, 64
	testPixels, testColumns = 34, 10
)

func selftest90(l *library, m *memory) ([]Check, error) {
	k := find(l, kernels.Selftest90)
	weights, err := testMap(m, 0, [4]int{testChannels, testRows, 1, 1}, [4]int{64, int(k.shape.TileC), 1, 1})
	if err != nil {
		return nil, err
	}
	pixels, err := testMap(m, 1000, [4]int{testChannels, testColumns, testPixels, 1}, [4]int{64, int(k.shape.TileW), int(k.shape.TileH) + 2, 1})
	if err != nil {
		return nil, err
	}
	at, err := clearResults(m)
	if err != nil {
		return nil, err
	}
	found, err := ask(k, at, kernels.Selftest90Arguments{Weight: weights, Plane: pixels, Result: address(at)})
	if err != nil {
		return nil, err
	}
	if found[0] != 90 {
		return nil, fmt.Errorf("kernel selftest_90 did not come to its end (%d, wanted 90)", found[0])
	}
	var checks []Check
	for i := 1; i <= len(checks90); i++ {
		checks = append(checks, Check{Name: checks90[i], Wrong: int(found[i])})
	}
	roles, err := ask(find(l, kernels.Selftest90Roles), at, kernels.Selftest90Arguments{Weight: weights, Plane: pixels, Result: address(at)})
	if err != nil {
		return checks, err
	}
	if roles[0] != 90 {
		return checks, fmt.Errorf("kernel selftest_90_roles did not come to its end (%d, wanted 90)", roles[0])
	}
	checks = append(checks, Check{Name: rolesCheck, Wrong: int(roles[1])})
	for v := range 4 {
		for r := range 8 {
			name := fmt.Sprintf("operand from row %d of the swizzle on, groups %d bytes apart, base offset %d", r, 1024+256*(v%2), r*(v/2))
			checks = append(checks, Check{Name: name, Wrong: int(found[16+8*v+r]), Question: true})
		}
	}
	return checks, nil
}

// testMap makes a tensor of test values whose rows count from first, and its map.
func testMap(m *memory, first uint32, sides, box [4]int) (kernels.TensorMap, error) {
	rows := sides[1] * sides[2]
	values := make([]uint16, 0, rows*sides[0])
	for row := range uint32(rows) {
		for k := range uint32(sides[0]) {
			values = append(values, float16.Round(testValue(first+row, k)))
		}
	}
	at, err := uploadNow(m, values)
	if err != nil {
		return kernels.TensorMap{}, err
	}
	row := 2 * sides[0]
	encoded, err := driver.EncodeTiled(at, sides, [3]int{row, row * sides[1], row * rows}, box)
	return kernels.TensorMap(encoded), err
}

// testValue is value of kernels/selftest90.cu.
func testValue(row, k uint32) float32 {
	h := (row*0x9E3779B1 ^ k*0x85EBCA77) * 0xC2B2AE3D
	return float32(int((h^h>>15)&7) - 3)
}

// clearResults is memory for results, each -1.
func clearResults(m *memory) (uintptr, error) {
	at, err := m.allocate(4 * results)
	if err != nil {
		return 0, err
	}
	return at, driver.Wrap("cuMemsetD8", cu.MemsetD8(cu.DevicePtr(at), 0xff, 4*results))
}

// ask runs a self-test kernel in one block and returns its results, which it writes at an address.
func ask[A any](k function[A], at uintptr, args A) (found [results]int32, err error) {
	t, err := newTyped(k, [3]int{1, 1, 1}, args)
	if err != nil {
		return found, err
	}
	defer t.kernel.Close()
	if err := t.kernel.Launch(cu.NoStream); err != nil {
		return found, err
	}
	err = cu.MemcpyDtoH(unsafe.Pointer(&found), cu.DevicePtr(at), 4*results)
	return found, driver.Wrap("results of kernel "+k.name, err)
}
