// Package kernels holds the engine's kernels, assembled for the GPUs there are (cubin) and as PTX, which the driver translates for any
// other when it loads them. Both are made from the sources beside this file by `make kernels`; building the engine needs no CUDA compiler.
package kernels

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"reflect"
	"strings"
)

//go:embed ptx cubin
var files embed.FS

// Kernel is the name of a kernel whose arguments are the struct A.
type Kernel[A any] string

// Name is the kernel's name in the module.
func (k Kernel[A]) Name() string { return string(k) }

// Arguments is the type A.
func (k Kernel[A]) Arguments() reflect.Type { return reflect.TypeFor[A]() }

// All kernels but the convolutions from plane to plane.
const (
	First             Kernel[FirstArguments]             = "first"
	StatisticsPartial Kernel[StatisticsPartialArguments] = "statistics_partial"
	StatisticsMerge   Kernel[StatisticsMergeArguments]   = "statistics_merge"
	RegionsPartial    Kernel[RegionsPartialArguments]    = "regions_partial"
	RegionsMerge      Kernel[RegionsMergeArguments]      = "regions_merge"
	RegionsApply      Kernel[RegionsApplyArguments]      = "regions_apply"
	Smooth            Kernel[SmoothArguments]            = "smooth"
	Adapt             Kernel[AdaptArguments]             = "adapt"
	Last              Kernel[LastArguments]              = "last"
	LastUpN16         Kernel[LastUpArguments]            = "last_up_n16"
	Reduce            Kernel[ReduceArguments]            = "reduce"
	EnlargeFit        Kernel[EnlargeFitArguments]        = "enlarge_fit"
	Enlarge           Kernel[EnlargeArguments]           = "enlarge"
	BlendChanges      Kernel[BlendChangesArguments]      = "blend_changes"
	Blend             Kernel[BlendArguments]             = "blend"
	MotionLight       Kernel[MotionLightArguments]       = "motion_light"
	MotionHalve       Kernel[MotionHalveArguments]       = "motion_halve"
	MotionSearch      Kernel[MotionSearchArguments]      = "motion_search"
	MotionSettle      Kernel[MotionFieldArguments]       = "motion_settle"
	MotionRelax       Kernel[MotionRelaxArguments]       = "motion_relax"
	MotionRest        Kernel[MotionFieldArguments]       = "motion_rest"
	MotionCells       Kernel[MotionCellsArguments]       = "motion_cells"
	MotionKeep        Kernel[MotionKeepArguments]        = "motion_keep"
	FollowChanges     Kernel[FollowChangesArguments]     = "follow_changes"
	FollowBlend       Kernel[FollowBlendArguments]       = "follow_blend"
	FollowSteps       Kernel[FollowStepsArguments]       = "follow_steps"
	FollowGains       Kernel[FollowGainsArguments]       = "follow_gains"
	FollowShow        Kernel[FollowShowArguments]        = "follow_show"
	Conv90FirstPool   Kernel[Conv90FirstArguments]       = "conv90_first_pool"
	Selftest          Kernel[SelftestArguments]          = "selftest_80"
	Selftest90        Kernel[Selftest90Arguments]        = "selftest_90"
	Selftest90Roles   Kernel[Selftest90Arguments]        = "selftest_90_roles"
)

// The kernels of conv.cu: for a number of output channels, followed by a max pool or behind an upsampling, nearest (Up) or bilinear.
const (
	ConvN16          Kernel[ConvArguments] = "conv_n16"
	ConvN16Pool      Kernel[ConvArguments] = "conv_n16_pool"
	ConvN16Up        Kernel[ConvArguments] = "conv_n16_up"
	ConvN16Bilinear  Kernel[ConvArguments] = "conv_n16_bilinear"
	ConvN32          Kernel[ConvArguments] = "conv_n32"
	ConvN32Pool      Kernel[ConvArguments] = "conv_n32_pool"
	ConvN32Up        Kernel[ConvArguments] = "conv_n32_up"
	ConvN32Bilinear  Kernel[ConvArguments] = "conv_n32_bilinear"
	ConvN64          Kernel[ConvArguments] = "conv_n64"
	ConvN64Pool      Kernel[ConvArguments] = "conv_n64_pool"
	ConvN64Up        Kernel[ConvArguments] = "conv_n64_up"
	ConvN64Bilinear  Kernel[ConvArguments] = "conv_n64_bilinear"
	ConvN128         Kernel[ConvArguments] = "conv_n128"
	ConvN128Pool     Kernel[ConvArguments] = "conv_n128_pool"
	ConvN128Up       Kernel[ConvArguments] = "conv_n128_up"
	ConvN128Bilinear Kernel[ConvArguments] = "conv_n128_bilinear"
)

