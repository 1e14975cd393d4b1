"""Ticket types and items as staff change them: what is left out stays, contents are replaced whole."""

import asyncio
from typing import Any

import pytest

import db
from db.engine import Write
from db.ticket_item import TicketItemRow
from tests.harness import Gatehouse
from tests.kept import kept

TYPE = """
mutation Upsert($input: TicketTypeUpsertInput!) {
  ticketTypeUpsert(input: $input) {
    refusals { code message path }
    ticketType { id code description kind externalTicketPattern }
  }
}
"""
ITEM = """
mutation Upsert($input: TicketItemUpsertInput!) {
  ticketItemUpsert(input: $input) {
    refusals { code message path admission { code } limit actual }
    item {
      id itemNo variantCode barcodes description isBlocked unitPrice { amount currency } ticketType { code }
      contents {
        id admission { code } isDefault inclusion quantity activation entryValidation maxEntries durationDays
        reschedulePolicy rescheduleCutOffHours revokePolicy refundPercent rescanWithinSeconds capacityPercent
        posMayExceedCapacity dependencies { kind other { code } minutes }
      }
    }
  }
}
"""
SET_UP = "mutation SetUp($input: TicketSetUpInput!) { ticketSetUp(input: $input) { refusals { message } } }"
CASTLE, TOWER, CELLAR = ({"admissionCode": code} for code in ("CASTLE", "TOWER", "CELLAR"))
NEW = {"itemNo": "1000", "description": "Castle", "ticketTypeCode": "ADULT", "unitPrice": "10", "contents": [CASTLE]}


@pytest.fixture
async def gatehouse(gatehouse: Gatehouse) -> Gatehouse:
    """With the admissions CASTLE, TOWER and CELLAR and the type ADULT."""
    for code in ("CASTLE", "TOWER", "CELLAR"):
        wish = {
            "ticketTypeCode": "ADULT",
            "itemNo": f"{code} only",
            "description": code,
            "unitPrice": "1",
            "admissionCode": code,
            "startDate": "2020-01-01",
            "schedules": [{"startTime": "09:00", "stopTime": "17:00", "capacity": 10, "prebookDays": 0}],
        }
        assert (await gatehouse.data(SET_UP, {"input": wish}))["ticketSetUp"]["refusals"] == []
    return gatehouse


async def upsert_type(gatehouse: Gatehouse, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await gatehouse.data(TYPE, {"input": given}))["ticketTypeUpsert"]
    return payload


async def upsert(gatehouse: Gatehouse, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await gatehouse.data(ITEM, {"input": given}))["ticketItemUpsert"]
    return payload


async def item(gatehouse: Gatehouse, **given: Any) -> dict[str, Any]:
    payload = await upsert(gatehouse, **given)
    assert payload["refusals"] == []
    found: dict[str, Any] = payload["item"]
    return found


def told(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(refusal["code"], ".".join(refusal["path"])) for refusal in payload["refusals"]]


# ------------------------------------------------------------------------------------------------- ticket types


async def test_a_new_type_has_defaults(gatehouse: Gatehouse) -> None:
    payload = await upsert_type(gatehouse, code=" Child ")
    assert payload["refusals"] == []
    assert payload["ticketType"].pop("id")
    assert payload["ticketType"] == {
        "code": "Child",
        "description": "Child",
        "kind": "INDIVIDUAL",
        "externalTicketPattern": "[S]-[X*6]",
    }


async def test_what_is_left_out_of_a_type_stays(gatehouse: Gatehouse) -> None:
    first = (await upsert_type(gatehouse, code="G", description="Groups", kind="GROUP"))["ticketType"]
    second = (await upsert_type(gatehouse, code="g", externalTicketPattern="G[N*8]"))["ticketType"]
    assert second == first | {"externalTicketPattern": "G[N*8]"}
    before = await kept(gatehouse)
    assert (await upsert_type(gatehouse, code="G"))["ticketType"] == second
    assert (await upsert_type(gatehouse, code="G", kind="GROUP", description=" Groups "))["ticketType"] == second
    assert await kept(gatehouse) == before


NO_TYPE: list[tuple[dict[str, Any], str]] = [
    ({"code": " "}, "code"),
    ({"code": "x" * 101}, "code"),
    ({"description": ""}, "description"),
    ({"description": None}, "description"),
    ({"description": "x" * 321}, "description"),
    ({"kind": None}, "kind"),
    ({"externalTicketPattern": None}, "externalTicketPattern"),
    ({"externalTicketPattern": "[N*7]"}, "externalTicketPattern"),
]


