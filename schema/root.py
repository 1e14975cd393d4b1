"""The schema: queries, mutations and subscriptions of all nouns, put together."""

import asyncio
from typing import Annotated, Any

import strawberry
from graphql import GraphQLInputObjectType
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter

from db.client import Role
from db.paging import ALL
from resolvers import loaders
from resolvers.loaders import Batch, Sought
from resolvers.policy import Extent, Permission
from resolvers.refusals import BadUserInput

from .admission import AdmissionQueries
from .admittance import AdmittanceMutations, AdmittanceQueries
from .calendar import CalendarQueries
from .customer import CustomerQueries
from .enums import describe
from .execution.limits import Limits
from .execution.measure import SHORT_LIST
from .find import FindQueries
from .node import Node, parse_global_id
from .paging import DEFAULT_SIZE
from .person import PersonMutations
from .personal import check_masks
from .relations import LookUp, as_found, look_up
from .role_center import RoleCenterQueries
from .sale import SaleMutations
from .sales_order import SalesOrderQueries
from .scalars import SCALARS
from .schedule import ScheduleQueries, SlotSubscriptions
from .schedule_set_up import ScheduleMutations
from .set_up import SetUpMutations
from .slots import SlotMutations
from .ticket import IssuedTicketQueries
from .ticket_changes import TicketChangeMutations
from .ticket_item import TicketItemQueries
from .ticket_request import TicketRequestQueries
from .timeline import RequestEventQueries, RequestEventSubscriptions

LIMITS = Limits()
NODES_AT_ONCE = 100

NODES: dict[str, tuple[Batch, Permission]] = {
    "TicketRequest": (loaders.ticket_requests, Permission.READ_REQUESTS),
    "Reference": (loaders.references, Permission.READ_REQUESTS),
    "TicketRequestEntry": (loaders.entries, Permission.READ_REQUESTS),
    "RequestEvent": (loaders.events, Permission.READ_REQUESTS),
    "IssuedTicket": (loaders.issued_tickets, Permission.READ_TICKETS),
    "AccessEntry": (loaders.access_entries, Permission.READ_TICKETS),
    "Customer": (loaders.customers, Permission.READ_REGISTERS),
    "SalesOrder": (loaders.sales_orders, Permission.READ_REGISTERS),
    "Admission": (loaders.admissions, Permission.READ_SET_UP),
    "TimeSlot": (loaders.time_slots, Permission.READ_SET_UP),
    "CapacityEntry": (loaders.capacity_entries, Permission.READ_REQUESTS),
    "Schedule": (loaders.schedules, Permission.READ_SET_UP),
    "ScheduleLine": (loaders.schedule_lines, Permission.READ_SET_UP),
    "Calendar": (loaders.calendars, Permission.READ_SET_UP),
    "TicketItem": (loaders.ticket_items, Permission.READ_SET_UP),
    "TicketItemAdmission": (loaders.content_lines, Permission.READ_SET_UP),
    "TicketType": (loaders.ticket_types, Permission.READ_SET_UP),
}
"""How each type that implements Node is read by its row id, and the permission to read it by nothing but that."""

describe(
    Role,
    "What a client may do.",
    ADMIN="Everything, set-up included.",
    SUPPORT="Finds out and mends; sells nothing.",
    POS="Sells and lets in at a point of sale.",
    WEB_STORE="Sells online; sees what is its own.",
    GATE="Lets in; sees a ticket by its exact number.",
)


@strawberry.type(description="Who is asking.")
class Viewer:
    client: str = strawberry.field(description="The client that holds the API key.")
    role: Role = strawberry.field(description="Its role.")
    permissions: list[str] = strawberry.field(
        description="What the role may do at all, some of it only to what is its own."
    )


def _sought(context: Any, type_name: str, row_id: int) -> Sought | None:
    """What is looked up by that id; None if it is of no type that who asks may read by nothing but that."""
    batch, permission = NODES.get(type_name, (None, Permission.READ_SET_UP))
    if batch is None or context.extent(permission).value < Extent.OWN.value:
        return None
    return Sought(batch, row_id)


def _sought_node(
    context: Any, id: Annotated[strawberry.ID, strawberry.argument(description="From an earlier answer.")]
) -> Sought | None:
    return _sought(context, *parse_global_id(id))


async def _load(context: Any, sought: Sought | None) -> Any:
    return None if sought is None else await context.loaders.load(sought.batch, sought.key)


