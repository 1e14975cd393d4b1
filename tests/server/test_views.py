"""Who looked at personal data is written down before the server ends."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests import program

QUERY = "{ ticketRequests(first: 5, where: {hasCustomer: true}) { nodes { references { email } } } }"


def test_what_was_seen_last_is_recorded_when_the_server_stops(tmp_path: Path) -> None:
    for arguments in (("migrate",), ("demo", "--requests", "50")):
        assert program.run(*arguments, folder=tmp_path).returncode == 0
    with program.serving("serve", folder=tmp_path) as served:
        headers = {"Authorization": f"Bearer {served.keys['SUPPORT']}"}
        answer = httpx.post(f"{served.url}/graphql", json={"query": QUERY}, headers=headers).json()
    seen = sum(any(line["email"] for line in node["references"]) for node in answer["data"]["ticketRequests"]["nodes"])
    assert seen > 0
    with closing(sqlite3.connect(tmp_path / "gatehouse.sqlite3")) as kept:
        recorded = kept.execute("SELECT count(*), count(DISTINCT actor) FROM request_event WHERE kind = 'VIEWED'")
        assert recorded.fetchone() == (seen, 1)
    assert "views" not in served.log
