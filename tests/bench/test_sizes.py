"""The report of what an answer costs elsewhere says what the figures say."""

import argparse

from bench.reads import QUESTIONS, Figures
from bench.sizes import POSTGRESQL, SQLITE, ratio, report

FEW, MANY = "10 tickets", "1,000 tickets"


def figures(cpu_ms: float) -> Figures:
    return Figures(
        per_second=1000 / cpu_ms, p50=cpu_ms, p99=3 * cpu_ms, cpu_ms=cpu_ms, database_ms=cpu_ms / 4, statements=2
    )


def test_the_second_of_a_pair_is_compared_to_the_first_round_by_round() -> None:
    """A round in which the machine had other things to do is as slow for both."""
    costs = {FEW: (1.0, 4.0, 2.0), MANY: (1.5, 6.0, 2.2), POSTGRESQL: (1.0, 1.0, 1.0), SQLITE: (0.5, 0.75, 0.6)}
    found = {(q.letter, name): [figures(cpu) for cpu in cpus] for q in QUESTIONS for name, cpus in costs.items()}
    assert ratio(found, "A", (FEW, MANY), "cpu_ms") == 1.5
    asked = argparse.Namespace(rounds=3, seconds=1)
    text = report(found, (FEW, MANY), (POSTGRESQL, SQLITE), "18.4", asked)
    assert f"A 1.50, B 1.50, C 1.50 times the processor time among {MANY}" in text
    assert "A 0.60, B 0.60, C 0.60 times from SQLite" in text
    assert f"| B | {MANY} | 455 | 2.20 | 6.60 | 2.20 | 0.55 | 2.0 |" in text
    assert text.count("\n| ") == 1 + 4 * len(QUESTIONS)
