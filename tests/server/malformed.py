"""Requests as nobody means them: what a started server must answer all the same.

Bodies that are no JSON or JSON of any shape, texts of every script and none, numbers beyond every bound, headers that
say what cannot be, ids and cursors that were never told, requests that break off or come in pieces. Nothing of it
changes anything.
"""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

import orjson
from hypothesis import strategies as st

MARK = "5a17c0de"
"""Stands where a request may differ from all that look like it: in a comment, a name, a value, a header."""

QUERIES = (
    "query A { viewer { role client } }",
    "query A($id: ID!) { node(id: $id) { __typename id } }",
    "query A($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
    "query A($token: String!) { ticketRequest(by: {token: $token}) { id token status } }",
    "query A($by: IssuedTicketBy!) { issuedTicket(by: $by) { id externalTicketNo } }",
    "query A($n: Int, $c: String) { customers(first: $n, after: $c) { nodes { id } pageInfo { endCursor } } }",
    "query A($n: Int, $c: String) { ticketRequests(last: $n, before: $c) { edges { cursor } } }",
    "query A($c: String) { requestEvents(first: 2, after: $c) { nodes { kind } } }",
    "query A($text: String!, $n: Int) { find(text: $text, first: $n) { textCount: __typename } }",
    "query A($scanned: String!, $at: DateTime) { explainAdmission(scanned: $scanned, at: $at) { __typename } }",
    "query A($date: Date) { roleCenter(date: $date) { __typename } }",
    "query A($where: TicketRequestWhere) { ticketRequests(first: 2, where: $where) { totalCount } }",
    "mutation A { ticketAdmit(input: {}) { refusals { code } } }",
    "subscription A { nothing }",
    "query A { __schema { types { name fields { name } } } }",
)
ODD_TEXTS = (
    "",
    MARK,
    "\0",
    "\u202e\u05ea\u05e4\u05d5\u05e1\u202c",
    "\ud7ff\ue000\uffff",
    "\U0001f3ab" * 40,
    "e\u0301" * 100,
    "' OR 1=1 --",
    "%s%n{}${x}",
    "x" * 5_000,
    "9" * 400,
    "1e999",
    "NaN",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-02-30",
    "\r\nX-Injected: 1",
)
ODD_JSON = (
    b"NaN",
    b"[Infinity, -Infinity]",
    b"-",
    b"1" * 5_000,
    b"1e400",
    b"-0",
    b"18446744073709551616",
    b'"\\ud800"',
    b'"\\udfff\\ud800"',
    b'"\\u0000"',
    b'"\xff\xfe"',
    b'"\xed\xa0\x80"',
    b'\xef\xbb\xbf{"query": "{ viewer { role } }"}',
    '{"query": "{ viewer { role } }"}'.encode("utf-16"),
    b"[" * 20_000,
    b'{"query":' * 3_000,
    b'{"query": "{ viewer { role } }", "variables": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"query": "{ viewer { role } }", "query": 1}',
    b'{"query": 1, "query": "{ viewer { role } }"}',
    b'[{"query": "{ viewer { role } }"}, {"query": "{ viewer { role } }"}]',
    b'{"query": "' + b"{a" * 2_000 + b'"}',
    b'{"query": "{ a(b: ' + b"[" * 2_000 + b')"}',
    b'{"query": "{ a(b: ' + b"9" * 5_000 + b') }"}',
    b'{"query": "query ($a: ' + b"[" * 2_000 + b') { a }"}',
    b'{"query": "{ a ' + b"@skip(if: true) " * 200 + b'}"}',
    b'{"query": "{ ...F } fragment F on Query { ...F }"}',
    b'{"query": "{ node(id: \\"\\u0000\\") { id } }"}',
    b'{"query": "{ node(id: \\"\\\\uD800\\") { id } }"}',
    b'{"query": "{ node(id: \\"\\\\u{110000}\\") { id } }"}',
    b'{"query": "\\"\\"\\" not closed"}',
)
TOKENS = (*'{}()[]:!$@&|#\\"\ufeff', "...", "query", "viewer", "a", '"""', "1", "-1.5")
TYPES = ("application/json", "application/graphql-response+json", "text/event-stream", "*/*", "text/html", "")
HEADERS = (
    ("Accept", "application/json;q=" + "9" * 400),
    ("Accept", "application/json;q=nan, */*;q=-1"),
    ("Accept", ",;,=;q"),
    ("Accept", "*/*," * 1_000),
    ("Accept", f"x/{MARK}, */*"),
    ("Content-Type", "application/json; charset=utf-\xff"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Type", f"application/json; x={MARK}"),
    ("Content-Encoding", "gzip"),
    ("Authorization", ""),
    ("Authorization", "Bearer"),
    ("Authorization", "Basic \xff\xfe"),
    ("Authorization", f"Bearer gh_{MARK}0000_{MARK}"),
    ("Authorization", "Bearer gh__"),
    ("Authorization", "Bearer " + "x" * 5_000),
    ("Origin", "null"),
    ("Origin", "http://[::1"),
    ("Origin", "https://\xe9vil.example"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Host", "elsewhere.example"),
    ("Host", "[::1"),
    ("Host", ""),
    ("Cookie", "a=b; " * 200),
    ("X-Forwarded-For", "\xff" * 100),
    ("Expect", "100-continue"),
    ("Range", "bytes=0-0"),
    ("If-None-Match", "*"),
    ("Upgrade", "websocket"),
    ("Upgrade", "h2c"),
    ("Last-Event-ID", MARK),
)
TARGETS = (
    "/graphql",
    "/graphql/",
    "/graphql?query={viewer{role}}",
    "/readyz",
    "/export/tickets.csv",
    "/nothing",
    "/%00",
    "/..%2f",
)
METHODS = ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "PROPFIND", "TRACE")
PARAMETERS = (
    "query",
    "variables",
    "operationName",
    "extensions",
    "x",
    "orderBy",
    "isBlocked",
    "issuedAt.from",
    "email",
)


@dataclass(frozen=True)
class Request:
    """What is sent, and whether an answer to it is owed: to what is HTTP, and has come to its end."""

    sent: bytes
    is_owed_an_answer: bool = True

    def marked(self, number: int) -> "Request":
        """The same with a mark of its own."""
        return Request(self.sent.replace(MARK.encode(), b"%08x" % number), self.is_owed_an_answer)


texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=30)
ids = st.one_of(
    texts,
    st.binary(max_size=20).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.tuples(st.sampled_from(("TicketRequest", "IssuedTicket", "TimeSlot", "Nothing")), st.integers()).map(
        lambda named: base64.b64encode(f"{named[0]}:{named[1]}".encode()).decode()
    ),
)
scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | ids
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)
names = ("id", "ids", "token", "by", "n", "c", "text", "scanned", "at", "date", "where")
likely = dict.fromkeys(("id", "token", "c", "text", "scanned"), ids) | {"n": st.integers(0, 3), "at": st.none()}
variables = st.fixed_dictionaries(likely) | st.dictionaries(st.sampled_from(names), values, max_size=len(names))
documents = st.lists(st.sampled_from(TOKENS), max_size=20).map(" ".join) | texts


