// Package kernels holds the engine's kernels as PTX, which the driver translates for the GPU at hand when it loads them. The files
// in ptx are made from the sources beside this file by `make kernels`; building the engine needs no CUDA compiler.
package kernels

import (
	"embed"
	"fmt"
)

//go:embed ptx
var files embed.FS

// Module is what one source file becomes: the driver loads it as a whole.
type Module struct {
	Name    string // of the source, without .cu
	Hopper  bool   // for compute capability 9.0 only (sm_90a), else for 8.0 and everything newer
	Kernels []string
}

// Modules are all modules. Beside each kernel NAME there is a constant NAME_launch, struct Launch of launch.cuh, with what the host
// must know to launch it.
var Modules = []Module{
	{Name: "first", Kernels: []string{"first"}},
	{Name: "conv", Kernels: []string{
		"conv_n16", "conv_n16_pool", "conv_n16_up", "conv_n32", "conv_n32_pool", "conv_n32_up",
		"conv_n64", "conv_n64_pool", "conv_n64_up", "conv_n128", "conv_n128_pool", "conv_n128_up",
	}},
	{Name: "statistics", Kernels: []string{"statistics_partial", "statistics_merge"}},
	{Name: "regions", Kernels: []string{"regions_partial", "regions_merge", "regions_apply"}},
	{Name: "smooth", Kernels: []string{"smooth"}},
	{Name: "adapt", Kernels: []string{"adapt"}},
	{Name: "last", Kernels: []string{"last"}},
	{Name: "reduce", Kernels: []string{"reduce"}},
	{Name: "enlarge", Kernels: []string{"enlarge_slopes", "enlarge"}},
	{Name: "steady", Kernels: []string{"steady_changes", "steady_blend"}},
	{Name: "selftest", Kernels: []string{"selftest_80"}},
	{Name: "conv90", Hopper: true, Kernels: []string{
		"conv90_c64", "conv90_c64_pool", "conv90_c64_up", "conv90_c64to128", "conv90_c128to64",
		"conv90_c128", "conv90_c128_pool", "conv90_c128_small", "conv90_c128_up",
	}},
	{Name: "selftest90", Hopper: true, Kernels: []string{"selftest_90"}},
}

// PTX is the text of a module, as the driver's cuModuleLoadData takes it once a zero byte is behind it. Errors: there is no module
// of this name.
func PTX(name string) (string, error) {
	text, err := files.ReadFile("ptx/" + name + ".ptx")
	if err != nil {
		return "", fmt.Errorf("there are no kernels %q in this build: %w", name, err)
	}
	return string(text), nil
}
