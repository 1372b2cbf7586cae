import json

import pytest

from sonicmini.compare.timing import Phase, PhaseTime, Spread, compare_reports
from sonicmini.report import Network, Report


def report(events_per_s=10.0, cpu_s=2.0, phases=(("jets", "produce"),), backend="local"):
    """The JSON form of a report of 100 events."""
    made = Report(events=100, loop_s=100 / events_per_s, cpu_s=cpu_s, start_up_s=3.0)
    made.peak_memory_bytes = 500_000_000
    if backend != "local":
        made.awaited_s, made.hidden_s = 4.0, 3.0
    for module, phase in phases:
        with made.phase(module, phase):
            pass
        totals = made.phases[module, phase]
        totals.elapsed_s, totals.busy_s, totals.cpu_s = 5.0, 3.0, cpu_s
    network = made.networks.setdefault(("tagger", backend), Network())
    network.add(rows=4, bytes_in=2_000_000, bytes_out=1_000_000, latency_s=0.1)
    return json.loads(json.dumps(made.to_dict()))


def test_medians_of_the_runs_per_event():
    found = compare_reports(
        [report(10, 2), report(20, 4), report(12, 3)], [report(20, 1), report(20, 1), report(6, 1)]
    )
    assert found.a.events_per_s == Spread(12, 10, 20)
    assert found.b.events_per_s.median == 20
    assert found.ratio == Spread(1, 0.5, 2)
    assert found.a.cpu_ms == Spread(30, 20, 40)
    assert found.phases == (Phase("jets", "produce", PhaseTime(30, 30, 20), PhaseTime(10, 30, 20)),)
    assert (found.a.events, found.a.repetitions) == (100, 3)
    assert found.a.peak_memory_mb.median == 500


def test_networks_of_each():
    found = compare_reports([report()], [report(backend="http://127.0.0.1:8000")])
    (network,) = found.b.networks
    assert (network.model, network.backend) == ("tagger", "http://127.0.0.1:8000")
    assert (network.inferences, network.requests, network.mb_in, network.mb_out) == (4, 1, 2, 1)
    assert network.p50_ms == pytest.approx(100, rel=0.05)
    assert found.a.networks[0].backend == "local"
    assert (found.b.awaited_ms.median, found.b.hidden.median) == (40, 0.75)
    assert found.a.awaited_ms.median == found.a.hidden.median == 0


def test_phases_that_only_one_has_stand_where_they_belong():
    both = [("source", "read"), ("sink", "write")]
    more = [("new", "produce"), both[0], ("tagger", "infer"), both[1], ("last", "produce")]
    found = compare_reports([report(phases=both)], [report(phases=more)])
    assert [(phase.module, phase.phase) for phase in found.phases] == more
    assert found.phases[2].a is None
    assert found.phases[2].b is not None


def test_runs_without_events():
    none = report()
    none.update(events=0, events_per_s=0.0)
    found = compare_reports([none], [none])
    assert found.ratio.median == 0
    assert found.phases[0].a == PhaseTime(0, 0, 0)
