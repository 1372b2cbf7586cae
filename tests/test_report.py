"""Reports add up and tell quantiles."""

import asyncio
import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonicmini.report import Latencies, Network, Phase, Report
from sonicmini.report_view import summary
from sonicmini.workers import Workers


@given(st.lists(st.floats(2e-6, 500.0), min_size=1), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_quantiles_are_right_to_the_width_of_a_bin(durations, fraction):
    latencies = Latencies()
    for duration in durations:
        latencies.add(duration)
    exact = np.quantile(durations, fraction, method="inverted_cdf")
    assert exact * 0.999 <= latencies.quantile(fraction) <= exact * 1.05


def test_no_latencies_no_quantile():
    assert Latencies().quantile(0.5) == 0.0


def test_reports_of_two_halves_add_up():
    def part(file, start, stop):
        report = Report(events=stop - start, chunks=1, loop_s=2.0, cpu_s=1.0)
        report.phases[("jets", "produce")] = Phase(1, 2.0, 3.0, 4.0, 5.0)
        report.networks[("deepmet", "local")] = Network(requests=2, rows=stop - start)
        report.add_input(file, start, stop)
        return report

    total = part("a", 0, 100)
    total += part("a", 100, 150)
    total += part("b", 0, 50)
    assert total.events == 200
    assert total.inputs == [("a", 0, 150), ("b", 0, 50)]
    assert total.phases[("jets", "produce")] == Phase(3, 6.0, 9.0, 12.0, 15.0)
    assert total.networks[("deepmet", "local")].rows == 200
    assert total.cpu_s == 3.0
    assert total.throughput == 100.0
    assert "200 events" in summary(total)
    assert json.loads(json.dumps(total.to_dict()))["networks"][0]["requests"] == 6


def test_thread_time_counts_for_the_phase_that_awaits_it():
    report = Report()

    def burn():
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass

    async def main():
        workers = Workers(2)
        with report.phase("a", "produce"):
            await asyncio.gather(workers.run(burn), workers.run(burn))
        with report.phase("b", "produce"):
            await workers.run(lambda: time.sleep(0.05))
        workers.close()

    asyncio.run(main())
    a, b = report.phases[("a", "produce")], report.phases[("b", "produce")]
    assert a.cpu_s >= 0.1
    assert b.cpu_s < 0.04
    assert b.busy_s >= 0.05
    assert b.elapsed_s >= b.busy_s


def test_workers_hand_faults_to_the_caller_and_count_their_time():
    report = Report()

    async def main():
        workers = Workers(1)
        with report.phase("a", "produce"), pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 / 0)
        workers.close()

    asyncio.run(main())
    assert report.phases[("a", "produce")].calls == 1
    assert report.phases[("a", "produce")].busy_s > 0
