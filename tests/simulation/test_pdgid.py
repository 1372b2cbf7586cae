import pytest

from sonicmini.simulation.pdgid import heavy_quark, is_hadron

HADRONS = (111, 211, -211, 113, 221, 311, 130, 310, 421, 511, 443, 100443, 10441, 553, 9000221)
BARYONS = (2112, 2212, -2212, 3122, 3334, 4122, 5122, -5332, 2224)
OTHERS = (
    0,
    1,
    5,
    6,
    11,
    15,
    21,
    22,
    23,
    25,
    90,
    110,
    990,
    2101,
    5503,
    9902210,
    9900210,
    1000010020,
)


@pytest.mark.parametrize("code", [*HADRONS, *BARYONS])
def test_hadrons(code):
    assert is_hadron(code)


@pytest.mark.parametrize("code", OTHERS)
def test_others(code):
    assert not is_hadron(code)


@pytest.mark.parametrize(
    ("code", "quark"),
    [
        (511, -5),  # B0 = d bbar
        (-521, 5),  # B- = ubar b
        (541, -5),  # Bc+ = c bbar
        (5122, 5),
        (-5122, -5),
        (411, 4),  # D+ = c dbar
        (-421, -4),
        (431, 4),
        (4122, 4),
        (513, -5),
        (10411, 4),
        (310, 0),
        (2212, 0),
        (5, 0),
        (-15, 0),
    ],
)
def test_heavy_quark_of_a_hadron(code, quark):
    assert heavy_quark(code) == quark