// The kernels of conv90.cu, by the channels that they were written for.
const (
	Conv90C64       Kernel[Conv90Arguments] = "conv90_c64"
	Conv90C64Pool   Kernel[Conv90Arguments] = "conv90_c64_pool"
	Conv90C64Up     Kernel[Conv90Arguments] = "conv90_c64_up"
	Conv90C128To64  Kernel[Conv90Arguments] = "conv90_c128to64"
	Conv90C128      Kernel[Conv90Arguments] = "conv90_c128"
	Conv90C128Pool  Kernel[Conv90Arguments] = "conv90_c128_pool"
	Conv90C128Small Kernel[Conv90Arguments] = "conv90_c128_small"
	Conv90C128Up    Kernel[Conv90Arguments] = "conv90_c128_up"
)

// Module is what one source file becomes: the driver loads it as a whole.
type Module struct {
	Name     string // of the source, without .cu
	Hopper   bool   // for compute capability 9.0 only (sm_90a), else for 8.0 and everything newer
	Training bool   // of the trainer only
	Kernels  []Described
}

// Described is a Kernel of any arguments.
type Described interface {
	Name() string            // in the module
	Arguments() reflect.Type // a struct of this package
}

// Modules are all modules. Beside each kernel NAME there is a constant NAME_launch, a Launch.
var Modules = append([]Module{
	{Name: "first", Kernels: []Described{First}},
	{Name: "conv", Kernels: []Described{
		ConvN16, ConvN16Pool, ConvN16Up, ConvN16Bilinear, ConvN32, ConvN32Pool, ConvN32Up, ConvN32Bilinear, ConvN64, ConvN64Pool, ConvN64Up, ConvN64Bilinear, ConvN128, ConvN128Pool, ConvN128Up, ConvN128Bilinear,
	}},
	{Name: "statistics", Kernels: []Described{StatisticsPartial, StatisticsMerge}},
	{Name: "regions", Kernels: []Described{RegionsPartial, RegionsMerge, RegionsApply}},
	{Name: "smooth", Kernels: []Described{Smooth}},
	{Name: "adapt", Kernels: []Described{Adapt}},
	{Name: "last", Kernels: []Described{Last}},
	{Name: "last_up", Kernels: []Described{LastUpN16}},
	{Name: "reduce", Kernels: []Described{Reduce}},
	{Name: "enlarge", Kernels: []Described{EnlargeFit, Enlarge}},
	{Name: "blend", Kernels: []Described{BlendChanges, Blend}},
	{Name: "motion", Kernels: []Described{MotionLight, MotionHalve, MotionSearch, MotionSettle, MotionRelax, MotionRest, MotionCells, MotionKeep}},
	{Name: "follow", Kernels: []Described{FollowChanges, FollowBlend, FollowSteps, FollowGains, FollowShow}},
	{Name: "selftest", Kernels: []Described{Selftest}},
	{Name: "conv90", Hopper: true, Kernels: []Described{
		Conv90C64, Conv90C64Pool, Conv90C64Up, Conv90C128To64, Conv90C128, Conv90C128Pool, Conv90C128Small, Conv90C128Up,
	}},
	{Name: "conv90_first", Hopper: true, Kernels: []Described{Conv90FirstPool}},
	{Name: "selftest90", Hopper: true, Kernels: []Described{Selftest90, Selftest90Roles}},
}, trainingModules...)

// PTX is the text of a module, as the driver's cuModuleLoadData takes it once a zero byte is behind it. Errors: there is no module
// of this name.
func PTX(name string) (string, error) {
	text, err := files.ReadFile("ptx/" + name + ".ptx")
	if err != nil {
		return "", fmt.Errorf("there are no kernels %q in this build: %w", name, err)
	}
	return string(text), nil
}

// machines are what modules are assembled for, by compute capability times ten.
var machines = map[int]string{80: "sm_80", 86: "sm_86", 89: "sm_89", 90: "sm_90a", 100: "sm_100", 103: "sm_100", 120: "sm_120", 121: "sm_120"}

// Cubin is a module assembled for a GPU of compute capability/10, nil where it is for none like it, or of other sources than the PTX: the
// driver then compiles that.
func Cubin(name string, capability int) []byte {
	compressed, err := files.ReadFile("cubin/" + machines[capability] + "/" + name + ".cubin.gz")
	if err != nil {
		return nil
	}
	text, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil
	}
	all, err := io.ReadAll(text)
	if err != nil {
		return nil
	}
	sources, cubin, _ := bytes.Cut(all, []byte("\n"))
	if ptx, err := PTX(name); err != nil || !strings.Contains(ptx, "\n"+string(sources)+"\n") {
		return nil
	}
	return cubin
}
