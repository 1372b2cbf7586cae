import numpy as np
import pytest

from tests.training.tiny_network import write_doubling
from training import answers
from training.answers import answer
from training.repository import NETWORK, Serving, write_config


@pytest.fixture
def models(tmp_path):
    write_doubling(tmp_path / "doubling" / NETWORK, 2)
    write_config(tmp_path / "doubling", Serving(max_batch_size=2, preferred_batch_size=(2,)))
    return tmp_path


@pytest.mark.parametrize("at_once", [1, 3, 7, 100])
def test_pieces_come_together_in_order(at_once, models, monkeypatch):
    monkeypatch.setattr(answers, "AT_ONCE", at_once)
    rows = np.arange(14, dtype=np.float32).reshape(7, 2)
    asked = []

    def inputs(places):
        asked.append(len(places))
        return {"x": rows[places]}

    np.testing.assert_array_equal(answer(models, "doubling", inputs, count=7), 2 * rows)
    assert (sum(asked), max(asked)) == (7, min(at_once, 7))


def test_no_rows_have_no_answers(models):
    empty = np.zeros((0, 2), np.float32)
    found = answer(models, "doubling", lambda places: {"x": empty[places]}, count=0)
    assert found.shape == (0, 2)
