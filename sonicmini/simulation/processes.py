"""What is generated: Pythia 8's settings for each process at 13 TeV."""

from dataclasses import dataclass

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
    """

    name: str
    title: str
    settings: tuple[str, ...]

    @property
    def all_settings(self) -> tuple[str, ...]:
        """Everything that Pythia is told."""
        return COMMON_SETTINGS + self.settings


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
        "minbias",
        "inelastic collisions, diffraction included",
        ("SoftQCD:inelastic = on",),
    ),
)

PROCESSES: dict[str, Process] = {process.name: process for process in _TABLE}
"""All processes by name."""

MINBIAS = PROCESSES["minbias"]


def find_process(name: str) -> Process:
    """Looks a process up.

    Raises:
        ConfigError: no such process; names the nearest one and all.
    """
    if name not in PROCESSES:
        known = ", ".join(PROCESSES)
        raise ConfigError(f"unknown process {name!r}{nearest(name, PROCESSES)} (there are {known})")
    return PROCESSES[name]
