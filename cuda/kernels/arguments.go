package kernels

// Arguments of the kernels. A launch of a kernel takes the struct that the kernel's constant in kernels.go names and no other; its fields are
// the parameters, in their order. A test compares each struct with the PTX (kinds, sizes, alignment, order) and with the source (names and
// types). A tag is the name in the source where the field has another.

// Address is a place in GPU memory; 0 is none.
type Address uint64

// TensorMap is CUtensorMap, which the driver writes: how a tensor lies in memory. It must lie at a multiple of 64 bytes.
type TensorMap [128]byte

// Channel is struct Channel of frame.cuh: one channel's samples.
type Channel struct {
	First       Address
	Stride      int64 // bytes
	Step, Shift int32
}

// Frame is struct Frame of frame.cuh: where a picture lies in GPU memory and what its samples mean.
type Frame struct {
	Channel                        [3]Channel
	Width, Height                  int32
	Word                           int32 // bytes
	Aligned                        int32
	Depth, Most                    int32
	Rest                           uint32
	YUV, HalfX, HalfY              int32
	CositedX, CositedY, Interlaced int32
	ToRGB, FromRGB                 [3][4]float32
	KR, KG, KB                     float32
}

// Lookup is struct Lookup of lookup.cuh: a look-up table of colours; without values it is none.
type Lookup struct {
	Values     Address
	Size, Cube int32
	Low, Scale [3]float32
}

// Launch is struct Launch of launch.cuh, which each kernel brings along as the constant NAME_launch: what the host must know to launch it.
type Launch struct {
	TileW, TileH int32 // pixels of the input plane that a block computes at a time
	TileC        int32 // output channels of a block
	Threads      int32 // of a block
	Shared       int32 `arg:"smem"` // bytes of dynamic shared memory
}

// FirstArguments are those of first.cu.
type FirstArguments struct {
	Src    Frame
	Table  Lookup
	Weight Address `arg:"w"`
	Bias   Address
	Dst    Address `arg:"y"`
	C      int32
}

// ConvArguments are those of all kernels in conv.cu.
type ConvArguments struct {
	Src             Address `arg:"x"`
	Weight          Address `arg:"w"`
	Bias            Address
	Dst             Address `arg:"y"`
	H, W, Cin, Cout int32
	Replicate       int32 `arg:"rep"`
}

// Conv90Arguments are those of all kernels in conv90.cu.
type Conv90Arguments struct {
	Src             TensorMap `arg:"x"`
	Weight          TensorMap `arg:"w"`
	Bias            Address
	Dst             Address `arg:"y"`
	H, W, Cin, Cout int32
	Replicate       int32 `arg:"rep"`
}

// StatisticsPartialArguments are those of statistics.cu, of each band of rows.
type StatisticsPartialArguments struct {
	Src     Address `arg:"x"`
	Partial Address
	H, W, C int32
}

// StatisticsMergeArguments are those of statistics.cu, of all bands.
type StatisticsMergeArguments struct {
	Partial Address
	Content Address `arg:"stats"`
	H, W, C int32
}

// RegionsPartialArguments are those of regions.cu, of each band of rows.
type RegionsPartialArguments struct {
	Src     Address `arg:"x"`
	Shares  Address
	Partial Address
	H, W, C int32
}

// RegionsMergeArguments are those of regions.cu, of all bands.
type RegionsMergeArguments struct {
	Partial Address
	Content Address
	H, C    int32
}

// RegionsApplyArguments are those of regions.cu, of AdaIN where the plane lies.
type RegionsApplyArguments struct {
	Plane   Address `arg:"x"`
	Shares  Address
	Content Address
	Style   Address
	Alpha   float32
	H, W, C int32
}

// SmoothArguments are those of smooth.cu.
type SmoothArguments struct {
	Content       Address
	Previous      Address
	Before        Address
	Continues     Address
	Smoothing     float32
	Cut           float32
	C             int32
	Channels      int32
	Discontinuity int32
}

// AdaptArguments are those of adapt.cu.
type AdaptArguments struct {
	Weight        Address `arg:"w"`
	Bias          Address
	Content       Address
	Style         Address
	Alpha         float32
	AdaptedWeight Address `arg:"w_out"`
	AdaptedBias   Address `arg:"bias_out"`
	Cin, Cout     int32
}

// LastArguments are those of last.cu.
type LastArguments struct {
	Plane         Address `arg:"x"`
	Weight        Address `arg:"w"`
	Bias          Address
	Dst, Src      Frame
	Table         Lookup
	H, W, C       int32
	PreserveColor int32
}

