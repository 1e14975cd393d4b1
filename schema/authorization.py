"""Which permission each root field needs, and how far it must reach. Asked of the selection, after validation.

A GATE may ask for one ticket by its exact number, but not list any: hence the least extent beside the permission.
"""

from functools import lru_cache

from db.client import Role
from resolvers.policy import Extent, Permission, extent

Need = tuple[Permission, Extent]

ANYONE: frozenset[str] = frozenset({"viewer", "node", "nodes", "__typename"})
"""For every key: node and nodes answer null for what the caller may not see."""

INTROSPECTION = frozenset({"__schema", "__type"})
"""For the roles that the operator lets look at the schema."""

QUERIES: dict[str, Need] = {
    "ticketRequest": (Permission.READ_REQUESTS, Extent.OWN),
    "ticketRequests": (Permission.READ_REQUESTS, Extent.OWN),
    "issuedTicket": (Permission.READ_TICKETS, Extent.EXACT),
    "issuedTickets": (Permission.READ_TICKETS, Extent.OWN),
    "requestEvents": (Permission.READ_TICKETS, Extent.EXACT),
    "explainAdmission": (Permission.READ_TICKETS, Extent.EXACT),
    "customer": (Permission.READ_REGISTERS, Extent.OWN),
    "customers": (Permission.READ_REGISTERS, Extent.OWN),
    "salesOrder": (Permission.READ_REGISTERS, Extent.OWN),
    "admission": (Permission.READ_SET_UP, Extent.ALL),
    "admissions": (Permission.READ_SET_UP, Extent.ALL),
    "schedule": (Permission.READ_SET_UP, Extent.ALL),
    "schedules": (Permission.READ_SET_UP, Extent.ALL),
    "calendar": (Permission.READ_SET_UP, Extent.ALL),
    "calendars": (Permission.READ_SET_UP, Extent.ALL),
    "ticketItem": (Permission.READ_SET_UP, Extent.ALL),
    "ticketItems": (Permission.READ_SET_UP, Extent.ALL),
    "find": (Permission.READ_REQUESTS, Extent.OWN),
    "roleCenter": (Permission.READ_ROLE_CENTER, Extent.ALL),
}

MUTATIONS: dict[str, Need] = {
    "ticketRequestCreateInWebStore": (Permission.CREATE_REQUESTS, Extent.OWN),
    "ticketRequestCreateAtPos": (Permission.CREATE_REQUESTS, Extent.OWN),
    "ticketRequestUpdate": (Permission.CHANGE_REQUESTS, Extent.OWN),
    "ticketRequestExtend": (Permission.CHANGE_REQUESTS, Extent.OWN),
    "ticketRequestConfirm": (Permission.CHANGE_REQUESTS, Extent.OWN),
    "ticketRequestPay": (Permission.CHANGE_REQUESTS, Extent.OWN),
    "ticketRequestCancel": (Permission.CHANGE_REQUESTS, Extent.OWN),
    "ticketRequestHolderChange": (Permission.CHANGE_REQUESTS, Extent.OWN),
    "ticketAdmit": (Permission.ADMIT, Extent.ALL),
    "ticketDepart": (Permission.ADMIT, Extent.ALL),
    "ticketRequestReschedule": (Permission.RESCHEDULE_AND_REVOKE, Extent.OWN),
    "ticketReschedule": (Permission.RESCHEDULE_AND_REVOKE, Extent.OWN),
    "ticketRequestRevoke": (Permission.RESCHEDULE_AND_REVOKE, Extent.OWN),
    "ticketRevoke": (Permission.RESCHEDULE_AND_REVOKE, Extent.OWN),
    "ticketBlock": (Permission.BLOCK, Extent.ALL),
    "ticketUnblock": (Permission.BLOCK, Extent.ALL),
    "ticketMarkPrinted": (Permission.MARK_PRINTED, Extent.OWN),
    "ticketSetUp": (Permission.SET_UP, Extent.ALL),
    "ticketTypeUpsert": (Permission.SET_UP, Extent.ALL),
    "ticketItemUpsert": (Permission.SET_UP, Extent.ALL),
    "admissionUpsert": (Permission.SET_UP, Extent.ALL),
    "scheduleUpsert": (Permission.SET_UP, Extent.ALL),
    "scheduleLineUpsert": (Permission.SET_UP, Extent.ALL),
    "calendarUpsert": (Permission.SET_UP, Extent.ALL),
    "slotsGenerate": (Permission.SET_UP, Extent.ALL),
    "timeSlotUpdate": (Permission.SET_UP, Extent.ALL),
    "customerUpsert": (Permission.WRITE_REGISTERS, Extent.OWN),
    "salesOrderUpsert": (Permission.WRITE_REGISTERS, Extent.OWN),
    "personErase": (Permission.ERASE_PERSONS, Extent.ALL),
}

SUBSCRIPTIONS: dict[str, Need] = {
    "requestEvents": QUERIES["requestEvents"],
    "slotChanged": (Permission.READ_SET_UP, Extent.ALL),
}

NEEDS = {"query": QUERIES, "mutation": MUTATIONS, "subscription": SUBSCRIPTIONS}


def permitted(role: Role) -> frozenset[str]:
    """The mutations that the role may ask for."""
    return frozenset(name for name, (needed, least) in MUTATIONS.items() if extent(role, needed).value >= least.value)


@lru_cache(maxsize=1_000)
def forbidden(
    role: Role, operation_type: str, root_fields: frozenset[str], introspection_roles: frozenset[Role]
) -> tuple[str, ...]:
    """The root fields of the selection that the role may not ask for. One that no table names is for nobody."""
    needs = NEEDS[operation_type]
    found = [] if role in introspection_roles else sorted(root_fields & INTROSPECTION)
    for name in sorted(root_fields - ANYONE - INTROSPECTION):
        need = needs.get(name)
        if need is None or extent(role, need[0]).value < need[1].value:
            found.append(name)
    return tuple(found)
