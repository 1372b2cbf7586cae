"""Real files of toy events, written once."""

import awkward as ak
import pytest

from sonicmini.event import Chunk
from sonicmini.io.root_sink import OutputOptions, RootSink
from sonicmini.io.schema import AOD, FORMAT_NAME, FORMAT_VERSION
from tests.toys import toy_products

EVENTS = 60


@pytest.fixture(scope="session")
def toys():
    """Products of some events, two of them without candidates or vertices."""
    candidates = [30] * EVENTS
    vertices = [3] * EVENTS
    candidates[7] = vertices[7] = vertices[20] = 0
    candidates[-1] = vertices[-1] = 0
    return toy_products(EVENTS, 1, candidates=candidates, vertices=vertices)


@pytest.fixture(scope="session")
def write_aod():
    """Writes products in the input's format, without those that are left out."""

    def write(path, products, basket=500):
        tables = [AOD[name] for name in products]
        events = len(products[next(iter(products))])
        options = OutputOptions(basket_events=basket)
        file_format = (FORMAT_NAME, FORMAT_VERSION)
        with RootSink(path, tables, file_format=file_format, options=options) as sink:
            sink.write(Chunk("toys", 0, events, dict(products)))
            sink.finish({"seed": 1})
        return path

    return write


@pytest.fixture(scope="session")
def aod_file(tmp_path_factory, toys, write_aod):
    """The toy events in baskets of 16."""
    return write_aod(tmp_path_factory.mktemp("aod") / "toys.root", toys, basket=16)


@pytest.fixture(scope="session")
def same():
    """Whether two products are equal, value for value and in type."""

    def compare(one, other):
        return ak.array_equal(one, other, equal_nan=True)

    return compare