async def test_nonsense_about_a_type_is_refused(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for code in ("ADULT", "NEW"):
        for changes, path in NO_TYPE:
            payload = await upsert_type(gatehouse, **{"code": code} | changes)
            assert told(payload) == [("INVALID_INPUT", path)], changes
            assert (payload["ticketType"] is not None) == (code == "ADULT" and path != "code")
    assert await kept(gatehouse) == before


async def test_many_at_once_make_one_type(gatehouse: Gatehouse) -> None:
    payloads = await asyncio.gather(*(upsert_type(gatehouse, code="NEW", kind="GROUP") for _ in range(8)))
    assert all(payload == payloads[0] and payload["ticketType"]["kind"] == "GROUP" for payload in payloads)


# -------------------------------------------------------------------------------------------------------- items


async def test_a_new_item_has_defaults(gatehouse: Gatehouse) -> None:
    found = await item(gatehouse, **NEW)
    assert found.pop("id")
    assert found["contents"][0].pop("id")
    assert found == {
        "itemNo": "1000",
        "variantCode": None,
        "barcodes": [],
        "description": "Castle",
        "isBlocked": False,
        "unitPrice": {"amount": "10.00", "currency": "EUR"},
        "ticketType": {"code": "ADULT"},
        "contents": [
            {
                "admission": {"code": "CASTLE"},
                "isDefault": True,
                "inclusion": "REQUIRED",
                "quantity": 1,
                "activation": "SCAN",
                "entryValidation": "SINGLE",
                "maxEntries": None,
                "durationDays": None,
                "reschedulePolicy": "NOT_ALLOWED",
                "rescheduleCutOffHours": None,
                "revokePolicy": "UNUSED",
                "refundPercent": "100",
                "rescanWithinSeconds": None,
                "capacityPercent": "100",
                "posMayExceedCapacity": False,
                "dependencies": [],
            }
        ],
    }


async def test_everything_about_an_item_may_be_said(gatehouse: Gatehouse) -> None:
    line = {
        "admissionCode": "castle",
        "isDefault": True,
        "inclusion": "SELECTED",
        "quantity": 4,
        "activation": "ALWAYS",
        "entryValidation": "MULTIPLE",
        "maxEntries": 5,
        "durationDays": 7,
        "reschedulePolicy": "CUT_OFF_HOURS",
        "rescheduleCutOffHours": "1.25",
        "revokePolicy": "NEVER",
        "refundPercent": "12.34",
        "rescanWithinSeconds": 60,
        "capacityPercent": "50",
        "posMayExceedCapacity": True,
        "dependencies": [
            {"kind": "WITHIN_MINUTES", "otherAdmissionCode": "TOWER", "minutes": 90},
            {"kind": "EXCLUDES", "otherAdmissionCode": "cellar"},
        ],
    }
    given = NEW | {"contents": [TOWER, line], "barcodes": ["4711", "0815"], "currency": "DKK", "isBlocked": True}
    found = await item(gatehouse, **given, variantCode="VIP")
    assert (found["variantCode"], found["isBlocked"], found["barcodes"]) == ("VIP", True, ["0815", "4711"])
    assert found["unitPrice"] == {"amount": "10.00", "currency": "DKK"}
    tower, castle = found["contents"]
    assert (tower["admission"]["code"], tower["isDefault"]) == ("TOWER", False)
    assert castle.pop("id")
    assert castle.pop("dependencies") == [
        {"kind": "EXCLUDES", "other": {"code": "CELLAR"}, "minutes": None},
        {"kind": "WITHIN_MINUTES", "other": {"code": "TOWER"}, "minutes": 90},
    ]
    for name in ("rescheduleCutOffHours", "refundPercent", "capacityPercent"):
        assert float(castle.pop(name)) == float(line[name])  # type: ignore[arg-type]
    assert castle.pop("admission") == {"code": "CASTLE"}
    assert castle == {name: line[name] for name in castle}


async def test_a_variant_is_an_item_of_its_own(gatehouse: Gatehouse) -> None:
    plain = await item(gatehouse, **NEW)
    child = await item(gatehouse, **NEW | {"variantCode": "child", "unitPrice": "5"})
    assert child["id"] != plain["id"]
    assert (await item(gatehouse, itemNo="1000", variantCode="CHILD"))["unitPrice"]["amount"] == "5.00"
    assert (await item(gatehouse, itemNo="1000", variantCode=None))["unitPrice"]["amount"] == "10.00"
    assert (await item(gatehouse, itemNo="1000", variantCode=" "))["id"] == plain["id"]


async def test_what_is_left_out_of_an_item_stays(gatehouse: Gatehouse) -> None:
    expected = await item(gatehouse, **NEW, barcodes=["1", "2"])
    changes: list[dict[str, Any]] = [
        {"description": "Palace"},
        {"isBlocked": True},
        {"barcodes": ["9"]},
        {"barcodes": []},
    ]
    for given in changes:
        expected |= given
        assert await item(gatehouse, itemNo="1000", **given) == expected
    expected |= {"unitPrice": {"amount": "11.00", "currency": "EUR"}}
    assert await item(gatehouse, itemNo="1000", unitPrice="11") == expected


async def test_nothing_given_changes_nothing(gatehouse: Gatehouse) -> None:
    first = await item(gatehouse, **NEW, barcodes=["1", "A2"])
    before = await kept(gatehouse)
    assert await item(gatehouse, itemNo="1000") == first
    assert await item(gatehouse, **NEW, barcodes=["a2", "1 ", "1"]) == first
    assert await kept(gatehouse) == before


async def test_null_clears_the_bar_codes(gatehouse: Gatehouse) -> None:
    await item(gatehouse, **NEW, barcodes=["1", "2"])
    assert (await item(gatehouse, itemNo="1000", barcodes=None))["barcodes"] == []
    assert (await item(gatehouse, **NEW | {"itemNo": "2000"}, barcodes=["1"]))["barcodes"] == ["1"]


async def test_a_currency_without_a_price_keeps_the_amount(gatehouse: Gatehouse) -> None:
    """157.00 EUR is 157 yen, not 15 700; and back."""
    await item(gatehouse, **NEW | {"unitPrice": "157"})
    changed = await item(gatehouse, itemNo="1000", currency="JPY")
    assert changed["unitPrice"] == {"amount": "157", "currency": "JPY"}
    changed = await item(gatehouse, itemNo="1000", unitPrice="99.5")
    assert changed["unitPrice"] == {"amount": "100", "currency": "JPY"}
    changed = await item(gatehouse, itemNo="1000", currency="EUR")
    assert changed["unitPrice"] == {"amount": "100.00", "currency": "EUR"}


# ----------------------------------------------------------------------------------------------------- contents


async def test_contents_are_replaced_whole_and_the_old_lines_are_kept(gatehouse: Gatehouse) -> None:
    """What was sold points at the lines it was sold under."""
    first = await item(gatehouse, **NEW | {"contents": [CASTLE | {"isDefault": True}, TOWER]})
    second = await item(gatehouse, itemNo="1000", contents=[TOWER | {"quantity": 2}])
    assert [line["admission"]["code"] for line in second["contents"]] == ["TOWER"]
    assert not {line["id"] for line in first["contents"]} & {line["id"] for line in second["contents"]}
    retired = (
        """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on TicketItemAdmission { admission { code } quantity } } }"""
    )
    found = await gatehouse.data(retired, {"ids": [line["id"] for line in first["contents"]]})
    assert found["nodes"] == [
        {"admission": {"code": "CASTLE"}, "quantity": 1},
        {"admission": {"code": "TOWER"}, "quantity": 1},
    ]


async def test_the_same_contents_change_nothing(gatehouse: Gatehouse) -> None:
    dependencies = [
        {"kind": "VISITED_BEFORE", "otherAdmissionCode": "CASTLE"},
        {"kind": "WITHIN_MINUTES", "otherAdmissionCode": "CASTLE", "minutes": 5},
    ]
    castle, tower = CASTLE | {"isDefault": True}, TOWER | {"dependencies": dependencies}
    first = await item(gatehouse, **NEW | {"contents": [castle, tower]})
    before = await kept(gatehouse)
    assert await item(gatehouse, itemNo="1000", contents=[castle | {"maxEntries": None}, tower]) == first
    turned = tower | {"dependencies": dependencies[::-1]}
    assert await item(gatehouse, itemNo="1000", contents=[castle, turned]) == first
    assert await kept(gatehouse) == before
    changed = await item(gatehouse, itemNo="1000", contents=[castle, tower | {"dependencies": dependencies[:1]}])
    assert len(changed["contents"][1]["dependencies"]) == 1


async def test_a_single_line_is_the_default_whatever_it_says(gatehouse: Gatehouse) -> None:
    found = await item(gatehouse, **NEW | {"contents": [CASTLE | {"isDefault": False}]})
    assert found["contents"][0]["isDefault"] is True


NO_CONTENTS: list[tuple[list[dict[str, Any]], list[tuple[str, str]]]] = [
    ([], [("INVALID_INPUT", "contents")]),
    ([CASTLE, TOWER], [("INVALID_INPUT", "contents")]),
    ([CASTLE | {"isDefault": True}, TOWER | {"isDefault": True}], [("INVALID_INPUT", "contents")]),
    ([CASTLE | {"inclusion": "SELECTED"}], [("INVALID_INPUT", "contents")]),
    (
        [CASTLE | {"isDefault": True}, {"admissionCode": " castle "}],
        [("AMBIGUOUS_LINE", "contents.1.admissionCode")],
    ),
    ([{"admissionCode": "MOAT"}], [("UNKNOWN_ADMISSION", "contents.0.admissionCode")]),
    ([{"admissionCode": ""}], [("INVALID_INPUT", "contents.0.admissionCode")]),
    ([CASTLE | {"quantity": 0}], [("INVALID_INPUT", "contents.0.quantity")]),
    ([CASTLE | {"quantity": 1001}], [("INVALID_INPUT", "contents.0.quantity")]),
    ([CASTLE | {"maxEntries": 2}], [("INVALID_INPUT", "contents.0.maxEntries")]),
    ([CASTLE | {"durationDays": 0}], [("INVALID_INPUT", "contents.0.durationDays")]),
    ([CASTLE | {"rescheduleCutOffHours": "1"}], [("INVALID_INPUT", "contents.0.rescheduleCutOffHours")]),
    ([CASTLE | {"reschedulePolicy": "CUT_OFF_HOURS"}], [("INVALID_INPUT", "contents.0.rescheduleCutOffHours")]),
    ([CASTLE | {"refundPercent": "100.001"}], [("INVALID_INPUT", "contents.0.refundPercent")]),
    ([CASTLE | {"capacityPercent": "-1"}], [("INVALID_INPUT", "contents.0.capacityPercent")]),
    ([CASTLE | {"capacityPercent": "101"}], [("INVALID_INPUT", "contents.0.capacityPercent")]),
    ([CASTLE | {"rescanWithinSeconds": -1}], [("INVALID_INPUT", "contents.0.rescanWithinSeconds")]),
    ([CASTLE | {"rescanWithinSeconds": 86401}], [("INVALID_INPUT", "contents.0.rescanWithinSeconds")]),
    ([CASTLE | {"ticketCalendarCode": "HOLIDAYS"}], [("NOT_FOUND", "contents.0.ticketCalendarCode")]),
    ([CASTLE] * 51, [("INVALID_INPUT", "contents")]),
]


@pytest.mark.parametrize("is_new", [True, False])
async def test_contents_that_contradict_themselves_are_refused(gatehouse: Gatehouse, is_new: bool) -> None:
    first = None if is_new else await item(gatehouse, **NEW)
    before = await kept(gatehouse)
    for contents, refusals in NO_CONTENTS:
        payload = await upsert(gatehouse, **NEW | {"contents": contents})
        assert told(payload) == refusals
        assert payload["item"] == first
    assert await kept(gatehouse) == before


NO_DEPENDENCY: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "EXCLUDES", "otherAdmissionCode": "MOAT"}, "UNKNOWN_ADMISSION", "otherAdmissionCode"),
    ({"kind": "EXCLUDES", "otherAdmissionCode": "castle"}, "INVALID_INPUT", "otherAdmissionCode"),
    ({"kind": "EXCLUDES", "otherAdmissionCode": "TOWER", "minutes": 5}, "INVALID_INPUT", "minutes"),
    ({"kind": "WITHIN_MINUTES", "otherAdmissionCode": "TOWER"}, "INVALID_INPUT", "minutes"),
    ({"kind": "WITHIN_MINUTES", "otherAdmissionCode": "TOWER", "minutes": 0}, "INVALID_INPUT", "minutes"),
    ({"kind": "WITHIN_MINUTES", "otherAdmissionCode": "TOWER", "minutes": 525_601}, "INVALID_INPUT", "minutes"),
]


