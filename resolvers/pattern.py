"""Patterns of the numbers on tickets and of authorization codes.

``[S]`` is the number of the series, ``[N*4]`` four digits, ``[A*4]`` four letters, ``[X*4]`` four of both (``[N]`` is
one digit); everything else stands as it is. Letters, and digits beside letters, leave out what is mixed up at a
counter: O and 0, I, L and 1. Letters are capitals: numbers are compared case ignored.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

DIGITS = "0123456789"
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"
ALPHABETS = {"N": DIGITS, "A": LETTERS, "X": LETTERS + "23456789"}

PATTERNS_KEPT = 1_000
"""So many patterns are kept as they were understood: every sale asks for some, and always for the same."""

TICKET_NUMBER_LENGTH = 50
"""The most characters of an external ticket number: what a bar code on a ticket still shows."""

SERIES_LENGTH = 19
"""The most digits that a series number may come to have: those of a row id."""

TICKET_NUMBER_RANDOM = 8
"""Without a series number, this many random characters keep ticket numbers apart."""

AUTHORIZATION_CODE_LENGTH = 10
AUTHORIZATION_CODE_RANDOM = 4
"""With fewer, five guesses an hour would find a code."""

_PLACEHOLDER = re.compile(r"\[(?:(?P<series>S)|(?P<alphabet>[NAX])(?:\*(?P<count>[1-9][0-9]?))?)\]")


@dataclass(frozen=True, slots=True)
class Series:
    """The place of the series number."""


@dataclass(frozen=True, slots=True)
class Random:
    """So many characters, each drawn from the alphabet."""

    alphabet: str
    count: int


Part = str | Series | Random

Draw = Callable[[str, int], str]


def drawn(alphabet: str, count: int) -> str:
    """So many characters of the alphabet, any as likely as another; nobody can foresee which.

    One number is drawn for all of them: to ask the system for each is most of what it takes to make a code.
    """
    number, characters = secrets.randbelow(len(alphabet) ** count), []
    for _ in range(count):
        number, place = divmod(number, len(alphabet))
        characters.append(alphabet[place])
    return "".join(characters)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as it was understood: its parts from left to right."""

    parts: tuple[Part, ...]

    @classmethod
    @lru_cache(maxsize=PATTERNS_KEPT)
    def parse(cls, text: str) -> "Pattern":
        """The pattern of that text, trimmed. Raises ValueError with a sentence that says what is wrong with it."""
        parts: list[Part] = []
        position = 0
        text = text.strip()
        for found in _PLACEHOLDER.finditer(text):
            parts += _verbatim(text[position : found.start()])
            parts.append(_placeholder(found))
            position = found.end()
        parts += _verbatim(text[position:])
        if not parts:
            raise ValueError("A pattern may not be empty.")
        return cls(tuple(parts))

    @classmethod
    def of_ticket_numbers(cls, text: str) -> "Pattern":
        """The pattern, if external ticket numbers may be made by it: short enough to print, and never used up.

        Two patterns may still make the same number: whoever takes a number makes another one if it is taken.
        """
        pattern = cls.parse(text)
        if pattern.series_count > 1:
            raise ValueError("A pattern has [S] at most once.")
        if not pattern.series_count and pattern.random_count < TICKET_NUMBER_RANDOM:
            raise ValueError(
                "Ticket numbers must stay unique: a pattern needs [S], or "
                f"{TICKET_NUMBER_RANDOM} random characters; this has {pattern.random_count}."
            )
        if pattern.length > TICKET_NUMBER_LENGTH:
            raise ValueError(
                f"A ticket number has at most {TICKET_NUMBER_LENGTH} characters, {SERIES_LENGTH} of them for [S]; "
                f"this makes {pattern.length}."
            )
        return pattern

    @classmethod
    def of_authorization_codes(cls, text: str) -> "Pattern":
        """The pattern, if authorization codes may be made by it: short enough for the phone, and not to be guessed."""
        pattern = cls.parse(text)
        if pattern.series_count:
            raise ValueError("An authorization code must not be guessed: [S] has no place in its pattern.")
        if pattern.random_count < AUTHORIZATION_CODE_RANDOM:
            raise ValueError(
                f"An authorization code must not be guessed: its pattern needs {AUTHORIZATION_CODE_RANDOM} random "
                f"characters; this has {pattern.random_count}."
            )
        if pattern.length > AUTHORIZATION_CODE_LENGTH:
            raise ValueError(
                f"An authorization code has at most {AUTHORIZATION_CODE_LENGTH} characters; "
                f"this makes {pattern.length}."
            )
        return pattern

    @property
    def series_count(self) -> int:
        """How often the series number stands in it."""
        return sum(isinstance(part, Series) for part in self.parts)

    @property
    def random_count(self) -> int:
        """How many characters are drawn."""
        return sum(part.count for part in self.parts if isinstance(part, Random))

    @property
    def length(self) -> int:
        """The most characters that it makes."""
        verbatim = sum(len(part) for part in self.parts if isinstance(part, str))
        return verbatim + self.random_count + self.series_count * SERIES_LENGTH

    def make(self, series: int | str = "", draw: Draw = drawn) -> str:
        """A number or code by this pattern."""
        return "".join([_made(part, series, draw) for part in self.parts])


def _made(part: Part, series: int | str, draw: Draw) -> str:
    if isinstance(part, Random):
        return draw(part.alphabet, part.count)
    return str(series) if isinstance(part, Series) else part


def _placeholder(found: re.Match[str]) -> Part:
    return Series() if found["series"] else Random(ALPHABETS[found["alphabet"]], int(found["count"] or 1))


def _verbatim(text: str) -> list[Part]:
    """The text between two placeholders, if there is any."""
    if "[" in text or "]" in text:
        raise ValueError("In a pattern, brackets stand only in [S], [N*4], [A*4] and [X*4], with a count from 1 to 99.")
    if not text.isprintable():
        raise ValueError("A pattern has printable characters only.")
    return [text] if text else []
