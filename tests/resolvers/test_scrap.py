"""What a scrap may be, and how close a value comes to it: as tables, and against the keys that are kept."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db.keys import key
from db.search_key import KEY_LENGTH, SearchKind, beyond, forms
from resolvers.find.scrap import FIELDS, Closeness, FindField, Scrap, closeness, lookups

SAME, ALIKE, MISREAD, BEGINNING, INSIDE = Closeness

CLOSENESS: list[tuple[FindField, str, str, Closeness | None]] = [
    (FindField.TOKEN, " abc-1 ", "ABC-1", SAME),
    (FindField.TOKEN, "abc-l", "ABC-1", MISREAD),
    (FindField.TOKEN, "abc", "ABC-1", None),
    (FindField.EXTERNAL_TICKET_NO, "O1l", "0IL", MISREAD),
    (FindField.EXTERNAL_ORDER_NO, "web-1-22", "WEB-1-22", SAME),
    (FindField.EXTERNAL_ORDER_NO, "WEB 1/22", "WEB-1-22", MISREAD),
    (FindField.EXTERNAL_ORDER_NO, "web-1", "WEB-1-22", BEGINNING),
    (FindField.EXTERNAL_ORDER_NO, "22", "WEB-1-22", INSIDE),
    (FindField.EXTERNAL_ORDER_NO, "124", "HT124", INSIDE),
    (FindField.EXTERNAL_ORDER_NO, "24", "HT124", None),
    (FindField.EXTERNAL_ORDER_NO, "eb", "WEB-1-22", None),
    (FindField.RECEIPT_NO, "17", "0017", ALIKE),
    (FindField.RECEIPT_NO, "000017", "0017", ALIKE),
    (FindField.RECEIPT_NO, "R-17", "R-0017", ALIKE),
    (FindField.RECEIPT_NO, "R-I7", "R-0017", MISREAD),
    (FindField.RECEIPT_NO, "17", "R-0017", INSIDE),
    (FindField.RECEIPT_NO, "7", "0017", None),
    (FindField.EMAIL, "ADA@example.org", "ada@Example.ORG", SAME),
    (FindField.EMAIL, "ada", "ada@example.org", BEGINNING),
    (FindField.EMAIL, "@example", "ada@example.org", INSIDE),
    (FindField.EMAIL, "xample", "ada@example.org", None),
    (FindField.EMAIL, "org", "ada@example.org", None),
    (FindField.EMAIL, "org", "org@example.net", BEGINNING),
    (FindField.PHONE, "+46 70-174", "004670174", BEGINNING),
    (FindField.PHONE, "4670174", "+46 (70) 174", ALIKE),
    (FindField.PHONE, "0174", "+46 (70) 174", BEGINNING),
    (FindField.PHONE, "070 174", "+46 (70) 174", INSIDE),
    (FindField.PHONE, "174", "+46 (70) 174", None),
    (FindField.PHONE, "\u0660\u0661\u0667\u0664", "+46 (70) 174", BEGINNING),
    (FindField.NAME, "zoe", "Zoë", ALIKE),
    (FindField.NAME, "GROSS", "Groß", SAME),
    (FindField.NAME, "anna-lise", "Anna Lise Berg", BEGINNING),
    (FindField.NAME, "berg", "Anna Lise Bérg", INSIDE),
    (FindField.NAME, "soren", "Søren", ALIKE),
    (FindField.NAME, "oconnor", "O'Connor", None),
    (FindField.NAME, "connor", "O'Connor", INSIDE),
    (FindField.NAME, "nna", "Anna", None),
]


@pytest.mark.parametrize(("field", "text", "value", "expected"), CLOSENESS)
def test_how_close(field: FindField, text: str, value: str, expected: Closeness | None) -> None:
    assert closeness(field, Scrap.of(text), value) is expected


def leads_to(kind: SearchKind, scrap: Scrap, value: str) -> bool:
    """Whether the look-ups would meet the value by its keys."""
    numbers, keys = lookups(kind, scrap, None)
    kept = forms(kind, value)
    by_number = any(lookup.key == key(value) for lookup in numbers)
    return by_number or any(
        form == lookup.key or (lookup.is_part and lookup.key < form < beyond(lookup.key))
        for lookup in keys
        for form in kept
    )


TEXTS = st.text(st.sampled_from("aAoO0iIlL19-_. @é\u0301ß\u200d\u05d0😀"), max_size=12)


@given(TEXTS, TEXTS, st.sampled_from(sorted(FIELDS)))
@example("İ", "i\u0307", SearchKind.REQUEST_NAME)
def test_whatever_is_close_is_led_to(text: str, value: str, kind: SearchKind) -> None:
    """No match is missed because its keys are made otherwise than it is compared."""
    scrap = Scrap.of(text)
    if scrap.key and value.strip() and closeness(FIELDS[kind], scrap, value) is not None:
        assert leads_to(kind, scrap, value)


@given(st.lists(TEXTS.filter(str.strip), min_size=1, max_size=4).map("-".join), st.data())
def test_a_name_is_found_from_every_word_on(value: str, data: st.DataObject) -> None:
    from_a_word = data.draw(st.sampled_from([value, *value.split("-")]))
    scrap = Scrap.of(from_a_word)
    if scrap.name:
        assert leads_to(SearchKind.REQUEST_NAME, scrap, value)


@given(st.text(min_size=1, max_size=5), st.text(max_size=5))
def test_what_begins_so_lies_below_what_is_beyond(prefix: str, rest: str) -> None:
    assert prefix + rest < beyond(prefix) or prefix.strip("\U0010ffff") == ""


def test_long_values_are_found_by_what_their_keys_have_of_them() -> None:
    long = "x" * (KEY_LENGTH + 10)
    assert forms(SearchKind.REQUEST_NAME, long) == {"x" * KEY_LENGTH}
    scrap = Scrap.of(long)
    assert leads_to(SearchKind.REQUEST_NAME, scrap, long)
    assert closeness(FindField.NAME, scrap, "x" * (KEY_LENGTH + 5)) is None
