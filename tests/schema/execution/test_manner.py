"""What the headers of a request say, before anything of it is read."""

from typing import Any

import pytest

from schema.execution.manner import Manner, manner

PLAIN = Manner(
    key="",
    is_foreign=False,
    is_answerable=True,
    media_type="application/json",
    likes_events=False,
    takes_events=False,
    fault=None,
    length=0,
    waits_for_a_word=False,
)
JSON = ("content-type", "application/json")
EVENTS = {"media_type": "application/graphql-response+json", "likes_events": True, "takes_events": True}
SAID = [
    ([], {"fault": (415, "Send the request as application/json.")}),
    ([JSON], {}),
    ([JSON, ("authorization", "bearer  gh_a_b ")], {"key": "gh_a_b"}),
    ([JSON, ("authorization", "Basic gh_a_b")], {}),
    ([JSON, ("authorization", "Bearer first"), ("authorization", "Bearer second")], {"key": "first"}),
    ([JSON, ("content-length", "12")], {"length": 12}),
    ([JSON, ("content-length", "1" * 19)], {"length": int("1" * 19)}),
    ([JSON, ("content-length", "1" * 20)], {}),
    ([JSON, ("content-length", "-1")], {}),
    ([JSON, ("expect", "100-Continue")], {"waits_for_a_word": True}),
    ([JSON, ("accept", "text/event-stream")], EVENTS),
    ([JSON, ("accept", "text/event-stream;q=0.5, application/json")], {"takes_events": True}),
    ([JSON, ("accept", "text/event-stream;q=0, */*")], {}),
    ([JSON, ("accept", "image/png")], {"is_answerable": False}),
    ([JSON, ("origin", "https://shop.example")], {}),
    ([JSON, ("origin", "https://evil.example")], {"is_foreign": True}),
    ([JSON, ("origin", "https://here"), ("host", "here")], {}),
]


@pytest.mark.parametrize(("headers", "said"), SAID)
def test_headers_say_how_a_request_is_asked(headers: list[tuple[str, str]], said: dict[str, Any]) -> None:
    told = tuple((name.encode(), value.encode()) for name, value in headers)
    assert manner(told, {b"https://shop.example"}) == PLAIN._replace(**said)
