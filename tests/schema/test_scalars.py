"""How values are written."""

from datetime import UTC, datetime

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schema.scalars import as_json, write_datetime


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_that_stands_in_an_answer_is_written_like_any_other(moment: datetime) -> None:
    assert as_json([moment]) == orjson.dumps([write_datetime(moment)])
