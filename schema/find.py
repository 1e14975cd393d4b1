"""Find: one box for any scrap that a guest can offer."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from resolvers.find import FindField, Found, Hit, find, owner
from resolvers.refusals import BadUserInput

from .customer import Customer
from .enums import describe
from .personal import masked, tag, values_of
from .ticket import IssuedTicket
from .ticket_request import TicketRequest

HITS = 20
MOST_HITS = 100

describe(
    FindField,
    "Which value of a hit matched.",
    TOKEN="The request's token.",
    EXTERNAL_ORDER_NO="The web order's number: whole, from one of its parts on, or its digits.",
    RECEIPT_NO="The POS receipt's number, with or without leading zeros.",
    EXTERNAL_TICKET_NO="The number printed on the ticket; of a request, one that it dictates.",
    TICKET_NO="The ticket's internal serial number.",
    AUTHORIZATION_CODE="The request's authorization code.",
    PAYMENT_REFERENCE="The payment's own number.",
    CUSTOMER_NO="The customer's number.",
    EMAIL="The e-mail, or a part of it from a word on.",
    PHONE="The phone number, or its last digits.",
    NAME="The name, or a part of it from a word on; accents ignored.",
)
tag(FindField, "AUTHORIZATION_CODE", "EMAIL", "PHONE", "NAME")
PERSONAL_FIELDS = values_of(FindField)

Findable = Annotated[
    TicketRequest | IssuedTicket | Customer,
    strawberry.union("Findable", description="What a scrap may lead to."),
]


def _matched_value(root: Hit, info: strawberry.Info) -> str | None:
    if root.matched_field not in PERSONAL_FIELDS:
        return root.matched_value
    return _shown(info.context, root.node, root.matched_value)


def _hint(root: Found, info: strawberry.Info) -> str | None:
    return root.hint if root.quoted is None else _shown(info.context, root.quoted, root.hint)


def _shown(context: Any, node: Any, text: str | None) -> str | None:
    """A text with personal data of that row in it."""
    if text is None or not context.may_see_personal(owner(node)):
        return None
    context.shows(node)
    return text


@strawberry.type(description="Something that the scrap may be of.")
class FindHit:
    node: Findable = strawberry.field(description="What was found.")
    matched_field: FindField = strawberry.field(description="Which of its values matched.")
    matched_value: str | None = masked(_matched_value, description="That value, as it is kept.")
    is_exact: bool = strawberry.field(
        description="Whether the scrap is that value, but for case and what the field ignores: leading zeros of a "
        "receipt number, accents of a name, punctuation of a phone number. Not exact are parts, and numbers in which "
        "O and 0, or I, l and 1, were mixed up."
    )

    @classmethod
    def is_type_of(cls, row: Any, _info: Any) -> bool:
        """Whether the row is a hit."""
        return isinstance(row, Hit)


@strawberry.type(description="What was found for a scrap.")
class FindResult:
    hits: list[FindHit] = strawberry.field(
        description="Best first: exact, misread, then parts. Nothing is hidden: expired, canceled, blocked and revoked "
        "are found as well. Each thing once, by its best match."
    )
    hint: str | None = masked(
        _hint, description="When nothing matched: what the text looks like, what comes near it, and what to try."
    )


@strawberry.type
class FindQueries:
    @strawberry.field(
        description="Any scrap a customer can offer: order or receipt number, barcode, part of an e-mail, a phone "
        "number's last digits, a name, a code. Only what is yours to see is searched."
    )
    async def find(
        self,
        info: strawberry.Info,
        text: Annotated[str, strawberry.argument(description="The scrap; case and blanks around it do not matter.")],
        first: Annotated[
            int | None, strawberry.argument(description=f"The most hits: 0 to {MOST_HITS}; {HITS} when left out.")
        ] = UNSET,
    ) -> FindResult | None:
        at_most = HITS if first is None or first is UNSET else first
        if not 0 <= at_most <= MOST_HITS:
            raise BadUserInput(f"find answers 0 to {MOST_HITS} hits: first cannot be {at_most}.")
        found: Any = await find(info.context, text, at_most, PERSONAL_FIELDS)
        return found
