"""A few real events through simulation and matching: what is there is not made again."""

import numpy as np

from corrections.binning import within
from corrections.matched import JETS, load_matched, make_matched, matched_file
from corrections.plots import closure
from corrections.recipe import Sample
from corrections.simulated import make_samples, sample_file


def test_samples_are_made_once_and_have_jets(tmp_path, capsys):
    chosen = [Sample(pileup=0, seed=1 + i, split="dijets", events=20) for i in range(2)]
    make_samples(chosen[:1], tmp_path)
    first = sample_file(chosen[0], tmp_path).stat()
    make_samples(chosen, tmp_path)
    assert sample_file(chosen[0], tmp_path).stat() == first
    assert "1 of 2 samples are there" in capsys.readouterr().out

    make_matched(chosen[:1], tmp_path)
    before = matched_file(chosen[0], tmp_path).stat()
    make_matched(chosen, tmp_path)
    assert matched_file(chosen[0], tmp_path).stat() == before
    assert {path.suffix for path in tmp_path.iterdir()} == {".root", ".npz"}
    assert not list(tmp_path.glob("*.part*"))

    for name in JETS:
        pairs, numbers = load_matched(chosen, tmp_path, name)
        assert set(numbers) == {0, 1}
        central = within(pairs.gen_eta, 0.0, 2.5) & (pairs.gen_pt > 50)
        assert np.count_nonzero(central) > 10
        # The detector's response is some percent low.
        assert 0.85 < np.median((pairs.pt / pairs.gen_pt)[central]) < 1.05
        radius = 0.8 if name.startswith("AK8") else 0.4
        turn = (pairs.phi - pairs.gen_phi + np.pi) % (2 * np.pi) - np.pi
        assert np.hypot(pairs.eta - pairs.gen_eta, turn).max() < radius / 2
        picture = tmp_path / "pictures" / f"{name}.png"
        closure(name, pairs, pairs.pt, picture)
        assert picture.read_bytes().startswith(b"\x89PNG")
