"""What the digits of a PDG particle code say (Review of Particle Physics, numbering scheme)."""

from sonicmini.simulation.kernel import kernel


@kernel
def is_hadron(pdg_id: int) -> bool:
    """Meson or baryon; neither diquark, nucleus, pomeron nor Pythia's diffractive system."""
    code = abs(pdg_id)
    if code in (130, 310):
        return True
    if code <= 100 or 1_000_000 <= code < 9_000_000 or code >= 9_900_000:
        return False
    return code % 10 > 0 and code // 10 % 10 > 0 and code // 100 % 10 > 0


@kernel
def heavy_quark(pdg_id: int) -> int:
    """The b or c quark that a hadron is named after: 5, -5, 4, -4 with the quark's sign, or 0."""
    if not is_hadron(pdg_id):
        return 0
    code = abs(pdg_id)
    sign = 1 if pdg_id > 0 else -1
    if code // 1000 % 10 > 0:
        heaviest = code // 1000 % 10
    else:
        heaviest = code // 100 % 10
        # A meson is positive if its heaviest quark is an up-type quark or a down-type antiquark.
        if heaviest % 2 == 1:
            sign = -sign
    return sign * heaviest if heaviest in (4, 5) else 0