// LastUpArguments are those of the kernels that compute the last layer with the one before it.
type LastUpArguments struct {
	Src           Address `arg:"x"`
	FirstWeight   Address `arg:"w1"`
	FirstBias     Address `arg:"bias1"`
	Weight        Address `arg:"w"`
	Bias          Address
	Dst           Frame
	Content       Frame `arg:"src"`
	Table         Lookup
	H, W          int32
	Rows          int32
	PreserveColor int32
}

// ReduceArguments are those of reduce.cu.
type ReduceArguments struct {
	Dst, Src Frame
}

// EnlargeFitArguments are those of enlarge.cu's guided filter: the coefficients of each pixel of the small result.
type EnlargeFitArguments struct {
	Small, Result Frame
	Coefficients  Address
}

// EnlargeArguments are those of enlarge.cu's last step.
type EnlargeArguments struct {
	Dst, Src, Result Frame
	Coefficients     Address
	PreserveColor    int32
}

// BlendChangesArguments are those of blend.cu's comparison with the frame before.
type BlendChangesArguments struct {
	Src, Before Frame
	Changes     Address
	Pitch       int32
}

// BlendArguments are those of blend.cu's blend.
type BlendArguments struct {
	Dst, Src, Result Frame
	Changes          Address
	Pitch            int32
	Continues        Address
	Regions          int32
	Weight           int32
	PreserveColor    int32
}

// MotionLightArguments are those of motion.cu's level 0.
type MotionLightArguments struct {
	Src                  Frame
	Level                Address
	Width, Height, Shift int32
}

// MotionHalveArguments are those of motion.cu's further levels.
type MotionHalveArguments struct {
	Level, Next   Address
	Width, Height int32
}

// MotionSearchArguments are those of motion.cu's search.
type MotionSearchArguments struct {
	Now, Before   Address
	Width, Height int32
	Field, Coarse Address
}

// MotionFieldArguments are those of motion.cu's steps behind the search that look at luminances.
type MotionFieldArguments struct {
	Now, Before   Address
	Width, Height int32
	Field         Address
}

// MotionRelaxArguments are those of motion.cu's relaxation.
type MotionRelaxArguments struct {
	Width, Height int32
	Field         Address
}

// MotionCellsArguments are those of motion.cu's last step.
type MotionCellsArguments struct {
	Width, Height, Shift int32
	Field                Address
	Back                 Address `arg:"field_back"`
	Behind, Follows      int32
	Cells                Address
}

// MotionKeepArguments are those of motion.cu's copy of all levels.
type MotionKeepArguments struct {
	Now, Before Address
	Pieces      int32
}

// FollowChangesArguments are those of follow.cu's comparison with the frame before.
type FollowChangesArguments struct {
	Src, Before, Kept Frame
	Cells             Address
	CellsW            int32 `arg:"cells_w"`
	CellsH            int32 `arg:"cells_h"`
	Log               int32
	Changes, Still    Address
	Pitch             int32
}

// FollowBlendArguments are those of follow.cu's blend.
type FollowBlendArguments struct {
	Dst, Before, Result Frame
	Cells               Address
	CellsW              int32 `arg:"cells_w"`
	CellsH              int32 `arg:"cells_h"`
	Log                 int32
	Changes, Still      Address
	Pitch               int32
	Continues           Address
	Regions, Weight     int32
}

// FollowStepsArguments are those of follow.cu's sums of differences.
type FollowStepsArguments struct {
	Dst, Result Frame
	Steps       Address
	CellsW      int32 `arg:"cells_w"`
	CellsH      int32 `arg:"cells_h"`
	Log         int32
}

// FollowGainsArguments are those of follow.cu's gains.
type FollowGainsArguments struct {
	Steps, Cells Address
	CellsW       int32 `arg:"cells_w"`
	CellsH       int32 `arg:"cells_h"`
}

// FollowShowArguments are those of follow.cu's last step.
type FollowShowArguments struct {
	Dst, Src, Result Frame
	Cells            Address
	CellsW           int32 `arg:"cells_w"`
	CellsH           int32 `arg:"cells_h"`
	Log              int32
	PreserveColor    int32
}

// SelftestArguments are those of selftest.cu.
type SelftestArguments struct {
	Result Address
}

// Conv90FirstArguments are those of conv90_first.cu.
type Conv90FirstArguments struct {
	Src         Frame
	Table       Lookup
	FirstWeight Address   `arg:"w1"`
	FirstBias   Address   `arg:"bias1"`
	Weight      TensorMap `arg:"w"`
	Bias        Address
	Dst         Address `arg:"y"`
}

// Selftest90Arguments are those of selftest90.cu.
type Selftest90Arguments struct {
	Weight TensorMap `arg:"w"`
	Plane  TensorMap `arg:"x"`
	Result Address
}