async def test_a_dependency_that_makes_no_sense_is_refused(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for dependency, code, path in NO_DEPENDENCY:
        payload = await upsert(gatehouse, **NEW | {"contents": [CASTLE | {"dependencies": [dependency]}]})
        assert told(payload) == [(code, f"contents.0.dependencies.0.{path}")]
    assert await kept(gatehouse) == before


async def test_two_dependencies_of_one_kind_on_one_admission_are_refused(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    twice = [{"kind": "WITHIN_MINUTES", "otherAdmissionCode": "TOWER", "minutes": n} for n in (1, 2)]
    payload = await upsert(gatehouse, **NEW | {"contents": [CASTLE | {"dependencies": twice}]})
    assert told(payload) == [("INVALID_INPUT", "contents.0.dependencies")]
    many = [{"kind": "EXCLUDES", "otherAdmissionCode": "TOWER"}] * 51
    payload = await upsert(gatehouse, **NEW | {"contents": [CASTLE | {"dependencies": many}]})
    assert set(told(payload)) == {("INVALID_INPUT", "contents.0.dependencies")}
    assert await kept(gatehouse) == before


# ------------------------------------------------------------------------------------------------------ refused


async def test_a_new_item_needs_what_every_item_has(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    payload = await upsert(gatehouse, itemNo="2000")
    assert told(payload) == [
        ("INVALID_INPUT", "description"),
        ("INVALID_INPUT", "ticketTypeCode"),
        ("INVALID_INPUT", "unitPrice"),
        ("INVALID_INPUT", "contents"),
    ]
    assert payload["item"] is None
    assert await kept(gatehouse) == before


NO_ITEM: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"itemNo": ""}, ("INVALID_INPUT", "itemNo")),
    ({"itemNo": "x" * 101}, ("INVALID_INPUT", "itemNo")),
    ({"variantCode": "x" * 101}, ("INVALID_INPUT", "variantCode")),
    ({"description": " "}, ("INVALID_INPUT", "description")),
    ({"description": None}, ("INVALID_INPUT", "description")),
    ({"description": "x" * 321}, ("INVALID_INPUT", "description")),
    ({"ticketTypeCode": "NONE"}, ("NOT_FOUND", "ticketTypeCode")),
    ({"ticketTypeCode": None}, ("INVALID_INPUT", "ticketTypeCode")),
    ({"unitPrice": "-1"}, ("INVALID_INPUT", "unitPrice")),
    ({"unitPrice": "100000000000000000"}, ("INVALID_INPUT", "unitPrice")),
    ({"unitPrice": None}, ("INVALID_INPUT", "unitPrice")),
    ({"currency": "QQQ"}, ("INVALID_INPUT", "currency")),
    ({"currency": None}, ("INVALID_INPUT", "currency")),
    ({"isBlocked": None}, ("INVALID_INPUT", "isBlocked")),
    ({"contents": None}, ("INVALID_INPUT", "contents")),
    ({"barcodes": ["1", ""]}, ("INVALID_INPUT", "barcodes.1")),
    ({"barcodes": ["x" * 101]}, ("INVALID_INPUT", "barcodes.0")),
    ({"barcodes": [f"{n}" for n in range(101)]}, ("INVALID_INPUT", "barcodes")),
]


