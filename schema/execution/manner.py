"""How a request is asked: what its headers say, put as what is to be done about them.

Clients ask with the same headers again and again. What they say once, they say the next time, too: it can be
remembered. Whether the key is still valid is not part of it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from .sse import EVENT_STREAM

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"

Headers = tuple[tuple[bytes, bytes], ...]
"""As they came."""

Heads = Mapping[bytes, bytes]
"""Headers by their names in small letters."""


class Manner(NamedTuple):
    """What is to be known of a request before its body is read."""

    key: str
    """Who asks: the key that is shown; empty if there is none."""

    is_foreign: bool
    """Whether a page of another site asks, and none of the origins that may."""

    is_answerable: bool
    """Whether it takes any of the media types that we speak."""

    media_type: str
    """Of an answer by itself. What is at fault is told by a status, which an event stream that has begun cannot."""

    likes_events: bool
    """Whether it would rather have its answer, if there is one, as a stream of events."""

    takes_events: bool
    """Whether it takes many answers, one by one."""

    fault: tuple[int, str] | None
    """By which status its body is refused unread, and why."""

    length: int
    """How many bytes its body has, as it says; 0 if it does not say."""

    waits_for_a_word: bool
    """Whether the client sends its body only when told to: it is none the worse for an answer instead."""


def manner(headers: Headers, origins: Collection[bytes]) -> Manner:
    """What these headers say, to a server that pages of those origins may ask, beside its own."""
    named = first_of(headers)
    liked, takes_events = _liked(named.get(b"accept"))
    length = named.get(b"content-length", b"")
    return Manner(
        key=bearer(named.get(b"authorization", b"").decode("latin-1")),
        is_foreign=is_foreign(named, origins),
        is_answerable=liked is not None,
        media_type=RESPONSE_JSON if liked == EVENT_STREAM else liked or JSON,
        likes_events=liked == EVENT_STREAM,
        takes_events=takes_events,
        fault=_fault(named),
        length=int(length) if length.isdigit() and len(length) < 20 else 0,
        waits_for_a_word=named.get(b"expect", b"").lower() == b"100-continue",
    )


def first_of(headers: Iterable[tuple[bytes, bytes]]) -> Heads:
    """The headers of a request by their names; of those that come twice, the first."""
    return dict(reversed([*headers]))


def bearer(header: str) -> str:
    """The key in an Authorization header; empty if there is none."""
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def is_foreign(headers: Heads, origins: Collection[bytes]) -> bool:
    """Whether a page of another site asks, and none of those origins. Programs say nothing of either."""
    origin = headers.get(b"origin")
    if origin in origins:
        return False
    site = headers.get(b"sec-fetch-site")
    return site in (b"cross-site", b"same-site") if site else origin is not None and not _is_own(origin, headers)


def _is_own(origin: bytes, headers: Heads) -> bool:
    try:
        return urlsplit(origin.decode("latin-1")).netloc.encode("latin-1") == headers.get(b"host")
    except ValueError:
        return False


def _liked(accept: bytes | None) -> tuple[str | None, bool]:
    """The media type to answer in, of those that we speak the one that the header likes best, then names first; and
    whether a stream of events is among those that it takes."""
    if accept is None:
        return JSON, False
    best, liked, takes_events = None, 0.0, False
    for item in accept.decode("latin-1").split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        if media_type not in (RESPONSE_JSON, JSON, EVENT_STREAM, "application/*", "*/*"):
            continue
        quality = _quality(parameters)
        takes_events = takes_events or (media_type == EVENT_STREAM and quality > 0)
        if quality > liked:
            best, liked = media_type if media_type in (RESPONSE_JSON, EVENT_STREAM) else JSON, quality
    return best, takes_events


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _fault(headers: Heads) -> tuple[int, str] | None:
    """Why a body of that form cannot be read."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return 415, "Send the request as it is, without Content-Encoding."
    media_type, *parameters = (
        part.strip().lower() for part in headers.get(b"content-type", b"").decode("latin-1").split(";")
    )
    if media_type != JSON:
        return 415, f"Send the request as {JSON}."
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            return 415, "Send the request in UTF-8."
    return None
