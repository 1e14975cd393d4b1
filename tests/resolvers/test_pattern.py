"""Patterns of ticket numbers and authorization codes."""

import re
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.pattern import ALPHABETS, AUTHORIZATION_CODE_LENGTH, SERIES_LENGTH, TICKET_NUMBER_LENGTH, Draw, Pattern

verbatim = st.text(st.characters(exclude_characters="[]", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
random_part = st.tuples(st.sampled_from("NAX"), st.integers(1, 12))


@st.composite
def patterns(draw: st.DrawFn) -> tuple[str, str]:
    """A pattern, and the expression that everything made by it matches; the series number is 4711."""
    text, expression = "", ""
    for part in draw(st.lists(st.one_of(st.just("[S]"), verbatim, random_part), min_size=1, max_size=6)):
        if isinstance(part, tuple):
            alphabet, count = part
            text += f"[{alphabet}*{count}]"
            expression += f"[{ALPHABETS[alphabet]}]{{{count}}}"
        else:
            text += part
            expression += "4711" if part == "[S]" else re.escape(part)
    return text, expression


@given(patterns())
def test_what_a_pattern_makes_looks_like_it(pattern: tuple[str, str]) -> None:
    text, expression = pattern
    assert re.fullmatch(expression, Pattern.parse(text).make(4711))


@given(patterns())
def test_a_pattern_makes_at_most_its_length(pattern: tuple[str, str]) -> None:
    parsed = Pattern.parse(pattern[0])
    assert len(parsed.make(9_223_372_036_854_775_807)) == parsed.length


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_is_refused_with_a_sentence(text: str) -> None:
    try:
        made = Pattern.parse(text).make("7")
    except ValueError as error:
        made = str(error)
        assert made.endswith(".")
    assert made.strip()


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("[S]-[X*6]", "17-ABCDEF"),
        ("[N*4]-[N*4]", "0123-4567"),
        ("T[A*3][N]", "TABC0"),
        ("  [S]  ", "17"),
        ("Schloß [S] Ü", "Schloß 17 Ü"),
        ("[N*10][N*2]", "012345678901"),
    ],
)
def test_parts_are_made_from_left_to_right(text: str, made: str) -> None:
    draws = {alphabet: cycle(alphabet) for alphabet in ALPHABETS.values()}
    assert Pattern.parse(text).make(17, lambda alphabet, count: "".join(islice(draws[alphabet], count))) == made


def test_any_character_is_drawn_for_any_place() -> None:
    """2 000 draws miss one of 31 characters in one of these places once in 10^26 times."""
    pattern = Pattern.parse("[X*3][X]")
    places = zip(*(pattern.make() for _ in range(2_000)), strict=True)
    assert [set(place) for place in places] == [set(ALPHABETS["X"])] * 4


def test_nothing_that_is_mixed_up_at_a_counter_is_drawn() -> None:
    """O and 0, I, L and 1 look alike; among digits alone there is nothing to mix them up with."""
    assert not set("OIL") & set(ALPHABETS["A"])
    assert not set("OIL01") & set(ALPHABETS["X"])
    assert ALPHABETS["N"] == "0123456789"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "[", "]", "[]", "[Q]", "[s]", "[S*2]", "[N*0]", "[N*]", "[N*-1]", "[N*100]", "[N*٣]", "[N *4]",
     "[[S]]", "[S", "S]", "a\nb", "a\tb", "a\u200bb"],
)  # fmt: skip
def test_other_texts_are_no_patterns(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Pattern.parse(text)


@pytest.mark.parametrize("text", ["[S]", "[S]-[X*6]", "[X*8]", "[N*4]-[A*4]", "[N*50]", f"{'x' * 31}[S]"])
def test_ticket_numbers_by_these_patterns_stay_unique_and_short(text: str) -> None:
    pattern = Pattern.of_ticket_numbers(text)
    assert len(pattern.make("9" * SERIES_LENGTH)) <= TICKET_NUMBER_LENGTH


@pytest.mark.parametrize("text", ["TICKET", "[X*7]", "[N*4]-[N*3]", "[N*51]", f"{'x' * 32}[S]", "[S][S]", "[Q]"])
def test_ticket_numbers_by_these_would_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Pattern.of_ticket_numbers(text)


@pytest.mark.parametrize("text", ["[N*4]-[N*4]", "[X*10]", "[A*4]", "C-[N*8]"])
def test_authorization_codes_fit_on_the_phone(text: str) -> None:
    assert len(Pattern.of_authorization_codes(text).make()) <= AUTHORIZATION_CODE_LENGTH


@pytest.mark.parametrize("text", ["[S]-[N*4]", "[N*11]", "[N*5]-[N*5]", "[N*3]", "CODE", "[Q]"])
def test_authorization_codes_are_not_foreseen_and_not_long(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        Pattern.of_authorization_codes(text)


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_two_numbers_of_a_series_never_make_the_same_ticket_number(one: int, other: int) -> None:
    """However the random characters fall: their number is fixed, so the series number can be read off the result."""
    pattern = Pattern.of_ticket_numbers("[N*2][S][N*3]")
    ends: list[Draw] = [lambda alphabet, count: alphabet[0] * count, lambda alphabet, count: alphabet[-1] * count]
    made = [{pattern.make(number, draw) for draw in ends} for number in (one, other)]
    assert one == other or made[0].isdisjoint(made[1])
