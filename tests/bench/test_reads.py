"""The comparison's questions stay true to the schema and the tables, and its report to the figures."""

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from graphql import (
    FieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    parse,
    validate,
)

import schema.root
from bench import chart, reads
from bench.reads import BUYERS, CONNECTIONS, GATEHOUSE, PEER, QUESTIONS, SLOW, Figures, Found, Question, contents
from db.base import metadata
from schema.execution.documents import Documents
from schema.execution.limits import Limits

SDL = build_schema((Path(__file__).parents[2] / "schema" / "schema.graphql").read_text(encoding="utf-8"))
TABLES = {
    "allTicketRequestsList": "ticket_request",
    "issuedTicket": "issued_ticket",
    "customer": "customer",
    "admission": "admission",
    "requestLines": "request_line",
    "requestEntries": "request_entry",
    "issuedTickets": "issued_ticket",
    "accessEntries": "access_entry",
}
"""By how PostGraphile calls them; behind ``By`` it names the columns of the key."""


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_gatehouse_is_asked_what_it_answers(question: Question) -> None:
    assert validate(SDL, parse(question.text(GATEHOUSE))) == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_gatehouse_is_asked_within_its_limits(question: Question) -> None:
    document = Documents(schema.root.graphql_schema, Limits()).get(question.text(GATEHOUSE))
    assert document.errors == ()
    (operation,) = document.operations.values()
    assert operation.costs.of({}) <= Limits().cost


def column(name: str) -> str:
    """That of a field which PostGraphile calls so."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


def columns_asked_for(selections: SelectionSetNode, above: str | None = None) -> Iterator[tuple[str, str]]:
    """Table and column of everything that PostGraphile is asked for, keys included."""
    for field in selections.selections:
        assert isinstance(field, FieldNode)
        name = field.name.value
        if field.selection_set is None:
            assert above is not None
            yield above, column(name)
            continue
        kind, _, key = name.removesuffix("List").partition("By")
        table = TABLES[kind if key else name]
        if key:  # of a list it is a column of the rows below, of one row beside, of the row above
            yield table if name.endswith("List") or above is None else above, column(key)
        yield from columns_asked_for(field.selection_set, table)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_postgraphile_is_asked_for_columns_that_there_are(question: Question) -> None:
    (operation,) = parse(question.text(PEER)).definitions
    assert isinstance(operation, OperationDefinitionNode)
    asked = list(columns_asked_for(operation.selection_set))
    assert asked
    assert [(table, name) for table, name in asked if name not in metadata.tables[table].columns] == []


def test_answers_are_compared_by_their_objects_and_what_names_them() -> None:
    """A page's rows stand in its place; values that are told differently do not count."""
    mine = {"requests": {"nodes": [{"token": "T", "at": 1, "tickets": {"nodes": [{"externalTicketNo": "N"}, {}]}}]}}
    its = {"requests": [{"token": "T", "at": "one", "tickets": [{}, {"externalTicketNo": "N"}], "note": "x"}]}
    assert Counter(contents(mine)) == Counter(contents(its))
    its["requests"][0]["token"] = "U"
    assert Counter(contents(mine)) != Counter(contents(its))
    its["requests"] = []
    assert Counter(contents(mine)) != Counter(contents(its))


def found(gatehouse: Figures, peer: Figures, sales: float, megabytes: int) -> Found:
    """The same, whatever was asked, in each of three rounds."""
    by_server = {GATEHOUSE: gatehouse, PEER: peer, SLOW: peer}
    rounds = {(q.letter, c, name): [one] * 3 for q in QUESTIONS for c in CONNECTIONS for name, one in by_server.items()}
    sold = {c: [Figures(sales, 5.0, 9.0, 0.8, 0.3, statements=20.0)] * 3 for c in BUYERS}
    return Found(rounds, sold, dict.fromkeys(by_server, 1.2), dict.fromkeys(by_server, megabytes * 1_000_000))


PEERS = Figures(1000.0, 10.0, 20.0, 1.0, 0.3, bytes=900.0)


def verdicts(of: Found) -> list[tuple[str, bool]]:
    """What was aimed at, and whether the report calls it met."""
    rows = [row.split(" | ") for row in reads.aims(of).splitlines()]
    return [(row[0].removeprefix("| "), row[3] == "met |") for row in rows]


def test_what_is_aimed_at_is_met_or_missed_by_the_figures() -> None:
    better = Figures(2300.0, 3.0, 9.9, 0.45, 0.2, bytes=1000.0, statements=5.0)
    told = verdicts(found(better, PEERS, sales=1200.0, megabytes=151))
    assert [what for what, is_met in told if not is_met] == [
        "C: requests a second of PostGraphile's",
        "memory of the worker",
    ]
    worse = Figures(900.0, 3.0, 10.1, 0.7, 0.2, bytes=1000.0, statements=5.0)
    told = verdicts(found(worse, PEERS, sales=1199.0, megabytes=149))
    assert [what for what, is_met in told if is_met] == ["memory of the worker", "start to first answer"]


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A slow round slows both: the ratio of the medians would be 1.5."""
    of = found(PEERS, PEERS, sales=1.0, megabytes=1)
    a = QUESTIONS[0]
    for name, rates in ((GATEHOUSE, (200.0, 300.0, 800.0)), (PEER, (100.0, 200.0, 400.0))):
        of.reads["A", 16, name][:] = [Figures(rate, 1.0, 1.0, 1.0, 0.5) for rate in rates]
    assert of.ratio("per_second", a, 16) == 2.0
    assert of.figures(a, 16, GATEHOUSE).per_second == 300.0


def test_the_report_has_every_figure_and_the_picture_is_an_svg() -> None:
    figures = Figures(2345.6, 3.0, 9.0, 0.43, 0.21, bytes=1000.0, statements=5.0)
    of = found(figures, PEERS, sales=1200.0, megabytes=120)
    text = reads.report(of, "18.4", argparse.Namespace(requests=200_000, rounds=3, seconds=5))
    assert text.count("| A | Gatehouse | 2,346 | 2.35 | 3.00 | 9.00 | 0.43 | 0.21 | 5.0 | 1,000 |") == len(CONNECTIONS)
    assert "A 2.35, B 2.35, C 2.35 times PostGraphile's requests a second" in text
    drawn = ElementTree.fromstring(reads.picture(of))
    assert drawn.tag.endswith("svg")
    assert "2,346" in "".join(drawn.itertext())


def test_of_a_group_the_longest_bar_fills_its_panel_and_the_others_keep_their_share() -> None:
    drawn = ElementTree.fromstring(chart.bars([chart.Panel("a < b", [[50.0, 200.0]], "{:.0f}")], ["group"], ("x", "y")))
    bars = [
        float(rect.attrib["width"]) for rect in drawn.iter("{http://www.w3.org/2000/svg}rect") if "rx" in rect.attrib
    ]
    assert bars[0] * 4 == pytest.approx(bars[1], abs=0.5)
    assert bars[1] == chart.WIDTH - 2 * chart.MARGIN - chart.VALUE_WIDTH
