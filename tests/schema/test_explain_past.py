"""The past as it was: whatever happens to tickets and slots, a moment is explained later as it was explained then."""

import random
from datetime import timedelta
from typing import Any

import pytest

from schema.node import global_id
from tests.gate import Gate, at_noon, castle
from tests.harness import Gatehouse
from tests.make import NOON, making

EXPLAIN = """query ($scanned: String!, $at: DateTime) { explainAdmission(scanned: $scanned, at: $at) {
  at ticket { externalTicketNo } wouldBeAdmitted
  checks { check isPassed refusal { code message limit actual passesFrom passesUntil slot { id } } } } }"""

SCANNED = ("ONE", "DAY", "OFTEN", "GROUP", "family", "nobody's")


async def a_morning(gatehouse: Gatehouse) -> tuple[int, int]:
    """Tickets of every kind for one hall, two of them of one request; answers its slots."""
    async with making(gatehouse.database) as make:
        hall = {"prebook_required": False, "kind": "LOCATION"}
        place = await castle(make, control="ADMITTED", capacity=12, admission=hall, minutes=120)
        moved: dict[str, Any] = {"reschedule_policy": "UNTIL_USED", "duration_days": 3}
        rules: dict[str, dict[str, Any]] = {
            "ONE": {},
            "DAY": {"entry_validation": "SAME_DAY"},
            "OFTEN": {"entry_validation": "MULTIPLE", "max_entries": 3, "rescan_within_seconds": 60},
            "GROUP": {"kind": "GROUP"},
        }
        for number, of_item in rules.items():
            people = 8 if "kind" in of_item else 1
            await place.ticket(number, await place.item(**moved | of_item), people=people, is_reserved=number == "ONE")
        family = await place.request("family")
        for number in ("F-1", "F-2"):
            await place.ticket(number, request=family, is_reserved=False)
        later = await make.slot(place.admission, NOON + timedelta(hours=3), control="ADMITTED", capacity=12)
        return place.slot, later


class Life:
    """What may happen, each at random."""

    def __init__(self, gate: Gate, slots: tuple[int, int], chance: random.Random) -> None:
        self._gate = gate
        self._slot, self._later = (global_id("TimeSlot", slot) for slot in slots)
        self._chance = chance

    async def step(self) -> None:
        often = (self._scan, self._scan, self._scan)
        steps = (self._depart, self._block, self._unblock, self._move, self._close, self._reschedule, self._revoke)
        await self._chance.choice((*often, *steps))()

    def _number(self) -> str:
        return self._chance.choice(["ONE", "DAY", "OFTEN", "GROUP", "F-1", "F-2"])

    async def _scan(self) -> None:
        number = self._chance.choice([self._number(), "family"])
        some = {"quantity": self._chance.randint(1, 5)} if number == "GROUP" else {}
        await self._gate.admit(number, **some)

    async def _depart(self) -> None:
        await self._gate.depart(self._number())

    async def _block(self) -> None:
        where = self._chance.choice(["", ', admissionCode: "CASTLE"'])
        await self._ask(f'ticketBlock(input: {{externalTicketNo: "{self._number()}", reason: "Why"{where}}})')

    async def _unblock(self) -> None:
        where = self._chance.choice(["", ', admissionCode: "CASTLE"'])
        await self._ask(f'ticketUnblock(input: {{externalTicketNo: "{self._number()}", reason: "So"{where}}})')

    async def _move(self) -> None:
        starts_at = NOON + self._chance.randint(-6, 6) * timedelta(minutes=10)
        ends_at = starts_at + timedelta(hours=2)
        times = f'startsAt: "{starts_at.isoformat()}", endsAt: "{ends_at.isoformat()}"'
        await self._ask(f'timeSlotUpdate(input: {{slotId: "{self._slot}", {times}}})')

    async def _close(self) -> None:
        state = self._chance.choice(['CLOSED, closedReason: "Storm"', "OPEN"])
        await self._ask(f'timeSlotUpdate(input: {{slotId: "{self._slot}", state: {state}}})')

    async def _reschedule(self) -> None:
        slot = self._chance.choice([self._slot, self._later])
        asked = f'{{externalTicketNo: "{self._number()}", admissionCode: "CASTLE", slotId: "{slot}"}}'
        await self._ask(f"ticketReschedule(input: {asked})")

    async def _revoke(self) -> None:
        if self._chance.random() < 0.3:
            await self._ask(f'ticketRevoke(input: {{externalTicketNo: "{self._number()}"}})')

    async def _ask(self, mutation: str) -> None:
        await self._gate.gatehouse.data(f"mutation {{ {mutation} {{ refusals {{ code }} }} }}")


async def explained(gatehouse: Gatehouse, scanned: str, **said: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await gatehouse.data(EXPLAIN, {"scanned": scanned, **said}))["explainAdmission"]
    return found


async def live(gatehouse: Gatehouse, seed: int, steps: int) -> None:
    """Live a morning, and note after every step what a gate would say; then ask again for each of these moments."""
    chance = random.Random(seed)
    slots = await a_morning(gatehouse)
    gate = await at_noon(gatehouse)
    life = Life(gate, slots, chance)
    said: list[tuple[str, dict[str, Any]]] = []
    for _ in range(steps):
        await life.step()
        gatehouse.travel(timedelta(seconds=chance.randint(1, 400)))
        said += [(scanned, await explained(gatehouse, scanned)) for scanned in SCANNED]
        gatehouse.travel(timedelta(seconds=1))
    assert {one["wouldBeAdmitted"] for _, one in said} == {True, False}
    for scanned, then in said:
        again = await explained(gatehouse, scanned, at=then["at"])
        assert again["checks"] == then["checks"], f"{scanned} at {then['at']} in the life {seed}"
        assert again == then


@pytest.mark.parametrize("seed", [1])
async def test_a_moment_is_explained_as_it_was_then(gatehouse: Gatehouse, seed: int) -> None:
    await live(gatehouse, seed, 10)


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(2, 12))
async def test_many_lives_are_explained_as_they_were_then(gatehouse: Gatehouse, seed: int) -> None:
    await live(gatehouse, seed, 25)
