"""Changes that are asked for at once are made in one transaction; and nobody is the worse for it."""

import asyncio
import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import ref

import pytest

from db.client import Role
from db.driver import LOCKED_OUT
from db.engine import Database, statements
from resolvers import group_commit
from resolvers.actor import Actor
from resolvers.context import Context, Rules
from resolvers.group_commit import (
    CHANGES_AT_ONCE,
    WEIGHT_AT_ONCE,
    GroupCommit,
    GroupCommits,
    Ungrouped,
)

SHOP = Actor(1, "shop", Role.WEB_STORE)


class Counting:
    """A kind of changes: each is told how many were made before it. It can be held before its commit, and at it."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.kept: list[str] = []
        self.before = asyncio.Event()
        self.at_commit = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.is_decided = asyncio.Event()
        self.before.set()
        self.at_commit.set()
        self.fails: Exception | None = None
        self.fails_at_commit: Exception | None = None

    async def __call__(self, asked: Sequence["Change"], decided: Callable[[], None]) -> Sequence[int | None]:
        names = [one.name for one in asked]
        self.asked.append(names)
        context, *beside = (one.context for one in asked)
        async with context.writing(*beside) as write:
            await write.run_text("SELECT 1")
            self.has_begun.set()
            await self.before.wait()
            if self.fails is not None:
                raise self.fails
            answers = [None if name == "alone" else len(self.kept) + place for place, name in enumerate(names)]
            decided()
            self.is_decided.set()
            await self.at_commit.wait()
            if self.fails_at_commit is not None:
                raise self.fails_at_commit
        self.kept += names
        return answers


class Change:
    def __init__(self, context: Context, name: str) -> None:
        self.context, self.name = context, name


class Shop:
    """Changes that are asked for, each by an operation of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.counting = Counting()
        self.commits: GroupCommit[Change, int | None] = GroupCommits().of(self.counting)

    async def ask(self, name: str, **told: Any) -> int | None:
        context = Context(self.database, SHOP, Rules())
        try:
            return await self.commits.answer(context, Change(context, name), **told)
        finally:
            await context.close()

    def busy(self) -> AbstractContextManager[None]:
        """With somebody under way, so that who comes is in a group."""
        return self.commits.alone()

    async def ask_at_once(self, *names: str, **told: Any) -> list[int | None]:
        """Behind somebody else."""
        with self.busy():
            return list(await asyncio.gather(*(self.ask(name, **told) for name in names)))


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


async def test_who_comes_while_nobody_is_under_way_is_made_alone(shop: Shop) -> None:
    for name in "ab":
        assert await shop.ask(name) is None
        with shop.busy():
            pass
    assert shop.counting.asked == []


async def test_those_at_once_are_made_in_one_transaction(shop: Shop) -> None:
    """In their order, and each counts the statement that it shares."""
    counted: list[list[str]] = [[], [], []]

    async def ask(place: int) -> int | None:
        statements.set(counted[place])
        return await shop.ask("abc"[place])

    with shop.busy():
        assert await asyncio.gather(*map(ask, range(3))) == [0, 1, 2]
    assert shop.counting.asked == [["a", "b", "c"]]
    assert counted == [["SELECT 1"]] * 3


async def test_one_of_them_may_be_sent_to_go_alone(shop: Shop) -> None:
    assert await shop.ask_at_once("a", "alone", "b") == [0, None, 2]


@pytest.mark.parametrize("cause", [Ungrouped("b"), ValueError("broken")])
async def test_what_goes_wrong_before_the_commit_parts_them(shop: Shop, cause: Exception) -> None:
    shop.counting.fails = cause
    assert await shop.ask_at_once("a", "b") == [None, None]
    assert shop.counting.kept == []


async def test_a_database_that_is_out_of_reach_is_asked_once_for_all(shop: Shop) -> None:
    shop.counting.fails = OSError("gone")
    with shop.busy():
        found = await asyncio.gather(shop.ask("a"), shop.ask("b"), return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError]
    assert shop.counting.asked == [["a", "b"]]


async def test_what_the_commit_comes_to_it_comes_to_for_all(shop: Shop) -> None:
    """Whether it was made or not, nobody knows: it is not made again."""
    shop.counting.fails_at_commit = ValueError("lost")
    with shop.busy():
        found = await asyncio.gather(shop.ask("a"), shop.ask("b"), return_exceptions=True)
    assert [repr(one) for one in found] == ["ValueError('lost')"] * 2


async def test_who_leaves_has_nothing_made_and_the_others_go_alone(shop: Shop) -> None:
    shop.counting.before.clear()
    with shop.busy():
        leaving, staying = (asyncio.create_task(shop.ask(name)) for name in "ab")
        await shop.counting.has_begun.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert shop.database.connections_in_use == 0
        assert await staying is None
    assert shop.counting.kept == []