@pytest.mark.parametrize("is_new", [True, False])
async def test_nonsense_about_an_item_is_refused(gatehouse: Gatehouse, is_new: bool) -> None:
    first = None if is_new else await item(gatehouse, **NEW)
    before = await kept(gatehouse)
    for changes, refusal in NO_ITEM:
        payload = await upsert(gatehouse, **NEW | changes)
        assert told(payload) == [refusal], changes
        assert refusal[1] in ("itemNo", "variantCode") or payload["item"] == first
    assert await kept(gatehouse) == before


async def test_everything_wrong_is_told_at_once(gatehouse: Gatehouse) -> None:
    await item(gatehouse, **NEW, barcodes=["4711"])
    before = await kept(gatehouse)
    payload = await upsert(
        gatehouse,
        itemNo="2000",
        description="",
        ticketTypeCode="NONE",
        unitPrice="-1",
        currency="QQQ",
        barcodes=["1", "4711"],
        contents=[CASTLE | {"quantity": 0}, {"admissionCode": "MOAT"}, CASTLE],
    )
    assert told(payload) == [
        ("INVALID_INPUT", "description"),
        ("NOT_FOUND", "ticketTypeCode"),
        ("INVALID_INPUT", "currency"),
        ("INVALID_INPUT", "unitPrice"),
        ("CONFLICT", "barcodes.1"),
        ("INVALID_INPUT", "contents"),
        ("INVALID_INPUT", "contents.0.quantity"),
        ("UNKNOWN_ADMISSION", "contents.1.admissionCode"),
        ("AMBIGUOUS_LINE", "contents.2.admissionCode"),
    ]
    assert payload["refusals"][-1]["admission"] == {"code": "CASTLE"}
    assert await kept(gatehouse) == before