def _seldom(draw: st.DrawFn) -> bool:
    """One time in five."""
    return draw(st.integers(0, 4)) == 4


@st.composite
def _asked(draw: st.DrawFn) -> bytes:
    """A question: with any value in some of its places, or only in its variables."""
    asked: dict[str, Any] = {"variables": draw(variables)}
    asked["query"] = draw(
        documents if _seldom(draw) else st.sampled_from(QUERIES).map(lambda query: query.replace(" A", f" A{MARK}", 1))
    )
    if _seldom(draw):
        name = draw(st.sampled_from(("query", "variables", "operationName", "extensions", MARK)))
        asked[name] = draw(values)
    return orjson.dumps(asked)


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    body = draw(st.sampled_from(ODD_JSON) | st.binary(max_size=60) if _seldom(draw) else _asked())
    if _seldom(draw):
        at = draw(st.integers(0, len(body)))
        return body[:at] + (draw(st.binary(min_size=1, max_size=3)) + body[at:] if draw(st.booleans()) else b"")
    return body


@st.composite
def requests(draw: st.DrawFn, host: str, key: str) -> Request:
    """One request to a server of that host, mostly in the name of that key."""
    method, target, body = "POST", "/graphql", draw(_bodies())
    if _seldom(draw):
        method, target = draw(st.sampled_from(METHODS)), draw(st.sampled_from(TARGETS))
        pairs = draw(
            st.lists(st.tuples(st.sampled_from(PARAMETERS), st.just(body) | st.binary(max_size=20)), max_size=3)
        )
        target += ("&" if "?" in target else "?") + "&".join(
            f"{name}={quote_from_bytes(text[:4000])}" for name, text in pairs
        )
        body = b"" if draw(st.booleans()) else body
    headers = {"Host": host, "Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    if _seldom(draw):
        headers["Accept"] = draw(st.sampled_from(TYPES))
    headers |= dict(draw(st.lists(st.sampled_from(HEADERS), max_size=2) if _seldom(draw) else st.just([])))
    return _put(draw, f"{method} {target} HTTP/1.1", headers, body)


def _put(draw: st.DrawFn, line: str, headers: dict[str, str], body: bytes) -> Request:
    """The request as it goes over the wire: whole, in chunks, or wrong in how it tells where it ends."""
    head = "\r\n".join((line, *(f"{name}: {value}" for name, value in headers.items()))).encode("latin-1")
    length = b"\r\nContent-Length: %d\r\n\r\n"
    match draw(st.integers(0, 12)):
        case 0 | 1:
            size = draw(st.integers(1, 500))
            chunks = [body[at : at + size] for at in range(0, len(body), size)]
            pieces = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
            return Request(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n")
        case 2:
            return Request(head + length % (len(body) + draw(st.integers(1, 10**6))) + body, is_owed_an_answer=False)
        case 3:
            wrong = draw(st.sampled_from((b"-1", b"1e3", b"0x10", b"9" * 30, b"", b"5, 5")))
            return Request(head + b"\r\nContent-Length: " + wrong + b"\r\n\r\n" + body, is_owed_an_answer=False)
        case 4:
            chunked = b"\r\nTransfer-Encoding: chunked\r\n\r\n"
            return Request(head + chunked + draw(st.binary(max_size=30)), is_owed_an_answer=False)
        case 5:
            return Request(draw(st.binary(min_size=1, max_size=100)) + head + length % len(body) + body, False)
    return Request(head + length % len(body) + body)
