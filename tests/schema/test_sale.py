"""The life of a request, as web stores and POS units live it: create, extend, confirm, pay, cancel, holder."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.harness import Gatehouse
from tests.park import CREATE_AT_POS, Park, Sellable, change, codes

ONE_LINE = """
mutation($l: TicketRequestLineInput!) { ticketRequestCreateInWebStore(input: {lines: [$l]}) { total { amount } } }
"""
EVENTS = "timeline { nodes { kind } }"
TICKETS = "tickets { nodes { externalTicketNo ticketNo kind quantity price { amount } validFrom validUntil } }"


@pytest.fixture
def park(gatehouse: Gatehouse) -> Park:
    return Park(gatehouse)


@pytest.fixture
async def tour(park: Park) -> Sellable:
    return await park.sellable()


async def kinds(park: Park, token: str) -> list[str]:
    """What happened to a request, in order."""
    found = await park.request(token, EVENTS)
    return [event["kind"] for event in found["timeline"]["nodes"]]


async def count(park: Park, table: str) -> int:
    """How many rows there are: for what must not have changed."""
    async with park.gatehouse.database.reading() as read:
        number: int = (await read.fetch(f"SELECT count(*) FROM {table}"))[0][0]
        return number


# -------------------------------------------------------------------------------------------------- create


async def test_a_request_holds_its_places_until_it_is_confirmed(park: Park, tour: Sellable) -> None:
    payload = await park.create(tour.line(3), externalOrderNo="WEB-1")
    assert payload["refusals"] == []
    assert payload["total"] == {"amount": "37.50", "currency": "EUR"}
    assert payload["ticketRequest"]["status"] == "REGISTERED"
    assert payload["ticketRequest"]["expiresAt"] is not None
    assert await park.slot(tour.slot) == {"held": 3, "sold": 0, "remaining": 7}
    confirmed = await park.change("Confirm", payload["ticketRequest"]["token"])
    assert confirmed["ticketRequest"]["status"] == "CONFIRMED"
    assert confirmed["ticketRequest"]["expiresAt"] is None
    assert await park.slot(tour.slot) == {"held": 0, "sold": 3, "remaining": 7}
    assert await kinds(park, payload["ticketRequest"]["token"]) == [
        "CREATED",
        "CONFIRMED",
        "ISSUED",
        "ISSUED",
        "ISSUED",
    ]


async def test_there_is_one_entry_per_line_and_admission_with_the_same_token_and_code(park: Park) -> None:
    castle = await park.sellable("CASTLE", capacity=100)
    tower = await park.sellable("TOWER", capacity=100)
    cellar = await park.sellable("CELLAR", capacity=100)
    item = await park.item(
        "ALL",
        [
            {"admissionCode": "CASTLE", "isDefault": True},
            {"admissionCode": "TOWER", "inclusion": "SELECTED", "quantity": 2},
            {"admissionCode": "CELLAR", "inclusion": "NOT_SELECTED"},
        ],
    )
    chosen = [{"admissionCode": a.admission_code, "slotId": a.slot} for a in (castle, tower)]
    token = await park.registered(
        {"itemNo": item, "quantity": 2, "admissions": chosen},
        {"itemNo": item, "quantity": 1, "admissions": [chosen[0], {"admissionCode": "tower", "isIncluded": False}]},
    )
    entries = "entries { token authorizationCode lineNo quantity isPrimary inclusion admission { code } }"
    selection = f"token authorizationCode {entries}"
    found = await park.request(token, selection)
    assert {(e["token"], e["authorizationCode"]) for e in found["entries"]} == {(token, found["authorizationCode"])}
    assert [
        (e["lineNo"], e["admission"]["code"], e["quantity"], e["inclusion"], e["isPrimary"]) for e in found["entries"]
    ] == [
        (1, "CASTLE", 2, "REQUIRED", True),
        (1, "TOWER", 2, "SELECTED", False),
        (1, "CELLAR", 0, "NOT_SELECTED", False),
        (2, "CASTLE", 1, "REQUIRED", True),
        (2, "TOWER", 0, "NOT_SELECTED", False),
        (2, "CELLAR", 0, "NOT_SELECTED", False),
    ]
    assert (await park.slot(tower.slot))["held"] == 4
    assert (await park.slot(cellar.slot))["held"] == 0


async def test_the_references_say_what_support_works_from(park: Park, tour: Sellable) -> None:
    holder = {"customerNo": "C-1", "email": "Ada@Example.com", "phone": "+45 1234", "name": "Ada", "language": "da"}
    token = await park.registered(tour.line(2), externalOrderNo="WEB-7", holder=holder)
    fields = "lineNo quantity unitPrice { amount } customerNo email phone ticketHolderName language externalOrderNo"
    found = await park.request(token, f"references {{ {fields} }}")
    assert found["references"] == [
        {
            "lineNo": 1,
            "quantity": 2,
            "unitPrice": {"amount": "12.50"},
            "customerNo": "C-1",
            "email": "Ada@Example.com",
            "phone": "+45 1234",
            "ticketHolderName": "Ada",
            "language": "da",
            "externalOrderNo": "WEB-7",
        }
    ]


async def test_a_dry_run_answers_the_price_and_holds_nothing(park: Park, tour: Sellable) -> None:
    payload = await park.create(tour.line(2), externalOrderNo="WEB-1", dryRun=True)
    assert payload == {"ticketRequest": None, "total": {"amount": "25.00", "currency": "EUR"}, "refusals": []}
    assert (await park.slot(tour.slot))["held"] == 0
    assert await count(park, "ticket_request") == 0
    refused = await park.create(tour.line(11), dryRun=True)
    assert codes(refused) == ["SOLD_OUT"]
    assert refused["total"] == {"amount": "137.50", "currency": "EUR"}


async def test_every_problem_is_answered_at_once_and_nothing_is_kept(park: Park, tour: Sellable) -> None:
    payload = await park.create(
        {"itemNo": "NOPE", "quantity": 1},
        tour.line(0),
        tour.line(11),
        {"itemNo": tour.item_no, "quantity": 1, "admissions": [{"admissionCode": "ELSEWHERE"}]},
        {"itemNo": tour.item_no, "quantity": 1, "unitPrice": "-1", "externalTicketNos": ["A", "B"]},
        holder={"email": "nobody"},
    )
    found = [(refusal["code"], refusal["path"]) for refusal in payload["refusals"]]
    assert ("INVALID_INPUT", ["holder", "email"]) in found
    assert ("UNKNOWN_ITEM", ["lines", "0", "itemNo"]) in found
    assert ("INVALID_INPUT", ["lines", "1", "quantity"]) in found
    assert ("SOLD_OUT", ["lines", "2", "admissions", "0", "slotId"]) in found
    assert ("UNKNOWN_ADMISSION", ["lines", "3", "admissions", "0", "admissionCode"]) in found
    assert ("SLOT_REQUIRED", ["lines", "3"]) in found
    assert ("INVALID_INPUT", ["lines", "4", "unitPrice"]) in found
    assert ("INVALID_INPUT", ["lines", "4", "externalTicketNos"]) in found
    assert payload["ticketRequest"] is None
    for table in ("ticket_request", "request_line", "request_entry", "reservation", "request_event", "order_key"):
        assert await count(park, table) == 0


async def test_sold_out_says_the_limit_and_what_would_be_taken(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(8))
    payload = await park.create(tour.line(1), tour.line(2))
    assert codes(payload) == ["SOLD_OUT", "SOLD_OUT"]
    refusal = payload["refusals"][0]
    assert (refusal["limit"], refusal["actual"]) == (10, 11)
    assert refusal["slot"]["id"] == tour.slot
    assert refusal["admission"]["code"] == "TOUR"
    assert "2 places are left" in refusal["message"]
    assert await park.slot(tour.slot) == {"held": 8, "sold": 0, "remaining": 2}


async def test_without_a_limit_everybody_is_sold_a_place(park: Park) -> None:
    park_ = await park.sellable("MEADOW", capacity=1, control="NONE")
    await park.registered(park_.line(50))
    assert await park.slot(park_.slot, "held capacity remaining") == {"held": 50, "capacity": None, "remaining": None}


@pytest.mark.parametrize("quantity", [0, -1, 1001, 1_000_000, 2**31 - 1])
async def test_a_quantity_out_of_bounds_is_refused(park: Park, tour: Sellable, quantity: int) -> None:
    payload = await park.create(tour.line(quantity))
    assert "INVALID_INPUT" in codes(payload)
    assert await count(park, "ticket_request") == 0


async def test_ten_thousand_lines_are_refused(park: Park, tour: Sellable) -> None:
    payload = await park.create(*[{"itemNo": "X", "quantity": 1}] * 10_000)
    assert codes(payload) == ["INVALID_INPUT"]
    assert (payload["refusals"][0]["limit"], payload["refusals"][0]["actual"]) == (100, 10_000)
    assert codes(await park.create()) == ["INVALID_INPUT"]


async def test_the_limit_of_lines_is_inclusive(park: Park, tour: Sellable) -> None:
    async with park.gatehouse.with_rules(lines_per_request=2, tickets_per_request=3) as strict:
        assert codes(await Park(strict).create(tour.line(1), tour.line(2))) == []
        assert codes(await Park(strict).create(*[tour.line(1)] * 3)) == ["INVALID_INPUT"]
        assert codes(await Park(strict).create(tour.line(2), tour.line(2))) == ["INVALID_INPUT"]


async def test_a_slot_must_be_one_of_the_admission(park: Park, tour: Sellable) -> None:
    other = await park.sellable("OTHER")
    payload = await park.create(tour.line(slot=other.slot))
    assert codes(payload) == ["SLOT_OF_OTHER_ADMISSION"]
    item = (await park.gatehouse.data("{ ticketItems(first: 1) { nodes { id } } }"))["ticketItems"]["nodes"][0]["id"]
    assert codes(await park.create(tour.line(slot=item))) == ["UNKNOWN_SLOT"]
    body = await park.gatehouse.ask(
        'mutation($s: ID!) { ticketRequestCreateInWebStore(input: {lines: [{itemNo: "I", quantity: 1, '
        'admissions: [{admissionCode: "A", slotId: $s}]}]}) { refusals { code } } }',
        {"s": "not an id"},
    )
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_past_slot_cannot_be_sold(park: Park, tour: Sellable) -> None:
    park.gatehouse.travel(timedelta(days=5))
    assert codes(await park.create(tour.line())) == ["SLOT_PAST"]


async def test_a_slot_after_the_ticket_s_end_cannot_be_sold(park: Park) -> None:
    castle = await park.sellable("CASTLE")
    tower = await park.sellable("TOWER")
    contents = [
        {"admissionCode": "CASTLE", "isDefault": True, "durationDays": 2},
        {"admissionCode": "TOWER", "durationDays": 1},
    ]
    item = await park.item("BOTH", contents)
    days = sorted(castle.slots)

    def line(first: int, second: int) -> dict[str, Any]:
        chosen = [("CASTLE", castle.slots[days[first]]), ("TOWER", tower.slots[days[second]])]
        admissions = [{"admissionCode": code, "slotId": slot} for code, slot in chosen]
        return {"itemNo": item, "quantity": 1, "admissions": admissions}

    assert codes(await park.create(line(3, 4))) == []
    assert codes(await park.create(line(3, 5))) == ["BEYOND_VALIDITY"]


async def test_a_blocked_item_is_not_sold(park: Park, tour: Sellable) -> None:
    await park.item("GONE", [{"admissionCode": "TOUR"}], isBlocked=True)
    line = {**tour.line(), "itemNo": "GONE"}
    assert codes(await park.create(line)) == ["ITEM_BLOCKED"]


async def test_items_are_found_by_number_variant_and_bar_code(park: Park, tour: Sellable) -> None:
    contents = [{"admissionCode": "TOUR"}]
    await park.item("DAY", contents, variantCode="ADULT", barcodes=["5701"], unitPrice="20")
    await park.item("DAY", contents, variantCode="CHILD", unitPrice="10")
    chosen = tour.line()["admissions"]
    for named, price in (
        ({"itemNo": "day", "variantCode": "adult"}, "20.00"),
        ({"itemNo": "5701"}, "20.00"),
        ({"itemNo": " 5701 ", "variantCode": "ADULT"}, "20.00"),
        ({"itemNo": "DAY", "variantCode": "CHILD"}, "10.00"),
    ):
        payload = await park.create({**named, "quantity": 1, "admissions": chosen}, dryRun=True)
        assert (codes(payload), payload["total"]["amount"]) == ([], price), named
    for named, code in (
        ({"itemNo": "DAY"}, "AMBIGUOUS_LINE"),
        ({"itemNo": "DAY", "variantCode": "DOG"}, "UNKNOWN_ITEM"),
        ({"itemNo": "5701", "variantCode": "CHILD"}, "UNKNOWN_ITEM"),
        ({"itemNo": "  "}, "INVALID_INPUT"),
    ):
        assert code in codes(await park.create({**named, "quantity": 1, "admissions": chosen})), named


async def test_an_admission_listed_twice_is_ambiguous(park: Park, tour: Sellable) -> None:
    line = tour.line()
    assert codes(await park.create({**line, "admissions": line["admissions"] * 2})) == ["AMBIGUOUS_LINE"]


async def test_a_required_admission_cannot_be_left_out(park: Park, tour: Sellable) -> None:
    line = tour.line()
    line["admissions"][0]["isIncluded"] = False
    assert codes(await park.create(line)) == ["INVALID_INPUT"]


async def test_one_request_has_one_currency(park: Park, tour: Sellable) -> None:
    await park.item("KRONER", [{"admissionCode": "TOUR"}], currency="DKK")
    assert codes(await park.create(tour.line(), {**tour.line(), "itemNo": "KRONER"})) == ["INVALID_INPUT"]


async def test_a_dictated_price_is_rounded_half_up_to_the_currency_s_digits(park: Park, tour: Sellable) -> None:
    for given, total in (("9.995", "20.00"), ("9.994", "19.98"), ("0", "0.00"), (7, "14.00")):
        payload = await park.create(tour.line(2, unitPrice=given), dryRun=True)
        assert payload["total"]["amount"] == total
    yen = await park.item("YEN", [{"admissionCode": "TOUR"}], currency="JPY", unitPrice="1000")
    payload = await park.create({**tour.line(2, unitPrice="99.5"), "itemNo": yen}, dryRun=True)
    assert payload["total"] == {"amount": "200", "currency": "JPY"}


async def test_a_float_is_no_price(park: Park, tour: Sellable) -> None:
    line = tour.line(unitPrice=9.5)
    payload = "ticketRequestCreateInWebStore(input: {lines: [$l]}) { refusals { code } }"
    create = f"mutation($l: TicketRequestLineInput!) {{ {payload} }}"
    body = await park.gatehouse.ask(create, {"l": line}, role="WEB_STORE")
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "data" not in body


async def test_today_picks_the_slot_that_runs_or_comes_next(park: Park) -> None:
    museum = await park.sellable(
        "MUSEUM",
        admissionKind="LOCATION",
        schedules=[{"startTime": "00:00", "stopTime": "00:00", "capacity": 5, "prebookRequired": False}],
    )
    token = await park.registered({"itemNo": museum.item_no, "quantity": 2})
    found = await park.request(token, "createdAt entries { slot { id date } }")
    assert found["entries"][0]["slot"]["date"] == found["createdAt"][:10]


async def test_a_token_is_a_key_whatever_its_case_and_spaces(park: Park, tour: Sellable) -> None:
    payload = await park.create(tour.line(), token=" Sale-1 ")
    assert payload["ticketRequest"]["token"] == "Sale-1"
    again = await park.create(tour.line(), token="SALE-1")
    assert again["ticketRequest"]["id"] == payload["ticketRequest"]["id"]
    assert await count(park, "ticket_request") == 1


# --------------------------------------------------------------------------------------------- idempotency


async def test_a_repeated_create_answers_the_same_and_changes_nothing(park: Park, tour: Sellable) -> None:
    first = await park.create(tour.line(2), token="T", externalOrderNo="WEB-1")
    again = await park.create(tour.line(2), token="T", externalOrderNo="WEB-1")
    assert again == first
    assert (await park.slot(tour.slot))["held"] == 2
    assert await kinds(park, "T") == ["CREATED"]
    await park.change("Confirm", "T")
    late = await park.create(tour.line(2), token="T", externalOrderNo="WEB-1")
    assert late["ticketRequest"]["status"] == "CONFIRMED"
    assert late["total"] == first["total"]


async def test_a_token_with_other_content_or_from_another_client_is_reused(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(2), token="T")
    for payload in (
        await park.create(tour.line(3), token="T"),
        await park.create(tour.line(2), token="T", holder={"name": "Eve"}),
        await park.create(tour.line(2), token="T", client="another shop"),
    ):
        assert codes(payload) == ["TOKEN_REUSED"]
        assert payload["ticketRequest"] is None
        assert payload["total"] is None
    assert (await park.slot(tour.slot))["held"] == 2


async def test_without_a_token_the_order_number_makes_a_retry_safe(park: Park, tour: Sellable) -> None:
    first = await park.create(tour.line(2), externalOrderNo="WEB-1")
    again = await park.create(tour.line(2), externalOrderNo="web-1")
    assert again["ticketRequest"]["id"] == first["ticketRequest"]["id"]
    assert codes(await park.create(tour.line(1), externalOrderNo="WEB-1")) == ["DUPLICATE_ORDER"]
    other_token = await park.create(tour.line(2), externalOrderNo="WEB-1", token="T2")
    assert codes(other_token) == ["DUPLICATE_ORDER"]
    assert other_token["refusals"][0]["ticketRequest"]["token"] == first["ticketRequest"]["token"]
    assert codes(await park.create(tour.line(2), externalOrderNo="WEB-1", client="another shop")) == []
    assert (await park.slot(tour.slot))["held"] == 4


@pytest.mark.parametrize("ended", ["expired", "canceled"])
async def test_a_request_that_ended_is_no_obstacle_to_its_order_number(park: Park, tour: Sellable, ended: str) -> None:
    old = await park.registered(tour.line(2, externalTicketNos=["N-1", "N-2"]), externalOrderNo="WEB-1")
    if ended == "expired":
        park.gatehouse.travel(timedelta(seconds=1500))
    else:
        await park.change("Cancel", old)
    new = await park.registered(tour.line(2, externalTicketNos=["N-2", "n-1"]), externalOrderNo="WEB-1")
    assert new != old
    assert (await park.change("Confirm", new))["refusals"] == []
    back = codes(await park.change("Extend", old))
    if ended == "expired":
        assert sorted(set(back)) == ["DUPLICATE_ORDER", "DUPLICATE_TICKET_NUMBER"]
    else:
        assert back == ["ALREADY_CANCELED"]


async def test_a_receipt_may_carry_several_requests(park: Park, tour: Sellable) -> None:
    first, second = [await park.create_at_pos(tour.line(), token=token) for token in ("A", "B")]
    assert first["ticketRequest"]["id"] != second["ticketRequest"]["id"]


async def test_dictated_numbers_are_taken_once(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(2, externalTicketNos=["N-1", "N-2"]))
    taken = await park.create(tour.line(2, externalTicketNos=["n-2", "N-3"]))
    assert codes(taken) == ["DUPLICATE_TICKET_NUMBER"]
    assert taken["refusals"][0]["path"] == ["lines", "0", "externalTicketNos", "0"]
    twice = await park.create(tour.line(2, externalTicketNos=["N-4", " n-4"]))
    assert codes(twice) == ["DUPLICATE_TICKET_NUMBER"]
    await park.change("Confirm", token)
    found = await park.request(token, TICKETS)
    assert [ticket["externalTicketNo"] for ticket in found["tickets"]["nodes"]] == ["N-1", "N-2"]
    assert codes(await park.create(tour.line(1, externalTicketNos=["N-1"]))) == ["DUPLICATE_TICKET_NUMBER"]
    assert codes(await park.create(tour.line(1, externalTicketNos=["N-3"]))) == []


# ------------------------------------------------------------------------------------------- holds and time


async def test_a_hold_ends_by_the_clock_everywhere(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(4))
    park.gatehouse.travel(timedelta(seconds=1499))
    assert (await park.request(token, "status"))["status"] == "REGISTERED"
    park.gatehouse.travel(timedelta(seconds=1))
    found = await park.request(token, "status statusChangedAt expiresAt entries { status }")
    assert found["status"] == "EXPIRED"
    assert found["statusChangedAt"] == found["expiresAt"]
    assert found["entries"][0]["status"] == "EXPIRED"
    assert await park.slot(tour.slot) == {"held": 0, "sold": 0, "remaining": 10}
    late = await park.change("Confirm", token)
    assert codes(late) == ["HOLD_EXPIRED"]
    assert late["ticketRequest"]["status"] == "EXPIRED"
    assert await kinds(park, token) == ["CREATED", "EXPIRED"]
    await park.change("Confirm", token)
    assert await kinds(park, token) == ["CREATED", "EXPIRED"]
    assert await count(park, "issued_ticket") == 0


async def test_extend_begins_the_hold_anew(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(4))
    before = (await park.request(token, "expiresAt"))["expiresAt"]
    park.gatehouse.travel(timedelta(seconds=1000))
    extended = await park.change("Extend", token)
    assert extended["ticketRequest"]["expiresAt"] > before
    park.gatehouse.travel(timedelta(seconds=1000))
    assert (await park.slot(tour.slot))["held"] == 4
    assert codes(await park.change("Confirm", token)) == []
    assert (await kinds(park, token))[:3] == ["CREATED", "EXTENDED", "CONFIRMED"]


async def test_an_expired_request_comes_back_if_there_is_room(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(4), externalOrderNo="WEB-1")
    park.gatehouse.travel(timedelta(seconds=2000))
    assert codes(await park.change("Extend", token)) == []
    assert (await park.request(token, "status"))["status"] == "REGISTERED"
    assert (await park.slot(tour.slot))["held"] == 4
    assert await kinds(park, token) == ["CREATED", "EXPIRED", "EXTENDED"]


async def test_an_expired_request_whose_places_were_sold_stays_expired(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(4))
    park.gatehouse.travel(timedelta(seconds=2000))
    await park.registered(tour.line(7))
    refused = await park.change("Extend", token)
    assert codes(refused) == ["SOLD_OUT"]
    assert refused["ticketRequest"]["status"] == "EXPIRED"
    assert (await park.slot(tour.slot))["held"] == 7


async def test_the_hold_of_each_channel_is_its_own(park: Park, tour: Sellable) -> None:
    async with park.gatehouse.with_rules(hold_seconds_by_channel={"POS": 60}) as strict:
        payload = await Park(strict).create_at_pos(tour.line())
        strict.travel(timedelta(seconds=61))
        token = payload["ticketRequest"]["token"]
        assert codes(await Park(strict).change("Confirm", token, role="POS")) == ["HOLD_EXPIRED"]


async def test_cancel_frees_the_places_and_answers_the_same_again(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(4))
    canceled = await park.change("Cancel", token, reason="changed their mind")
    assert canceled["ticketRequest"]["status"] == "CANCELED"
    assert canceled["ticketRequest"]["expiresAt"] is None
    assert (await park.slot(tour.slot))["held"] == 0
    assert await park.change("Cancel", token) == canceled
    assert await kinds(park, token) == ["CREATED", "CANCELED"]
    assert codes(await park.change("Confirm", token)) == ["ALREADY_CANCELED"]
    assert codes(await park.change("Extend", token)) == ["ALREADY_CANCELED"]


async def test_a_canceled_expired_request_tells_of_both(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    park.gatehouse.travel(timedelta(seconds=2000))
    assert codes(await park.change("Cancel", token)) == []
    assert await kinds(park, token) == ["CREATED", "EXPIRED", "CANCELED"]


async def test_a_confirmed_request_is_neither_canceled_nor_extended(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    await park.change("Confirm", token)
    assert codes(await park.change("Cancel", token)) == ["ALREADY_CONFIRMED"]
    assert codes(await park.change("Extend", token)) == ["ALREADY_CONFIRMED"]
    assert (await park.slot(tour.slot))["sold"] == 1


# -------------------------------------------------------------------------------------- confirm and its tickets


async def test_a_repeated_confirm_does_nothing_twice(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(2))
    selection = "ticketRequest { status tickets { nodes { externalTicketNo } } }"
    first = await park.change("Confirm", token, selection=selection, paymentReference="PAY-1")
    assert len(first["ticketRequest"]["tickets"]["nodes"]) == 2
    assert await park.change("Confirm", token, selection=selection, paymentReference="pay-1") == first
    assert await park.change("Confirm", token, selection=selection) == first
    assert codes(await park.change("Confirm", token, paymentReference="PAY-2")) == ["CONFLICT"]
    assert await park.slot(tour.slot) == {"held": 0, "sold": 2, "remaining": 8}
    assert await count(park, "issued_ticket") == 2


async def test_individual_tickets_are_one_per_person_and_a_group_ticket_is_one_for_all(park: Park) -> None:
    single = await park.sellable("SINGLE", capacity=100, externalTicketPattern="K-[S]-[N*4]")
    group = await park.sellable("GROUP", capacity=100, kind="GROUP")
    token = await park.registered(single.line(3), group.line(15))
    await park.change("Confirm", token)
    nodes = (await park.request(token, TICKETS))["tickets"]["nodes"]
    facts = [(ticket["kind"], ticket["quantity"], ticket["price"]["amount"]) for ticket in nodes]
    assert facts == [("INDIVIDUAL", 1, "12.50")] * 3 + [("GROUP", 15, "187.50")]
    assert len({ticket["externalTicketNo"] for ticket in nodes} | {ticket["ticketNo"] for ticket in nodes}) == 8
    assert nodes[0]["externalTicketNo"].startswith(f"K-{int(nodes[0]['ticketNo'])}-")
    assert (await park.slot(group.slot))["sold"] == 15


async def test_a_family_ticket_takes_four_places(park: Park, tour: Sellable) -> None:
    family = await park.item("FAMILY", [{"admissionCode": "TOUR", "quantity": 4}])
    token = await park.registered({**tour.line(2), "itemNo": family})
    assert await park.slot(tour.slot) == {"held": 8, "sold": 0, "remaining": 2}
    assert codes(await park.create({**tour.line(1), "itemNo": family})) == ["SOLD_OUT"]
    await park.change("Confirm", token)
    found = await park.request(token, "tickets { nodes { quantity accessEntries { quantity } } }")
    assert found["tickets"]["nodes"] == [{"quantity": 1, "accessEntries": [{"quantity": 4}]}] * 2


WHOLE = """ticketRequest {
  id token authorizationCode channel client status statusChangedAt createdAt expiresAt paymentOption paymentReference
  total { amount currency } customer { customerNo } availableActions { action }
  references { externalOrderNo receiptNo posUnitNo salespersonCode customerNo email phone ticketHolderName language }
}"""
HOLDER = {"customerNo": "C-1", "email": "Ada@Example.org", "phone": "+45 1234", "name": " Ada  Berg "}


@pytest.mark.parametrize("channel", ["WEB_STORE", "POS"])
async def test_a_sale_answers_with_the_request_as_it_is_kept(park: Park, tour: Sellable, channel: str) -> None:
    """What has just been written is not read once more: every field of it must be as if it were."""
    lines = [tour.line(2)]
    if channel == "POS":
        name = "CreateAtPos"
        said = {"receiptNo": " R-1", "posUnitNo": "U-1", "salespersonCode": "S", "holder": HOLDER, "lines": lines}
    else:
        name, said = "CreateInWebStore", {"externalOrderNo": "W-1 ", "holder": {"language": "da"}, "lines": lines}
    later = {} if channel == "POS" else {"holder": HOLDER, "paymentReference": " Pay-1"}
    query = f"query($token: String!) {{ {WHOLE.replace('ticketRequest', 'ticketRequest(by: {token: $token})', 1)} }}"
    token = None
    for name_, input_ in ((name, said), ("Confirm", later)):
        asked = {"input": input_ | ({"token": token} if token else {})}
        found = await park.gatehouse.data(change(name_, WHOLE), asked, role=channel)
        (payload,) = found.values()
        assert payload["refusals"] == []
        token = payload["ticketRequest"]["token"]
        kept = await park.gatehouse.data(query, {"token": token}, role=channel)
        assert payload["ticketRequest"] == kept["ticketRequest"]


TICKET = """id ticketNo externalTicketNo kind quantity price { amount currency } issuedAt validFrom validUntil printedAt
  printCount isBlocked blockedReason isRevoked"""


@pytest.mark.parametrize("page", ["", "(first: 2)", "(last: 2)", "(first: 0)", '(first: 2, after: "CURSOR")'])
async def test_a_confirm_answers_with_any_page_of_the_tickets_as_they_are_kept(
    park: Park, tour: Sellable, page: str
) -> None:
    item = await park.item("ENDLESS", [{"admissionCode": "TOUR"}])
    lines = [tour.line(2), {**tour.line(2), "itemNo": item}]
    before = await park.registered(tour.line())
    await park.change("Confirm", before)
    token = await park.registered(*lines)
    cursor = (await park.request(before, "tickets { edges { cursor } }"))["tickets"]["edges"][0]["cursor"]
    of_page = page.replace("CURSOR", cursor)
    tickets = (
        f"tickets{of_page} {{ nodes {{ {TICKET} }} totalCount pageInfo {{ startCursor hasPreviousPage hasNextPage }} }}"
    )
    payload = await park.change("Confirm", token, selection=f"ticketRequest {{ {tickets} }}")
    assert payload["ticketRequest"] == await park.request(token, tickets)
    assert len(payload["ticketRequest"]["tickets"]["nodes"]) == (4 if not page else 0 if "0" in page else 2)


async def test_tickets_without_an_end_come_last_by_its_end_each_on_a_page(park: Park, tour: Sellable) -> None:
    """No end is one moment, however many tickets a sale has."""
    item = await park.item("ENDLESS", [{"admissionCode": "TOUR"}])
    numbers = [number for n in (1, 2) for number in (await park.sold({**tour.line(n), "itemNo": item}))[1]]
    query = """query ($after: String) { issuedTickets(first: 1, after: $after, orderBy: VALID_UNTIL_ASC) {
      nodes { externalTicketNo validUntil } pageInfo { endCursor hasNextPage }
    } }"""
    met: list[dict[str, Any]] = []
    page: dict[str, Any] = {"pageInfo": {"endCursor": None, "hasNextPage": True}}
    while page["pageInfo"]["hasNextPage"]:
        page = (await park.gatehouse.data(query, {"after": page["pageInfo"]["endCursor"]}))["issuedTickets"]
        met += page["nodes"]
    assert met == [{"externalTicketNo": number, "validUntil": None} for number in numbers]


async def test_a_ticket_is_valid_from_its_day_of_issue_to_its_last_day(park: Park) -> None:
    tour = await park.sellable(timeZone="America/New_York", durationDays=2)
    token = await park.registered(tour.line())
    await park.change("Confirm", token)
    found = await park.request(
        token, "tickets { nodes { validFrom validUntil issuedAt accessEntries { slot { date } } } }"
    )
    ticket = found["tickets"]["nodes"][0]
    assert ticket["validFrom"][11:] in ("04:00:00Z", "05:00:00Z")
    assert ticket["validFrom"] <= ticket["issuedAt"]
    assert ticket["validUntil"][11:] in ("03:59:59Z", "04:59:59Z")
    async with park.gatehouse.database.reading() as read:
        last = str(await read.fetch("SELECT valid_until_date FROM issued_ticket"))[0][0]
    assert last > ticket["accessEntries"][0]["slot"]["date"]


@pytest.mark.parametrize(
    ("said", "paid"),
    [
        ({}, "UNPAID"),
        ({"paymentReference": "P"}, "PREPAID"),
        ({"externalOrderNo": "WEB-9"}, "PREPAID"),
        ({"paymentOption": "UNPAID", "paymentReference": "P"}, "UNPAID"),
        ({"paymentOption": "DIRECT"}, "DIRECT"),
        ({"paymentOption": "POSTPAID", "holder": {"customerNo": "C-1"}}, "POSTPAID"),
    ],
)
async def test_how_a_web_sale_is_paid(park: Park, tour: Sellable, said: dict[str, Any], paid: str) -> None:
    token = await park.registered(tour.line())
    assert codes(await park.change("Confirm", token, **said)) == []
    assert (await park.request(token, "paymentOption"))["paymentOption"] == paid


async def test_a_sale_confirmed_at_a_pos_is_paid_there(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(), externalOrderNo="WEB-1")
    receipt = {"receiptNo": "R-2", "posUnitNo": "U-2", "salespersonCode": "ANN"}
    assert codes(await park.change("Confirm", token, role="POS", **receipt)) == []
    fields = "paymentOption references { receiptNo posUnitNo salespersonCode externalOrderNo }"
    assert await park.request(token, fields) == {
        "paymentOption": "DIRECT",
        "references": [{**receipt, "externalOrderNo": "WEB-1"}],
    }


async def test_an_invoice_needs_a_customer(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    refused = await park.change("Confirm", token, paymentOption="POSTPAID")
    assert codes(refused) == ["UNKNOWN_CUSTOMER"]
    assert refused["ticketRequest"]["status"] == "REGISTERED"
    assert await park.slot(tour.slot) == {"held": 1, "sold": 0, "remaining": 9}
    assert await kinds(park, token) == ["CREATED"]


async def test_confirm_fills_blanks_and_what_the_sale_said_stays(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(), holder={"name": "Ada"})
    await park.change("Confirm", token, holder={"name": "Eve", "email": "a@b.example"})
    found = await park.request(token, "references { ticketHolderName email }")
    assert found["references"] == [{"ticketHolderName": "Ada", "email": "a@b.example"}]


async def test_an_order_number_said_at_confirm_must_be_free(park: Park, tour: Sellable) -> None:
    await park.registered(tour.line(), externalOrderNo="WEB-1")
    token = await park.registered(tour.line())
    assert codes(await park.change("Confirm", token, externalOrderNo="web-1")) == ["DUPLICATE_ORDER"]
    assert (await park.request(token, "status"))["status"] == "REGISTERED"
    assert codes(await park.change("Confirm", token, externalOrderNo="WEB-2")) == []
    other = await park.registered(tour.line(), externalOrderNo="WEB-3")
    assert codes(await park.change("Confirm", other, externalOrderNo="WEB-4")) == ["CONFLICT"]


async def test_a_receipt_and_its_unit_come_together(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    assert codes(await park.change("Confirm", token, receiptNo="R-1")) == ["INVALID_INPUT"]


@pytest.mark.parametrize(("state", "code"), [("CANCELED", "SLOT_CANCELED"), ("CLOSED", "SLOT_CLOSED")])
async def test_a_slot_that_closed_meanwhile_stops_confirm_extend_and_create(
    park: Park, tour: Sellable, state: str, code: str
) -> None:
    token = await park.registered(tour.line())
    async with park.gatehouse.database.writing() as write:
        await write.run_text(f"UPDATE time_slot SET state = '{state}'")
    for payload in (
        await park.change("Confirm", token),
        await park.change("Extend", token),
        await park.create(tour.line()),
    ):
        assert codes(payload) == [code]
    assert (await park.request(token, "status"))["status"] == "REGISTERED"


# ----------------------------------------------------------------------------------------------------- pay


async def test_an_unpaid_request_is_paid_once(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    early = await park.change("Pay", token, paymentOption="PREPAID", paymentReference="P-1")
    assert codes(early) == ["NOT_CONFIRMED"]
    await park.change("Confirm", token)
    for reference in ("P-1", "p-1 "):
        paid = await park.change("Pay", token, paymentOption="PREPAID", paymentReference=reference)
        assert codes(paid) == []
    assert codes(await park.change("Pay", token, paymentOption="PREPAID", paymentReference="P-2")) == ["ALREADY_PAID"]
    assert await park.request(token, "paymentOption paymentReference") == {
        "paymentOption": "PREPAID",
        "paymentReference": "P-1",
    }
    assert (await kinds(park, token)).count("PAID") == 1


async def test_paying_has_its_own_refusals(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    await park.change("Confirm", token)
    unpaid = await park.change("Pay", token, paymentOption="UNPAID", paymentReference=" ")
    assert sorted(codes(unpaid)) == ["INVALID_INPUT", "INVALID_INPUT"]
    assert codes(await park.change("Pay", token, paymentOption="POSTPAID", paymentReference="P")) == [
        "UNKNOWN_CUSTOMER"
    ]
    late = await park.registered(tour.line())
    gone = await park.registered(tour.line())
    await park.change("Cancel", gone)
    park.gatehouse.travel(timedelta(seconds=2000))
    assert codes(await park.change("Pay", late, paymentOption="DIRECT", paymentReference="P")) == ["HOLD_EXPIRED"]
    assert codes(await park.change("Pay", gone, paymentOption="DIRECT", paymentReference="P")) == ["ALREADY_CANCELED"]
    assert (await park.request(token, "paymentOption"))["paymentOption"] == "UNPAID"


async def test_a_picked_up_web_order_carries_the_receipt_it_was_paid_on(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    await park.change("Confirm", token, paymentOption="UNPAID")
    receipt = {"receiptNo": "R-5", "posUnitNo": "U-5"}
    await park.change("Pay", token, role="POS", paymentOption="DIRECT", paymentReference="CASH-5", **receipt)
    assert (await park.request(token, "references { receiptNo posUnitNo }"))["references"] == [receipt]


# -------------------------------------------------------------------------------------------------- holder


async def test_a_change_of_holder_leaves_what_is_absent_and_clears_what_is_null(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(), holder={"name": "Ada", "email": "ada@b.example", "phone": "1"})
    await park.change("HolderChange", token, holder={"email": None, "phone": "2"})
    found = await park.request(token, "references { ticketHolderName email phone }")
    assert found["references"] == [{"ticketHolderName": "Ada", "email": None, "phone": "2"}]
    await park.change("HolderChange", token, holder={"phone": "2"})
    assert await kinds(park, token) == ["CREATED", "HOLDER_CHANGED"]


async def test_the_timeline_holds_no_personal_data(park: Park, tour: Sellable) -> None:
    holder = {"name": "Marked Person", "email": "marked@b.example", "phone": "+4599887766"}
    token = await park.registered(tour.line(), holder=holder)
    await park.change("HolderChange", token, holder={"name": "Marked Other"})
    await park.change("Confirm", token)
    async with park.gatehouse.database.reading() as read:
        rows = [tuple(row) for row in await read.fetch("SELECT * FROM request_event")]
    assert "marked" not in str(rows).lower()
    assert "99887766" not in str(rows)


@pytest.mark.parametrize(
    "holder",
    [{"email": "x" * 321 + "@b"}, {"name": "n" * 321}, {"phone": "1" * 101}, {"language": "l" * 36}, {"email": "@b"}],
)
async def test_a_holder_out_of_bounds_is_refused(park: Park, tour: Sellable, holder: dict[str, str]) -> None:
    token = await park.registered(tour.line())
    assert codes(await park.change("HolderChange", token, holder=holder)) == ["INVALID_INPUT"]
    assert await kinds(park, token) == ["CREATED"]


async def test_confirming_again_must_say_the_same(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(), externalOrderNo="WEB-1")
    await park.change("Confirm", token)
    assert codes(await park.change("Confirm", token, externalOrderNo="web-1")) == []
    assert codes(await park.change("Confirm", token, externalOrderNo="WEB-2")) == ["CONFLICT"]
    both = await park.change("Confirm", token, externalOrderNo="WEB-2", paymentReference="P")
    assert codes(both) == ["CONFLICT", "CONFLICT"]


@pytest.mark.parametrize("kinds_", [("INDIVIDUAL", "GROUP"), ("GROUP", "INDIVIDUAL")])
async def test_a_later_change_of_the_ticket_type_does_not_reach_what_is_sold(
    park: Park, kinds_: tuple[str, str]
) -> None:
    before, after = kinds_
    tour = await park.sellable(kind=before)
    numbers = ["A"] if before == "GROUP" else ["A", "B", "C"]
    token = await park.registered(tour.line(3, externalTicketNos=numbers), tour.line(2))
    upsert = "mutation($i: TicketTypeUpsertInput!) { ticketTypeUpsert(input: $i) { refusals { code } } }"
    await park.gatehouse.data(upsert, {"i": {"code": "TOUR-TYPE", "kind": after}})
    assert codes(await park.change("Confirm", token)) == []
    nodes = (await park.request(token, "tickets { nodes { kind quantity } }"))["tickets"]["nodes"]
    assert {ticket["kind"] for ticket in nodes} == {before}
    assert sum(ticket["quantity"] for ticket in nodes) == 5
    assert len(nodes) == (2 if before == "GROUP" else 5)


async def test_a_total_beyond_all_measure_is_refused(park: Park, tour: Sellable) -> None:
    payload = await park.create(*[tour.line(1000, unitPrice="9999999999999")] * 100)
    assert "INVALID_INPUT" in codes(payload)
    assert payload["total"] is None
    assert await count(park, "ticket_request") == 0


async def test_what_a_sale_would_cost_is_told_only_if_its_lines_are_clear(park: Park, tour: Sellable) -> None:
    assert (await park.create(tour.line(11)))["total"] == {"amount": "137.50", "currency": "EUR"}
    for line in (tour.line(0), tour.line(1, unitPrice="-0.001"), {"itemNo": "NOPE", "quantity": 1}):
        assert (await park.create(line, tour.line(1)))["total"] is None


@pytest.mark.parametrize("text", ["a\nb", "a\x1bb", "a\u202eb", "\u200b", "a\x7f"])
async def test_control_characters_are_no_part_of_a_token(park: Park, tour: Sellable, text: str) -> None:
    assert codes(await park.create(tour.line(), token=text)) == ["INVALID_INPUT"]
    assert codes(await park.create(tour.line(externalTicketNos=[text]))) == ["INVALID_INPUT"]
    assert await count(park, "ticket_request") == 0


async def test_an_empty_slot_id_is_no_id(park: Park, tour: Sellable) -> None:
    line = {"itemNo": tour.item_no, "quantity": 1, "admissions": [{"admissionCode": "TOUR", "slotId": ""}]}
    body = await park.gatehouse.ask(ONE_LINE, {"l": line})
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await count(park, "ticket_request") == 0


@pytest.mark.parametrize("price", ["1_000", " 1", "\u0661\u0662", "1e3", "NaN", "", "+1", ".5", "1.", True, [1]])
async def test_what_is_no_decimal_is_no_price(park: Park, tour: Sellable, price: Any) -> None:
    body = await park.gatehouse.ask(ONE_LINE, {"l": tour.line(unitPrice=price)})
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("role", ["WEB_STORE", "POS"])
async def test_a_web_store_s_word_does_not_go_over_capacity(park: Park, tour: Sellable, role: str) -> None:
    friends = await park.item("FRIENDS", [{"admissionCode": "TOUR", "posMayExceedCapacity": True}])
    sale = {"receiptNo": "R", "posUnitNo": "U", "lines": [{**tour.line(11), "itemNo": friends}]}
    found = await park.gatehouse.data(CREATE_AT_POS, {"input": {**sale, "mayExceedCapacity": True}}, role=role)
    assert codes(found["ticketRequestCreateAtPos"]) == (["SOLD_OUT"] if role == "WEB_STORE" else [])


async def test_a_web_store_takes_no_cash(park: Park, tour: Sellable) -> None:
    sale = {"receiptNo": "R", "posUnitNo": "U", "lines": [tour.line()], "token": "T"}
    await park.gatehouse.data(CREATE_AT_POS, {"input": sale}, role="WEB_STORE")
    await park.change("Confirm", "T")
    assert (await park.request("T", "paymentOption"))["paymentOption"] == "UNPAID"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query($t: String) { ticketRequest(by: {token: $t}) { id } }", {}),
        ("query($t: String) { ticketRequest(by: {token: $t}) { id } }", {"t": None}),
        ("query($t: ID) { admission(by: {id: $t}) { id } }", {"t": None}),
        ('query($i: ID = "x") { node(id: $i) { id } }', {"i": None}),
        ("query($i: [ID!] = []) { nodes(ids: $i) { id } }", {"i": None}),
    ],
)
async def test_a_null_where_none_fits_is_the_caller_s_mistake(
    gatehouse: Gatehouse, query: str, variables: dict[str, Any]
) -> None:
    body = await gatehouse.ask(query, variables)
    assert body["errors"][0]["extensions"]["code"] in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")


# ------------------------------------------------------------------------------------------------ who may


async def test_a_web_store_changes_only_its_own_requests(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    for name, other in (
        ("Extend", {}),
        ("Confirm", {}),
        ("Cancel", {}),
        ("Pay", {"paymentOption": "PREPAID", "paymentReference": "P"}),
        ("HolderChange", {"holder": {"name": "Eve"}}),
    ):
        payload = await park.change(name, token, client="another shop", **other)
        assert codes(payload) == ["NOT_FOUND"]
        assert payload["ticketRequest"] is None
        assert codes(await park.change(name, "no such token", **other)) == ["NOT_FOUND"]
    assert await kinds(park, token) == ["CREATED"]


async def test_support_changes_any_request_but_creates_none(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line())
    assert codes(await park.change("Confirm", token, role="SUPPORT")) == []
    create = "mutation { ticketRequestCreateInWebStore(input: {lines: []}) { refusals { code } } }"
    for role in ("SUPPORT", "GATE"):
        body = await park.gatehouse.ask(create, role=role)
        assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# --------------------------------------------------------------------------------------------- at the same time


async def test_the_last_place_goes_to_one_of_two_buyers(park: Park) -> None:
    """Two stores ask for the last place at once: one holds it, the other is told that none is left."""
    tour = await park.sellable(capacity=1)
    for client in ("one", "two"):
        await park.gatehouse.key("WEB_STORE", client)
    payloads = await asyncio.gather(*(park.create(tour.line(), client=client) for client in ("one", "two")))
    assert sorted(codes(payload) for payload in payloads) == [[], ["SOLD_OUT"]]
    assert await park.slot(tour.slot) == {"held": 1, "sold": 0, "remaining": 0}


async def test_one_sale_sent_ten_times_at_once_is_one_sale(park: Park, tour: Sellable) -> None:
    await park.gatehouse.key("WEB_STORE")
    for key in ({"token": "T"}, {"externalOrderNo": "WEB-1"}):
        payloads = await asyncio.gather(*(park.create(tour.line(), **key) for _ in range(10)))
        assert len({payload["ticketRequest"]["id"] for payload in payloads}) == 1
    assert (await park.slot(tour.slot))["held"] == 2


async def test_one_confirm_sent_ten_times_at_once_issues_once(park: Park, tour: Sellable) -> None:
    token = await park.registered(tour.line(3))
    await asyncio.gather(*(park.change("Confirm", token) for _ in range(10)))
    assert await count(park, "issued_ticket") == 3
    assert (await park.slot(tour.slot))["sold"] == 3
