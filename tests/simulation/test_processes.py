import numpy as np
import pytest

from sonicmini.errors import ConfigError
from sonicmini.simulation.processes import PROCESSES, find_process

# What the hard process must contain, by absolute PDG code.
CONTENT = {
    "ttbar": {6: 2},
    "ztautau": {15: 2},
    "zprime_tt": {32: 1, 6: 2},
    "wprime_wz": {34: 1, 23: 1, 24: 1},
    "hbb": {25: 1, 5: 2},
    "zprime_tautau": {32: 1, 15: 2},
    "graviton_hbb": {5100039: 1, 25: 2, 5: 4},
    "graviton_hcc": {5100039: 1, 25: 2, 4: 4},
    "graviton_h4q": {5100039: 1, 25: 2, 24: 4},
    "graviton_xx_m1000": {5100039: 1, 25: 2},
}


def test_nearest_name_is_suggested():
    with pytest.raises(ConfigError, match="did you mean ttbar"):
        find_process("ttbra")


@pytest.mark.parametrize("name", CONTENT)
def test_hard_process(name, generators):
    record = generators(name).generate(range(1, 6))
    hard = (record.status <= -21) & (record.status >= -29) | (record.status == 23)
    for code, count in CONTENT[name].items():
        found = np.add.reduceat(hard & (abs(record.id) == code), record.offsets[:-1], dtype=int)
        assert np.all(found >= count)


@pytest.mark.parametrize(("name", "mass"), [("zprime_tt", 32), ("wprime_wz", 34)])
def test_resonances_are_heavy(name, mass, generators):
    record = generators(name).generate(range(1, 31))
    first = (abs(record.id) == mass) & (record.status == -22)
    assert 1900 < np.median(record.mass[first]) < 2050
    assert record.mass[first].min() >= 1000


@pytest.mark.parametrize(
    ("name", "code", "mass"), [("zprime_tt", 32, 800), ("graviton_hbb", 5100039, 1200)]
)
def test_mass_of_a_resonance_is_chosen_in_the_name(name, code, mass, generators):
    record = generators(f"{name}_m{mass}").generate(range(1, 31))
    first = (abs(record.id) == code) & (record.status == -22)
    assert np.median(record.mass[first]) == pytest.approx(mass, rel=0.05)


@pytest.mark.parametrize("name", ["ttbar_m800", "graviton_hbb_m", "graviton_hbb_m07", "qcd_m1000"])
def test_other_masses_are_unknown(name):
    with pytest.raises(ConfigError, match="unknown process"):
        find_process(name)


def test_scalars_have_any_mass(generators):
    record = generators("graviton_xx").generate(range(1, 101))
    mass = record.mass[(record.id == 25) & (record.status == -22)]
    assert mass.min() > 15
    assert mass.max() < 250
    low, middle, high = np.percentile(mass, [20, 50, 80])
    assert low < 90 < middle < 160 < high


def test_leptons_of_z_decays(generators):
    record = generators("zll").generate(range(1, 21))
    leptons = record.id[np.isin(abs(record.id), (11, 13)) & (record.status == 23)]
    assert set(abs(leptons)) == {11, 13}


@pytest.mark.parametrize("threshold", [170])
def test_boosted_qcd_is_boosted(threshold, generators):
    record = generators("qcd_boosted").generate(range(1, 51))
    assert record.binvar.min() >= threshold
    np.testing.assert_allclose(
        record.weight, record.weight[0] * (record.binvar / record.binvar[0]) ** -5, rtol=0.01
    )


def test_qcd_weights_undo_the_flat_spectrum(generators):
    record = generators("qcd").generate(range(1, 201))
    np.testing.assert_allclose(
        record.weight, record.weight[0] * (record.binvar / record.binvar[0]) ** -4.5, rtol=0.01
    )
    low, high = np.percentile(record.binvar, [10, 90])
    assert low < 60
    assert high > 400


def test_higgs_is_boosted(generators):
    record = generators("hbb").generate(range(1, 11))
    assert record.binvar.min() >= 200


def test_names_are_the_keys():
    assert all(name == process.name for name, process in PROCESSES.items())
