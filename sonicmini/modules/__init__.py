"""The physics steps of the Mini-AOD chain, one a file."""