async def test_a_bar_code_belongs_to_one_item(gatehouse: Gatehouse) -> None:
    await item(gatehouse, **NEW, barcodes=["ab1"])
    other = await item(gatehouse, **NEW | {"itemNo": "2000"}, barcodes=["2"])
    before = await kept(gatehouse)
    payload = await upsert(gatehouse, itemNo="2000", barcodes=["3", "AB1"])
    assert told(payload) == [("CONFLICT", "barcodes.1")]
    assert payload["item"] == other
    payload = await upsert(gatehouse, **NEW | {"variantCode": "VIP"}, barcodes=["AB1"])
    assert told(payload) == [("CONFLICT", "barcodes.0")]
    assert await kept(gatehouse) == before


# -------------------------------------------------------------------------------------------------- many at once


async def test_many_at_once_make_one_item(gatehouse: Gatehouse) -> None:
    given = NEW | {"barcodes": ["1", "2"], "contents": [CASTLE | {"isDefault": True}, TOWER]}
    found = await asyncio.gather(*(item(gatehouse, **given) for _ in range(8)))
    assert all(one == found[0] for one in found)
    assert len(found[0]["contents"]) == 2


async def test_an_item_that_another_makes_meanwhile_keeps_its_bar_codes(
    gatehouse: Gatehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for the item and for its bar codes, somebody else makes it, bar codes and all."""
    if gatehouse.database.dialect == "sqlite":
        pytest.skip("one writes at a time")
    given, look = NEW | {"barcodes": ["1", "2"]}, db.ticket_item.lock

    async def look_too_early(write: Write, item_key: str, variant_key: str) -> TicketItemRow | None:
        found = await look(write, item_key, variant_key)
        monkeypatch.undo()
        if found is None:
            await item(gatehouse, **given)
        return found

    monkeypatch.setattr(db.ticket_item, "lock", look_too_early)
    found = await item(gatehouse, **given)
    assert found["barcodes"] == ["1", "2"]
    assert [row[1] for row in (await kept(gatehouse))["ticket_item"]].count("1000") == 1


async def test_many_changes_at_once_leave_the_contents_of_one_of_them(gatehouse: Gatehouse) -> None:
    await item(gatehouse, **NEW)
    wanted = [[TOWER], [CELLAR], [TOWER | {"isDefault": True}, CELLAR]]
    await asyncio.gather(*(item(gatehouse, itemNo="1000", contents=wanted[n % 3]) for n in range(9)))
    found = await item(gatehouse, itemNo="1000")
    codes = [line["admission"]["code"] for line in found["contents"]]
    assert codes in (["TOWER"], ["CELLAR"], ["TOWER", "CELLAR"])


async def test_of_many_items_one_gets_the_bar_code(gatehouse: Gatehouse) -> None:
    """The others are refused whole."""
    payloads = await asyncio.gather(
        *(upsert(gatehouse, **NEW | {"itemNo": f"{n}"}, barcodes=["4711", f"X{n}", "0815"]) for n in range(6))
    )
    assert sorted(len(payload["refusals"]) > 0 for payload in payloads) == [False] + 5 * [True]
    assert {code for payload in payloads for code, _ in told(payload)} == {"CONFLICT"}
    assert sum(payload["item"] is not None for payload in payloads) == 1
    assert len((await kept(gatehouse))["item_barcode"]) == 3


async def test_only_an_admin_changes_what_is_sold(gatehouse: Gatehouse) -> None:
    before = await kept(gatehouse)
    for role in ("SUPPORT", "POS", "WEB_STORE", "GATE"):
        for query, given in ((TYPE, {"code": "NEW"}), (ITEM, NEW)):
            body = await gatehouse.ask(query, {"input": given}, role=role)
            assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert await kept(gatehouse) == before
