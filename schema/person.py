"""Persons: the mutation that erases one."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers import person
from resolvers.person import EraseOutcome

from .node import chosen, is_row
from .personal import personal_input
from .refusals import Refusable, outcome


@strawberry.input(one_of=True, description="Whose personal data: exactly one of these.")
class PersonBy:
    customer_no: str | None = strawberry.field(
        default=UNSET,
        description="That customer, the requests that name it, and those that have its e-mail and name no customer.",
    )
    email: str | None = personal_input(
        description="Every customer and every request that has it, and the requests that name one of these customers."
    )


@strawberry.input(description="A person to be forgotten.")
class PersonEraseInput:
    person: PersonBy = strawberry.field(description="Who.")
    dry_run: bool | None = strawberry.field(
        default=UNSET, description="true answers exactly what would be erased, and erases nothing."
    )


def _count(name: str, description: str) -> Any:
    def resolve(root: Any) -> int:
        number: int = getattr(root.erased, name)
        return number

    resolve.__annotations__ = {"return": int}
    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(description="What was erased of a person; all zero when there was nothing (left) to erase.")
class PersonErasePayload(Refusable):
    customer_count: int = _count("customers", "Customers whose e-mail, phone or name was erased.")
    request_count: int = _count("requests", "Requests whose holder, or payment reference naming them, was erased.")
    sales_order_count: int = _count("orders", "Sales orders whose document status named the person.")
    text_count: int = _count(
        "reasons",
        "Texts that were written or scanned: why a ticket was blocked or revoked or a request canceled, and e-mails, "
        "phone numbers and names that were held up at a gate.",
    )
    search_key_count: int = _count("search_keys", "Keys that `find` found the person by.")
    is_type_of = is_row(EraseOutcome)


@strawberry.type
class PersonMutations:
    @strawberry.mutation(
        description="Erase a person's e-mail, phone and name wherever they are kept, what `find` finds them by, and "
        "what staff wrote about their tickets. Numbers, codes, amounts and what happened stay; each request's timeline "
        "tells that it was erased, and by whom. It cannot be undone. To ask again is harmless, and goes on where an "
        "erasure was broken off. What a shop tells of the person later is kept again."
    )
    async def person_erase(
        self,
        info: strawberry.Info,
        input: Annotated[PersonEraseInput, strawberry.argument(description="Who is to be forgotten.")],
    ) -> PersonErasePayload | None:
        by, value = chosen(input.person)
        return await outcome(person.erase(info.context, by, value, bool(input.dry_run)), EraseOutcome)
