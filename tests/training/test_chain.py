from pathlib import Path

import awkward as ak

from sonicmini.modules.met.raw import RawMET
from training.chain import Chain

SAMPLE = Path(__file__).parents[2] / "sample_data" / "ttbar.root"


def test_only_the_modules_on_the_way_run():
    chain = Chain(["RawMET", "GenMET"])
    assert {type(module).__name__ for module in chain.modules} == {"RawMET", "GenMET"}


def test_products_are_those_of_the_modules():
    chunk = next(iter(Chain(["RawMET", "PFCand"]).chunks(SAMPLE)))
    expected = RawMET().produce({"PFCand": chunk.products["PFCand"]})["RawMET"]
    assert ak.all(chunk.products["RawMET"].pt == expected.pt)


def test_modules_run_in_order():
    chain = Chain(["JetPFCand"])
    made: set[str] = set()
    products = {product for module in chain.modules for product in module.produces}
    for module in chain.modules:
        assert {*module.consumes} & products <= made
        made |= {*module.produces}
    assert "JetPFCand" in made
