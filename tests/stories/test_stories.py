"""Stories: what support asks, what it is answered, and what that takes of the database.

A story is a folder: ``story.json`` says who asks and with which variables, ``query.graphql`` what (a story named like a
GraphiQL tab asks the tab's own question, or that of the ``tab`` that it names), ``answer.json`` is the answer on either
database, and ``statements.sql`` what PostgreSQL was asked for it: sorted, because those of one level run at once. A
statement more, or one per row, shows as a diff. ``tests/checked_in.py`` tells how to write them anew.
"""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.checked_in import same_as
from tests.harness import Gatehouse
from tests.stories import broken, stock

HERE = Path(__file__).parent
TABS = HERE.parents[1] / "web" / "graphiql" / "tabs"
STORIES = sorted(path.parent for path in HERE.glob("*/story.json"))
BROKEN = sorted(path.parent for path in HERE.glob("broken/*/story.json"))
"""Stories of broken situations, each with what the guest says; ``broken.py`` lets them come about."""


def question(story: Path, tab_name: str | None = None) -> str:
    tab = TABS / f"{tab_name or story.name}.graphql"
    return (tab if tab.exists() else story / "query.graphql").read_text(encoding="utf-8")


def as_text(statements: list[str]) -> str:
    return "".join(sorted(re.sub(r"[ \t]+\n", "\n", statement.strip()) + ";\n\n" for statement in statements))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_the_story_is_told_as_before(gatehouse: Gatehouse, story: Path) -> None:
    await stock.fill(gatehouse)
    await tell(gatehouse, story)


@pytest.mark.parametrize("story", BROKEN, ids=lambda story: story.name)
async def test_a_broken_situation_is_answered_as_before(gatehouse: Gatehouse, story: Path) -> None:
    await broken.happen(gatehouse, story.name)
    await tell(gatehouse, story)


async def tell(gatehouse: Gatehouse, story: Path) -> None:
    told: dict[str, Any] = orjson.loads((story / "story.json").read_bytes())
    asked = question(story, told.get("tab"))
    answer = await gatehouse.ask(asked, told.get("variables"), role=told["role"])
    statements = list(gatehouse.statements)
    assert "errors" not in answer, answer["errors"]
    same_as(story / "answer.json", orjson.dumps(answer["data"], option=orjson.OPT_INDENT_2).decode() + "\n")
    if gatehouse.database.dialect == "postgresql":
        same_as(story / "statements.sql", as_text(statements))
    else:
        told_before = (story / "statements.sql").read_text(encoding="utf-8")
        assert len(statements) == told_before.count(";\n")


def test_every_broken_situation_has_its_story() -> None:
    assert {story.name for story in BROKEN} == broken.SITUATIONS.keys()


def test_every_tab_has_its_story() -> None:
    """But for those that go on: subscriptions have tests of their own."""
    tabs = [path for path in TABS.glob("*.graphql") if "\nsubscription " not in path.read_text(encoding="utf-8")]
    assert {path.stem for path in tabs} <= {story.name for story in STORIES}
