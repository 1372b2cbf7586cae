"""Jets of particle-flow candidates."""
