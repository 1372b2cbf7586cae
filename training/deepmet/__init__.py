"""How the DeepMET network in models/deepmet was made: ``python -m training.deepmet --help``."""
