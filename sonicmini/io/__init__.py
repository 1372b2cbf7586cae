"""Reading AOD-like input and writing Mini-AOD output: the only place that knows ROOT files."""
