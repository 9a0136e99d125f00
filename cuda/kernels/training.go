package kernels

// The trainer's kernels. Those of convolutions are for a number of output channels, those of weights' gradients for tiles of so many channels
// on both sides.
const (
	TrainConvN16      Kernel[TrainConvArguments]       = "train_conv_n16"
	TrainConvN32      Kernel[TrainConvArguments]       = "train_conv_n32"
	TrainConvN64      Kernel[TrainConvArguments]       = "train_conv_n64"
	TrainWgradC16     Kernel[TrainWgradArguments]      = "train_wgrad_c16"
	TrainWgradC32     Kernel[TrainWgradArguments]      = "train_wgrad_c32"
	TrainWgradC64     Kernel[TrainWgradArguments]      = "train_wgrad_c64"
	TrainPicture      Kernel[TrainPictureArguments]    = "train_picture"
	TrainPool         Kernel[TrainPoolArguments]       = "train_pool"
	TrainUpsample     Kernel[TrainUpsampleArguments]   = "train_upsample"
	TrainAdaIN        Kernel[TrainAdaINArguments]      = "train_adain"
	TrainBack         Kernel[TrainBackArguments]       = "train_back"
	TrainStyle        Kernel[TrainStyleArguments]      = "train_style"
	TrainContent      Kernel[TrainContentArguments]    = "train_content"
	TrainLattice      Kernel[TrainLatticeArguments]    = "train_lattice"
	TrainSeeds        Kernel[TrainSeedsArguments]      = "train_seeds"
	TrainAdaINSums    Kernel[TrainAdaINSumsArguments]  = "train_adain_sums"
	TrainAdaINBack    Kernel[TrainAdaINBackArguments]  = "train_adain_back"
	TrainReduce       Kernel[TrainReduceArguments]     = "train_reduce"
	TrainFoldColour   Kernel[TrainFoldColourArguments] = "train_fold_colour"
	TrainUnfoldColour Kernel[TrainUnfoldArguments]     = "train_unfold_colour"
	TrainNorm         Kernel[TrainNormArguments]       = "train_norm"
	TrainAdam         Kernel[TrainAdamArguments]       = "train_adam"
	TrainPack         Kernel[TrainPackArguments]       = "train_pack"
)

// trainingModules are loaded for training only.
var trainingModules = []Module{
	{Name: "train_conv", Training: true, Kernels: []Described{TrainConvN16, TrainConvN32, TrainConvN64}},
	{Name: "train_wgrad", Training: true, Kernels: []Described{TrainWgradC16, TrainWgradC32, TrainWgradC64}},
	{Name: "train_planes", Training: true, Kernels: []Described{TrainPicture, TrainPool, TrainUpsample, TrainAdaIN, TrainBack}},
	{Name: "train_losses", Training: true, Kernels: []Described{TrainStyle, TrainContent, TrainLattice, TrainSeeds, TrainAdaINSums, TrainAdaINBack}},
	{Name: "train_update", Training: true, Kernels: []Described{TrainReduce, TrainFoldColour, TrainUnfoldColour, TrainNorm, TrainAdam, TrainPack}},
}

// Kinds of TrainConvArguments: how the halo of the result is made, or what else the result is.
const (
	TrainReflected int32 = iota
	TrainRepeated
	TrainGradient
	TrainToPicture
)

// What follows a layer's ReLU, in TrainBackArguments.
const (
	TrainNothing int32 = iota
	TrainPooled
	TrainNearest
	TrainBilinear
)

// TrainConvArguments are those of train_conv.cu.
type TrainConvArguments struct {
	Src                      Address `arg:"x"`
	Weight                   Address `arg:"w"`
	Bias                     Address
	Dst                      Address `arg:"y"`
	N, H, W, Cin, Cout, Kind int32
}

// TrainWgradArguments are those of train_wgrad.cu.
type TrainWgradArguments struct {
	Src                      Address `arg:"x"`
	Gradient                 Address `arg:"g"`
	Partial                  Address
	N, H, W, Cin, Cout, Rows int32
}

