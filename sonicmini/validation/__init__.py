"""Is the physics of an output what it should be? Distributions and ratios against a reference."""
