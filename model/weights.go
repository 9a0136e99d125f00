package model

// Conv is one layer with its parameters.
type Conv struct {
	Layer
	Weight []float32 // (O,I,K,K)
	Bias   []float32 // (O)
}

// Weights are a whole network's parameters. They are read only once an engine has them.
type Weights struct {
	Network  string // name of the network; a style extracted with one network is refused by another
	Widths   Widths
	Layers   []Conv            // in the order of Widths.Layers
	Metadata map[string]string // recipe, date, parent and whatever else the file says
}