// TrainPictureArguments are those of train_planes.cu's conversion of samples.
type TrainPictureArguments struct {
	Src, Dst Address
	H, W     int32
}

// TrainPoolArguments are those of train_planes.cu's maxima.
type TrainPoolArguments struct {
	Src     Address `arg:"x"`
	Dst     Address `arg:"y"`
	H, W, C int32
}

// TrainUpsampleArguments are those of train_planes.cu's upsampling.
type TrainUpsampleArguments struct {
	Src               Address `arg:"x"`
	Dst               Address `arg:"y"`
	H, W, C, Bilinear int32
}

// TrainAdaINArguments are those of train_planes.cu's AdaIN.
type TrainAdaINArguments struct {
	Src                   Address `arg:"x"`
	Content, Style, Alpha Address
	Dst                   Address `arg:"y"`
	H, W, C               int32
}

// TrainBackArguments are those of train_planes.cu's way back from a layer's result to its sums.
type TrainBackArguments struct {
	ReLU             Address
	Next             Address `arg:"e"`
	Tap              Address
	Content, Target  Address
	Gradient         Address `arg:"g"`
	Weight           float32
	H, W, C, Follows int32
}

// TrainStyleArguments are those of train_losses.cu's style loss.
type TrainStyleArguments struct {
	Seen, Looks, Alpha, Taps, Target, Loss Address
	Factor, Floor                          float32
	N, M, H, W, C1, C2, C3, C4             int32
}

// TrainContentArguments are those of train_losses.cu's content loss.
type TrainContentArguments struct {
	Seen, Content, Target, Partial Address
	H, W, C                        int32
}

// TrainLatticeArguments are those of train_losses.cu's lattice loss.
type TrainLatticeArguments struct {
	Results, Phases, Partial Address
	H, W                     int32
}

// TrainSeedsArguments are those of train_losses.cu's gradients of samples.
type TrainSeedsArguments struct {
	Results, Content                       Address
	Next                                   Address `arg:"e"`
	Motion, Phases                         Address
	Gradient                               Address `arg:"g"`
	Partial                                Address
	Judged, Identity, Consistency, Lattice float32
	N, H, W, Moved, Same                   int32
}

// TrainAdaINSumsArguments are those of train_losses.cu's sums for the way back through AdaIN.
type TrainAdaINSumsArguments struct {
	Src        Address `arg:"x"`
	Stats      Address
	Next       Address `arg:"e"`
	Sums       Address
	N, H, W, C int32
}

// TrainAdaINBackArguments are those of train_losses.cu's way back through AdaIN.
type TrainAdaINBackArguments struct {
	Src                             Address `arg:"x"`
	Stats, Alpha                    Address
	Next                            Address `arg:"e"`
	Sums                            Address
	Gradient                        Address `arg:"g"`
	N, H, W, C, Styled, Moved, Same int32
}

// TrainReduceArguments are those of train_update.cu's sums of partial sums.
type TrainReduceArguments struct {
	Partial, Gradient          Address
	WeightFactor, BiasFactor   float32
	Splits, Cin, Cout, In, Out int32
}

// TrainFoldColourArguments are those of train_update.cu's folding of the colour layer.
type TrainFoldColourArguments struct {
	Parameters, Colour, Folded Address
	Out                        int32
}

// TrainUnfoldArguments are those of train_update.cu's gradient of what was folded.
type TrainUnfoldArguments struct {
	Folded, Colour, Gradient Address
	Out                      int32
}

// TrainNormArguments are those of train_update.cu's sums of squares.
type TrainNormArguments struct {
	Gradient, Partial Address
	Count             int32
}

// TrainAdamArguments are those of train_update.cu's step.
type TrainAdamArguments struct {
	Gradient, Old, Now                                  Address
	Clip, FirstRate, EncoderRate, Rate, Second, Average float32
	First, Encoder, Count                               int32
}

// TrainPackArguments are those of train_update.cu's arrangement of a layer.
type TrainPackArguments struct {
	Parameters         Address
	Weight             Address `arg:"w"`
	Turned, Bias       Address
	Factor             float32
	In, Out, Cin, Cout int32
}
