"""Module types by name, and their parameters."""

from dataclasses import dataclass

import pytest

from sonicmini.errors import ConfigError
from sonicmini.module import Producer
from sonicmini.plugins import available, instantiate, parameters, resolve


@dataclass(frozen=True, kw_only=True)
class Cut(Producer):
    """Has parameters of several kinds."""

    consumes = ("Jet",)
    produces = ("GoodJet",)
    pt_min: float
    ids: tuple[int, ...] = (1, 2)
    name: str = "x"

    def __post_init__(self):
        if self.pt_min < 0:
            raise ValueError(f"pt_min: {self.pt_min} is below 0")

    def produce(self, inputs):
        return {"GoodJet": inputs["Jet"]}


def test_built_in_modules_come_by_entry_points():
    names = available()
    assert {"Puppi", "AK4PuppiJets", "DeepMET"} <= set(names)
    for name in names:
        assert resolve(name).__name__ == name


def test_any_class_by_its_path():
    assert resolve(f"{__name__}:Cut").__name__ == "Cut"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Pupi", "no module type Pupi; did you mean Puppi?"),
        ("no.such.package:X", "cannot import no.such.package"),
        (f"{__name__}:Cutt", "has no Cutt"),
        ("pathlib:Path", "is not a module"),
        (f"{__name__}:resolve", "is not a module"),
    ],
)
def test_types_that_do_not_exist(name, message):
    with pytest.raises(ConfigError, match=message):
        resolve(name)


def test_parameters_are_converted_and_default():
    module = instantiate(Cut, {"pt_min": 15, "ids": [3]})
    assert module == Cut(pt_min=15.0, ids=(3,))
    assert set(parameters(Cut)) == {"pt_min", "ids", "name"}


def test_all_faults_of_parameters_at_once():
    with pytest.raises(ConfigError) as raised:
        instantiate(Cut, {"ptmin": 15, "ids": ["a"], "name": 3})
    message = str(raised.value)
    assert "ptmin: no such parameter of Cut; did you mean pt_min?" in message
    assert "pt_min: required by Cut" in message
    assert "ids: " in message
    assert "name: " in message


def test_a_value_that_the_module_refuses():
    with pytest.raises(ConfigError, match="pt_min: -1"):
        instantiate(Cut, {"pt_min": -1})
