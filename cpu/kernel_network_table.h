// The table of the network's kernels, behind their bodies. products is null where the instruction set does not multiply Feature.

template <class Feature, auto products = product<Feature>>
constexpr Kernels table = {first<Feature>, store<Feature>, pool<Feature>, interleave<Feature>, affine<Feature>,
                           affine_regions<Feature>, winograd_in<Feature>, winograd_weights<Feature>, winograd_out, products, moments,
                           weighted_moments, last};
