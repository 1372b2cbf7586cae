"""What is generated: Pythia 8's settings for each process at 13 TeV."""

import re
from dataclasses import dataclass, replace

from sonicmini.errors import ConfigError, nearest
from sonicmini.simulation.constants import CALO_LENGTH, CALO_RADIUS

INITIAL_SEED = 1
"""Seed of Pythia's initialisation, the same for all samples; each event has a seed of its own."""

COMMON_SETTINGS = (
    "Print:quiet = on",
    "Random:setSeed = on",
    f"Random:seed = {INITIAL_SEED}",
    "Beams:idA = 2212",
    "Beams:idB = 2212",
    "Beams:eCM = 13000.",
    "Tune:pp = 14",
    # K0s and hyperons decay wherever they do inside the calorimeters' inner surface; what reaches
    # it, like all charged pions and kaons, K0L, neutrons and muons, is left to the detector.
    "ParticleDecays:limitCylinder = on",
    f"ParticleDecays:xyMax = {10.0 * CALO_RADIUS}",
    f"ParticleDecays:zMax = {10.0 * CALO_LENGTH}",
)
"""Proton on proton, Monash 2013 tune (arXiv:1404.5630), decays inside the tracker."""


@dataclass(frozen=True)
class Process:
    """A kind of hard collision.

    Attributes:
        settings: Pythia's, beyond :data:`COMMON_SETTINGS`.
        resonance: PDG code of the resonance whose mass can be chosen; 0 for none.
    """

    name: str
    title: str
    settings: tuple[str, ...]
    resonance: int = 0

    @property
    def all_settings(self) -> tuple[str, ...]:
        """Everything that Pythia is told."""
        return COMMON_SETTINGS + self.settings

    def of_mass(self, mass: int) -> "Process":
        """The same with another mass of the resonance in GeV, as ``NAME_mMASS``."""
        return replace(
            self,
            name=f"{self.name}_m{mass}",
            title=f"{self.title}, resonance of {mass} GeV",
            settings=(
                *self.settings,
                f"{self.resonance}:m0 = {mass}.",
                f"PhaseSpace:mHatMin = {mass / 2}",
            ),
        )


_GRAVITON = (
    "ExtraDimensionsG*:gg2G* = on",
    "ExtraDimensionsG*:ffbar2G* = on",
    "ExtraDimensionsG*:kappaMG = 1.",
    "5100039:m0 = 2000.",
    "5100039:onMode = off",
    "5100039:onIfAny = 25",
    "25:onMode = off",
)
"""A graviton that decays to two Higgs bosons: boosted ones, two an event."""