async def test_who_leaves_before_they_have_set_out_does_not_strand_the_others(shop: Shop) -> None:
    with shop.busy():
        leaving, staying = (asyncio.create_task(shop.ask(name)) for name in "ab")
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        async with asyncio.timeout(5):
            assert await staying == 0
    assert shop.counting.kept == ["b"]


async def test_when_all_leave_nothing_is_made(shop: Shop) -> None:
    with shop.busy():
        leaving = [asyncio.create_task(shop.ask(name)) for name in "ab"]
        await asyncio.sleep(0)
        for one in leaving:
            one.cancel()
        await asyncio.wait(leaving)
        assert await shop.ask("c") is None
    assert shop.counting.asked == []


async def test_an_operation_that_is_over_changes_nothing(shop: Shop) -> None:
    """Its caller was told that it was stopped."""
    over = Context(shop.database, SHOP, Rules())
    await over.close()
    with shop.busy():
        staying = asyncio.create_task(shop.ask("a"))
        await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await shop.commits.answer(over, Change(over, "b"))
        assert await staying == 0
    assert shop.counting.kept == ["a"]


async def test_at_the_commit_it_is_too_late_to_leave(shop: Shop) -> None:
    """It is waited for, as any commit is; the others have their answers."""
    shop.counting.at_commit.clear()
    with shop.busy():
        leaving, staying = (asyncio.create_task(shop.ask(name)) for name in "ab")
        await shop.counting.is_decided.wait()
        leaving.cancel()
        await asyncio.sleep(0.01)
        assert not leaving.done()
        shop.counting.at_commit.set()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await staying == 1
    assert shop.counting.kept == ["a", "b"]


async def test_two_of_one_name_do_not_go_together(shop: Shop) -> None:
    """The second would wait for the first, and is asked for alone."""
    assert sorted(map(str, await shop.ask_at_once("a", "b", names={"token"}))) == ["0", "None"]


