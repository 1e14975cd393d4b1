"""The timeline in words: one sentence for every kind of event, with what is known of it."""

from typing import Any

import pytest

from db.timeline import RequestEventKind, RequestEventRow
from resolvers.refusals import RefusalCode
from resolvers.timeline import message, refusal
from tests.make import NOON


def event(kind: RequestEventKind, **columns: Any) -> RequestEventRow:
    empty: dict[str, Any] = dict.fromkeys(RequestEventRow._fields)
    happened = {"id": 1, "tx": 0, "at": NOON, "recorded_at": NOON, "actor": "shop", "facts": {}}
    return RequestEventRow(**empty | happened | {"kind": kind.value} | columns)


@pytest.mark.parametrize("kind", RequestEventKind)
def test_every_kind_has_its_sentence(kind: RequestEventKind) -> None:
    """Also where nothing more is known of it."""
    said = message(event(kind))
    assert said[0].isupper() or said[0].isdigit()
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("kind", "columns", "said"),
    [
        ("CREATED", {"facts": {"channel": "POS"}}, "Requested at the POS; the places are held."),
        ("UPDATED", {"facts": {"lines": 2, "tickets": 3}}, "The lines were replaced: 3 tickets in all."),
        ("EXTENDED", {"facts": {"revived": True}}, "Revived after it had expired: the places are held again."),
        ("CONFIRMED", {"facts": {"payment": "UNPAID"}}, "Confirmed, not paid yet."),
        ("PAID", {"facts": {"payment": "DIRECT"}}, "Paid at the POS."),
        ("CANCELED", {"facts": {"reason": "Rain"}}, "Canceled: Rain"),
        ("ISSUED", {"quantity": 12}, "A ticket for 12 people was issued."),
        ("ADMITTED", {"quantity": 1, "gate": "North"}, "1 person let in at North."),
        ("ADMITTED", {"quantity": 3}, "3 people let in."),
        ("ADMITTED", {"quantity": 0, "facts": {"again": True}}, "Scanned again: let through, and counted once."),
        ("ADMITTED", {"quantity": 2, "facts": {"activation": "ON_SALE"}}, "2 people let in with the sale."),
        (
            "ADMITTED",
            {"quantity": 1, "facts": {"although": "TOO_LATE"}},
            "1 person let in already, although the rules say no: TOO_LATE.",
        ),
        (
            "REFUSED",
            {"gate": "North", "refusal_code": "TOO_EARLY", "facts": {"passes_from": "2030-05-17T14:00:00+02:00"}},
            "Refused at North: Guests of that time slot are let in from 2030-05-17 14:00.",
        ),
        ("REFUSED", {"refusal_code": "TOO_EARLY"}, "Refused: The reserved time has not come."),
        ("HOLDER_CHANGED", {"facts": {"changed": ["email", "name"]}}, "The holder was changed: e-mail, name."),
        ("PRINTED", {"facts": {"print_count": 1}}, "Printed."),
        ("PRINTED", {"facts": {"print_count": 3}}, "Printed again, 3 times in all."),
        ("BLOCKED", {"facts": {"reason": "Lost."}}, "Blocked: Lost."),
        ("UNBLOCKED", {"access_entry_id": 7, "facts": {"reason": "Dry."}}, "Unblocked for one admission: Dry."),
        ("REVOKED", {"facts": {"reason": "Ill.", "refund_minor": 1250, "currency": "EUR"}},
         "Revoked, with a refund of 12.50 EUR: Ill."),
        ("REVOKED", {"facts": {"reason": None, "refund_minor": 0, "currency": "JPY"}}, "Revoked, with no refund."),
        ("REVOKED", {"facts": {}}, "Revoked."),
        ("RESCHEDULED", {"facts": {"before": {"slot_id": 1, "starts_at": "2030-05-17T10:00:00+02:00"},
                                   "after": {"slot_id": 2, "starts_at": "2030-05-18T16:30:00+02:00"}}},
         "Moved from 2030-05-17 10:00 to 2030-05-18 16:30."),
        ("RESCHEDULED", {"facts": {"before": {"slot_id": None, "starts_at": None},
                                   "after": {"slot_id": 2, "starts_at": "2030-05-18T16:30:00+02:00"}}},
         "Moved to 2030-05-18 16:30."),
        ("SLOT_CHANGED", {"facts": {"after": {"state": "CANCELED"}}}, "The booked time slot was canceled."),
    ],
)  # fmt: skip
def test_what_is_known_is_said(kind: str, columns: dict[str, Any], said: str) -> None:
    assert message(event(RequestEventKind(kind), **columns)) == said


def test_a_refused_scan_says_why_and_others_have_no_refusal() -> None:
    facts = {"limit": 10, "actual": 11}
    found = refusal(event(RequestEventKind.REFUSED, refusal_code="ENTRIES_USED_UP", ticket_id=7, facts=facts))
    assert found is not None
    assert found.code == RefusalCode.ENTRIES_USED_UP
    assert found.message == "The ticket lets in 10 in all; with these it would be 11."
    assert (found.limit, found.actual, found.ticket_id) == (10, 11, 7)
    assert refusal(event(RequestEventKind.ADMITTED)) is None


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_is_a_sentence_without_any_fact(code: RefusalCode) -> None:
    """Old events, and other codes than the gate's, must be readable too."""
    said = message(event(RequestEventKind.REFUSED, refusal_code=code.value))
    assert said.startswith("Refused: ")
    assert said.endswith(".")
    assert "None" not in said
