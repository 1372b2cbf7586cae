"""DeepTau: how probably a tau is one, an electron, a muon or a jet, from the grids around it."""