async def test_a_group_is_neither_too_many_nor_too_heavy(shop: Shop) -> None:
    """Those for whom there is no room go together next; what is too heavy for any goes alone."""
    number = CHANGES_AT_ONCE + 3
    assert await shop.ask_at_once(*map(str, range(number))) == [*range(number)]
    assert [len(names) for names in shop.counting.asked] == [CHANGES_AT_ONCE, 3]
    shop.counting.asked.clear()
    await shop.ask_at_once("a", "b", weight=WEIGHT_AT_ONCE // 2 + 1)
    assert [len(names) for names in shop.counting.asked] == [1, 1]
    assert await shop.ask_at_once("a", "b", weight=WEIGHT_AT_ONCE + 1) == [None, None]


async def test_those_who_come_while_others_are_under_way_go_together_when_these_are_back(shop: Shop) -> None:
    shop.counting.at_commit.clear()
    with shop.busy():
        first = [asyncio.create_task(shop.ask(name)) for name in "ab"]
        await shop.counting.is_decided.wait()
        then = [asyncio.create_task(shop.ask("c"))]
        await asyncio.sleep(0.002)
        then.append(asyncio.create_task(shop.ask("d")))
        await asyncio.sleep(0.001)
        shop.counting.at_commit.set()
        assert await asyncio.gather(*first, *then) == [0, 1, 2, 3]
    assert shop.counting.asked == [["a", "b"], ["c", "d"]]


async def test_a_group_waits_for_who_is_alone_in_front(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "BEHIND_SECONDS", 60)
    with shop.busy():
        asking = [asyncio.create_task(shop.ask("a"))]
        await asyncio.sleep(0.01)
        asking.append(asyncio.create_task(shop.ask("b")))
        await asyncio.sleep(0.01)
        assert shop.counting.asked == []
    assert await asyncio.gather(*asking) == [0, 1]
    assert shop.counting.asked == [["a", "b"]]


async def test_who_comes_soon_after_a_group_waits_for_those_who_come_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For some turns of the loop; and once there was no company for a while, who comes is made alone."""
    monkeypatch.setattr(group_commit, "COMPANY_SECONDS", 60)
    await shop.ask_at_once("a", "b")
    assert await asyncio.gather(*map(shop.ask, "cd")) == [2, 3]
    monkeypatch.setattr(group_commit, "COMPANY_SECONDS", 0)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*map(shop.ask, "ef")) == [4, 5]
    assert await shop.ask("g") is None
    assert shop.counting.asked == [["a", "b"], ["c", "d"], ["e", "f"]]


async def test_groups_that_are_stopped_one_after_the_other_are_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "COMPANY_SECONDS", 60)
    await shop.ask_at_once("a", "b")
    shop.counting.before.clear()
    groups = []
    for turns in range(1, 11):
        asking = asyncio.create_task(shop.ask("c"))
        for _ in range(turns):
            await asyncio.sleep(0)
        groups.append(ref(shop.commits._open))
        asking.cancel()
        await asyncio.wait([asking])
    gc.collect()
    assert sum(group() is not None for group in groups) < 5


@pytest.mark.parametrize(("number", "weight"), [(CHANGES_AT_ONCE, 1), (10, WEIGHT_AT_ONCE // 10)])
async def test_a_group_that_is_full_waits_for_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, number: int, weight: int
) -> None:
    monkeypatch.setattr(group_commit, "BEHIND_SECONDS", 60)
    async with asyncio.timeout(5):
        assert await shop.ask_at_once(*map(str, range(number)), weight=weight) == [*range(number)]


async def test_a_group_that_was_full_takes_nobody_more(shop: Shop) -> None:
    """Not what weighs nothing, nor who comes in the place of one that has left."""
    with shop.busy():
        heavy, light = shop.ask("a", weight=WEIGHT_AT_ONCE), shop.ask("b", weight=0)
        assert list(await asyncio.gather(heavy, light)) == [0, 1]
    assert shop.counting.asked == [["a"], ["b"]]
    with shop.busy():
        asking = [asyncio.create_task(shop.ask(str(i))) for i in range(CHANGES_AT_ONCE)]
        await asyncio.sleep(0)
        asking[2].cancel()
        await asyncio.sleep(0)
        assert await shop.ask("late") == 2 + CHANGES_AT_ONCE - 1
        await asyncio.wait(asking)
    assert shop.counting.asked[-1] == ["late"]


@pytest.mark.parametrize("in_front", ["alone", "group"])
async def test_who_waits_for_a_lock_does_not_hold_up_those_who_come_after(database: Database, in_front: str) -> None:
    """They wait for a while, and are not together with it."""
    if database.dialect == "sqlite":
        pytest.skip("one writer at a time")
    shop = Shop(database)
    with shop.busy():
        asking = []
        if in_front == "group":
            shop.counting.at_commit.clear()
            asking.append(asyncio.create_task(shop.ask("a")))
            await shop.counting.is_decided.wait()
        asking.append(asyncio.create_task(shop.ask("b")))
        async with asyncio.timeout(5):
            while ["b"] not in shop.counting.asked:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        shop.counting.at_commit.set()
        await asyncio.gather(*asking)


async def test_who_waited_for_a_lock_in_vain_keeps_nobody_in_the_next_group(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while each is made alone; other failures part nobody but those whom they met."""
    monkeypatch.setattr(group_commit, "APART_SECONDS", 0.05)
    for cause, others in ((ValueError("broken"), [0, 1]), (LOCKED_OUT[0](), [None, None])):
        shop.counting.fails = cause
        assert await shop.ask_at_once("a", "b") == [None, None]
        shop.counting.fails = None
        shop.counting.kept.clear()
        assert await shop.ask_at_once("c", "d") == others
    await asyncio.sleep(0.06)
    assert await shop.ask_at_once("e", "f") == [0, 1]


async def test_what_has_parted_a_group_parts_no_other_when_it_is_asked_for_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "APART_SECONDS", 0.2)
    shop.counting.fails = Ungrouped("refused")
    assert await shop.ask_at_once("a", "b") == [None, None]
    shop.counting.fails = None
    with shop.busy():
        again, others = shop.ask("a", names={"refused"}), (shop.ask("b", names={"b"}), shop.ask("c"))
        assert list(await asyncio.gather(again, *others)) == [None, 0, 1]
    await asyncio.sleep(0.2)
    with shop.busy():
        assert await shop.ask("a", names={"refused"}) == 2


async def test_not_all_that_have_parted_groups_are_remembered(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "NAMES_APART", 2)
    for name in "abc":
        shop.counting.fails = Ungrouped(name)
        assert await shop.ask_at_once(name) == [None]
    shop.counting.fails = None
    with shop.busy():
        found = await asyncio.gather(*(shop.ask(name, names={name}) for name in "abc"))
        assert [one is None for one in found] == [False, False, True]


async def test_only_a_group_is_impatient(database: Database) -> None:
    """Who is alone waits for a lock as long as it has time."""
    one, other = (Context(database, SHOP, Rules()) for _ in range(2))
    async with one.writing() as write:
        alone = await _lock_timeout(write)
    async with one.writing(other) as write:
        assert (alone, await _lock_timeout(write)) in (("0", "250ms"), (None, None))
    async with one.writing() as write:
        assert await _lock_timeout(write) == alone
    for context in (one, other):
        await context.close()


async def _lock_timeout(write: Any) -> Any:
    if write.dialect == "sqlite":
        return None
    return (await write.fetch("SHOW lock_timeout"))[0][0]
