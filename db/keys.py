"""Look-up keys: how tokens, codes, numbers and e-mails are made comparable.

Source: domain.md, "Things": they are trimmed, NFKC-normalised and compared case ignored, for
look-up and for uniqueness. The key is made here, in Python, and stored in an indexed ``*_key``
column, so that SQLite and PostgreSQL agree to the letter.
"""

import unicodedata
from typing import overload


@overload
def key(text: str) -> str: ...
@overload
def key(text: None) -> None: ...
def key(text: str | None) -> str | None:
    """The form of a text under which it is looked up and must be unique; None stays None.

    Idempotent: ``key(key(text)) == key(text)``.
    """
    if text is None:
        return None
    if text.isascii():
        return text.strip().casefold()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def phone_key(text: str | None) -> str | None:
    """A phone number's digits alone: blanks, brackets and a leading plus are how people write it, not what it is."""
    if text is None:
        return None
    return "".join(str(unicodedata.decimal(c)) for c in unicodedata.normalize("NFKC", text) if c.isdecimal())
