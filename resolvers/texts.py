"""Texts as callers give them: trimmed, bounded, and never mistaken for one another."""

import unicodedata

from db.keys import key

from .refusals import RefusalCode, Refusals

NUMBER_LENGTH = 100
"""Tokens, codes and numbers of every kind: more than any printer or scanner handles, less than an index refuses."""

NAME_LENGTH = 320
"""Names, descriptions, e-mails (whose own longest is 320) and references."""

REASON_LENGTH = 1000

JOINERS = "\u200c\u200d"
"""Characters without a shape of their own that some scripts cannot be written without."""


def text(found: Refusals, given: str | None, *path: str | int, at_most: int = NUMBER_LENGTH) -> str | None:
    """The text trimmed; None if there is none or it is blank. Too long a text is noted as INVALID_INPUT.

    Its key counts as well: a single character may be folded into eighteen, and no index takes them by the hundred.
    """
    if given is None:
        return None
    trimmed = given.strip()
    called = next((step for step in reversed(path) if isinstance(step, str)), "text")
    if not _is_printable(trimmed, at_most):
        found.add(RefusalCode.INVALID_INPUT, f"{called} may not contain control characters.", *path)
        return None
    length = max(len(trimmed), len(key(trimmed)))
    if length > at_most:
        message = f"{called} has at most {at_most} characters; this has {length}."
        found.add(RefusalCode.INVALID_INPUT, message, *path, limit=at_most, actual=length)
        return None
    return trimmed or None


def required(found: Refusals, given: str, *path: str | int, at_most: int = NUMBER_LENGTH) -> str:
    """The text trimmed; a blank one is noted as INVALID_INPUT."""
    trimmed = text(found, given, *path, at_most=at_most)
    if trimmed is None and not given.strip():
        called = next((step for step in reversed(path) if isinstance(step, str)), "text")
        found.add(RefusalCode.INVALID_INPUT, f"{called} may not be blank.", *path)
    return trimmed or ""


def _is_printable(text: str, at_most: int) -> bool:
    """Nothing that a screen or a printer would act on; in a reason, whose author may end a line, all but that."""
    allowed = "\n\r\t" if at_most >= REASON_LENGTH else ""
    return (text.isascii() and text.isprintable()) or all(
        c in allowed or unicodedata.category(c) not in ("Cc", "Cf") or c in JOINERS for c in text
    )