def _viewer(info: strawberry.Info) -> Viewer:
    context = info.context
    permissions = [permission.value for permission in Permission if context.extent(permission) is not Extent.NO]
    return Viewer(client=context.actor.client, role=context.actor.role, permissions=permissions)


@strawberry.type
class RootQueries:
    viewer: Viewer = strawberry.field(resolver=_viewer, description="Who is asking.")
    node: Node | None = look_up(
        LookUp({batch for batch, _ in NODES.values()}, _sought_node, as_found, shows=ALL),
        description="Anything by its id; null if it is unknown, or not yours to see.",
    )

    @strawberry.field(
        description=f"At most {NODES_AT_ONCE} at once, each as `node` answers it, in the order asked for."
    )
    async def nodes(
        self,
        info: strawberry.Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="From earlier answers.")],
    ) -> list[Node | None]:
        if len(ids) > NODES_AT_ONCE:
            raise BadUserInput(f"nodes takes at most {NODES_AT_ONCE} ids; these are {len(ids)}.")
        wanted = [_sought(info.context, *parse_global_id(text)) for text in ids]
        return list(await asyncio.gather(*(_load(info.context, one) for one in wanted)))


@strawberry.type(
    description="What may be asked. What is not yours to see is null, or absent from lists.\n\n"
    "What goes beyond a limit of the server is refused whole, with `extensions.limit`, `most` and `actual`. By default "
    f"an operation is at most {LIMITS.depth} fields deep and costs at most {LIMITS.cost} points; a document has at "
    f"most {LIMITS.fields} fields (fragments counted wherever they are spread), {LIMITS.aliases} aliases, "
    f"{LIMITS.directives} directives, {LIMITS.document_tokens} tokens and {LIMITS.document_characters} characters; a "
    f"list of an input has at most {LIMITS.list_items} items. An operation is stopped after "
    f"{LIMITS.operation_seconds:g} seconds.\n\n"
    "The cost is the number of values that the answer can hold at most: a page counts as many rows as it is asked for "
    f"({DEFAULT_SIZE} when nothing is said), any other list {SHORT_LIST}; mutations and what must be calculated weigh "
    "more. Every answer tells it: `extensions.cost`. Each key has an allowance of "
    f"{LIMITS.points_per_minute} points a minute by default, of which `available` are left; beyond it the answer is "
    "`RATE_LIMITED`, HTTP 429 with Retry-After. Where the server is busy with as many operations as it does at once, "
    "one more is not run: `OVERLOADED`, HTTP 503 with Retry-After."
)
class Query(
    RootQueries,
    TicketRequestQueries,
    IssuedTicketQueries,
    CustomerQueries,
    SalesOrderQueries,
    AdmissionQueries,
    ScheduleQueries,
    CalendarQueries,
    TicketItemQueries,
    RequestEventQueries,
    FindQueries,
    AdmittanceQueries,
    RoleCenterQueries,
):
    pass


@strawberry.type(
    description="What may be changed: each field is one transaction, which happens as a whole or, refused, not at all."
)
class Mutation(
    SaleMutations,
    AdmittanceMutations,
    TicketChangeMutations,
    SetUpMutations,
    ScheduleMutations,
    SlotMutations,
    PersonMutations,
):
    pass


@strawberry.type(
    description="What may be followed, over graphql-transport-ws, or one operation per connection as text/event-stream."
    " Each event costs what one answer costs; where the allowance of the key is used up, events wait for it.\n\n"
    f"By default a websocket has at most {LIMITS.operations_per_connection} operations at once and messages of at most "
    f"{LIMITS.message_bytes} bytes, a key {LIMITS.connections_per_key} connections to each process, and one that takes "
    f"nothing off for {LIMITS.send_seconds:g} seconds is closed: go on with `after`."
)
class Subscription(RequestEventSubscriptions, SlotSubscriptions):
    pass


schema = strawberry.Schema(
    query=Query, mutation=Mutation, subscription=Subscription, config=StrawberryConfig(scalar_map=SCALARS)
)
graphql_schema = schema._schema
check_masks(graphql_schema)
for kind in graphql_schema.type_map.values():
    if isinstance(kind, GraphQLInputObjectType):
        # Strawberry finds a @oneOf input with none or two fields only while running, as a failure of ours;
        # graphql-core, once told, answers it as the mistake in the document or the variables that it is.
        kind.is_one_of = kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of
