"""How the ParticleNet networks were made: ``python -m training.particlenet --help``."""
