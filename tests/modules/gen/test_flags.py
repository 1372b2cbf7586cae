"""The bits against those with which the events are simulated."""

from sonicmini.modules.gen import flags
from sonicmini.simulation import genflags


def test_bits_are_those_of_the_simulation():
    names = [name for name in vars(flags) if name.isupper()]
    assert "IS_PROMPT" in names
    assert {n: getattr(flags, n) for n in names} == {n: getattr(genflags, n) for n in names}