_TABLE = (
    Process(
        "ttbar",
        "top quark pairs, all decays",
        ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    ),
    Process(
        "qcd",
        "two jets, 15 GeV to 6 TeV, about flat in pT by weights",
        (
            "HardQCD:all = on",
            "PhaseSpace:pTHatMin = 15.",
            "PhaseSpace:pTHatMax = 6000.",
            "PhaseSpace:bias2Selection = on",
            "PhaseSpace:bias2SelectionPow = 4.5",
            "PhaseSpace:bias2SelectionRef = 15.",
        ),
    ),
    Process(
        "ztautau",
        "Z/gamma* above 60 GeV to tau pairs with spin correlations",
        (
            "WeakSingleBoson:ffbar2gmZ = on",
            "PhaseSpace:mHatMin = 60.",
            "23:onMode = off",
            "23:onIfAny = 15",
        ),
    ),
    Process(
        "zprime_tt",
        "Z' of 2 TeV to top quark pairs, all decays",
        (
            "NewGaugeBoson:ffbar2gmZZprime = on",
            "Zprime:gmZmode = 3",
            "32:m0 = 2000.",
            "PhaseSpace:mHatMin = 1000.",
            "32:onMode = off",
            "32:onIfAny = 6",
        ),
        resonance=32,
    ),
    Process(
        "zprime_tautau",
        "Z' to tau pairs",
        (
            "NewGaugeBoson:ffbar2gmZZprime = on",
            "Zprime:gmZmode = 3",
            "32:m0 = 500.",
            "PhaseSpace:mHatMin = 250.",
            "32:onMode = off",
            "32:onIfAny = 15",
        ),
        resonance=32,
    ),
    Process(
        "wprime_wz",
        "W' of 2 TeV to W Z, both to quarks",
        (
            "NewGaugeBoson:ffbar2Wprime = on",
            "Wprime:coup2WZ = 1.",
            "34:m0 = 2000.",
            "PhaseSpace:mHatMin = 1000.",
            "34:onMode = off",
            "34:onIfMatch = 23 24",
            "23:onMode = off",
            "23:onIfAny = 1 2 3 4 5",
            "24:onMode = off",
            "24:onIfAny = 1 2 3 4 5",
        ),
        resonance=34,
    ),
    Process(
        "hbb",
        "Higgs boson to b quarks with a W or Z, both above 200 GeV",
        (
            "HiggsSM:ffbar2HZ = on",
            "HiggsSM:ffbar2HW = on",
            "PhaseSpace:pTHatMin = 200.",
            "25:onMode = off",
            "25:onIfMatch = 5 -5",
        ),
    ),
    Process(
        "graviton_hbb",
        "graviton to two Higgs bosons, each to b quarks",
        (*_GRAVITON, "25:onIfMatch = 5 -5"),
        resonance=5100039,
    ),
    Process(
        "graviton_hcc",
        "graviton to two Higgs bosons, each to c quarks",
        (*_GRAVITON, "25:onIfMatch = 4 -4"),
        resonance=5100039,
    ),
    Process(
        "graviton_h4q",
        "graviton to two Higgs bosons, each to W W and four quarks",
        (*_GRAVITON, "25:onIfMatch = 24 -24", "24:onMode = off", "24:onIfAny = 1 2 3 4 5"),
        resonance=5100039,
    ),
    Process(
        "graviton_xx",
        "graviton to two scalars of any mass from 15 to 250 GeV, to b, c or light quarks",
        (
            *_GRAVITON,
            # A resonance so broad that its mass is about evenly distributed.
            "25:m0 = 130.",
            "25:mWidth = 400.",
            "25:doForceWidth = on",
            "25:mMin = 15.",
            "25:mMax = 250.",
            "25:oneChannel = 1 0.3333 100 5 -5",
            "25:addChannel = 1 0.3333 100 4 -4",
            "25:addChannel = 1 0.1112 100 3 -3",
            "25:addChannel = 1 0.1111 100 2 -2",
            "25:addChannel = 1 0.1111 100 1 -1",
        ),
        resonance=5100039,
    ),
    Process(
        "zll",
        "Z/gamma* above 60 GeV to electron or muon pairs",
        (
            "WeakSingleBoson:ffbar2gmZ = on",
            "PhaseSpace:mHatMin = 60.",
            "23:onMode = off",
            "23:onIfAny = 11 13",
        ),
    ),
    Process(
        "qcd_boosted",
        "two jets above 170 GeV, about flat in pT by weights",
        (
            "HardQCD:all = on",
            "PhaseSpace:pTHatMin = 170.",
            "PhaseSpace:pTHatMax = 6000.",
            "PhaseSpace:bias2Selection = on",
            "PhaseSpace:bias2SelectionPow = 5.",
            "PhaseSpace:bias2SelectionRef = 170.",
        ),
    ),
    Process(
        "minbias",
        "inelastic collisions, diffraction included",
        ("SoftQCD:inelastic = on",),
    ),
)

PROCESSES: dict[str, Process] = {process.name: process for process in _TABLE}
"""All processes by name."""

MINBIAS = PROCESSES["minbias"]

_WITH_MASS = re.compile(r"(?P<name>\w+)_m(?P<mass>[1-9]\d{2,3})")


def find_process(name: str) -> Process:
    """Looks a process up: a name, or ``NAME_mMASS`` for another mass of its resonance in GeV.

    Raises:
        ConfigError: no such process; names the nearest one and all.
    """
    if name in PROCESSES:
        return PROCESSES[name]
    if match := _WITH_MASS.fullmatch(name):
        process = PROCESSES.get(match["name"])
        if process and process.resonance:
            return process.of_mass(int(match["mass"]))
    known = ", ".join(PROCESSES)
    raise ConfigError(f"unknown process {name!r}{nearest(name, PROCESSES)} (there are {known})")
