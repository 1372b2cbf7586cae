"""The tables of decay modes."""

from math import comb

from sonicmini.modules.taus.modes import (
    HADRON_SETS,
    STRIP_LIMITS,
    STRIP_SETS,
    STRIPS,
    WINDOW_TABLE,
    WINDOWS,
)


def test_sets_are_complete_and_filled_up_at_the_end():
    assert len(HADRON_SETS) == comb(6, 1) + comb(6, 2) + comb(6, 3)
    assert len(STRIP_SETS) == 1 + comb(6, 1) + comb(6, 2)
    for table in (HADRON_SETS, STRIP_SETS):
        rows = [tuple(row) for row in table.tolist()]
        assert len(set(rows)) == len(rows)
        for row in rows:
            ranks = [rank for rank in row if rank >= 0]
            assert row == (*sorted(set(ranks)), *[-1] * (len(row) - len(ranks)))


def test_every_mode_that_is_built_has_a_window():
    assert set(STRIPS) == set(WINDOWS) == {(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0), (3, 1)}
    assert sorted(5 * (h - 1) + s for h, s in WINDOWS) == [0, 1, 2, 5, 6, 10, 11]
    assert {(h, s) for h, s in zip(*(STRIP_LIMITS >= 0).nonzero(), strict=True)} == set(STRIPS)
    for mode, window in WINDOWS.items():
        assert tuple(WINDOW_TABLE[mode]) == tuple(window)
        assert window.low < window.high
