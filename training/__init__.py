"""How the networks in models/ were made: one package for each, and what they share."""
