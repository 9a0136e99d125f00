package model

// Style is what a style picture leaves behind: its statistics, and which network's features they belong to.
type Style struct {
	Name    string // plain description, may be empty
	Network string // Weights.Network of the network that extracted it
	Encoder string // Weights.EncoderID of that network, "" if unknown
	Stats
}
