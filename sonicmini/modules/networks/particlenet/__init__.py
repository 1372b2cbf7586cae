"""ParticleNet: jets as clouds of their candidates and secondary vertices (CMSSW, weaver)."""
