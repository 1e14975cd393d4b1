"""Who may do what: one table, role by permission. Source: domain.md, "Who may do what".

ALL: whatever it concerns. OWN: what this client made (requests, and their tickets) or wrote first (customers, sales
orders). EXACT: one ticket, by its exact number. NO: a mutation or a whole root field is FORBIDDEN; a relation does not
exist.
"""

from enum import Enum, StrEnum

from db.client import Role


class Extent(Enum):
    NO = 0
    EXACT = 1
    OWN = 2
    ALL = 3


class Permission(StrEnum):
    """The rows of the table; ``viewer.permissions`` lists those that are not NO."""

    SET_UP = "SET_UP"
    WRITE_REGISTERS = "WRITE_REGISTERS"
    CREATE_REQUESTS = "CREATE_REQUESTS"
    CHANGE_REQUESTS = "CHANGE_REQUESTS"
    RESCHEDULE_AND_REVOKE = "RESCHEDULE_AND_REVOKE"
    BLOCK = "BLOCK"
    ADMIT = "ADMIT"
    MARK_PRINTED = "MARK_PRINTED"
    READ_TICKETS = "READ_TICKETS"
    READ_REQUESTS = "READ_REQUESTS"
    READ_REGISTERS = "READ_REGISTERS"
    READ_SCANS = "READ_SCANS"
    READ_ROLE_CENTER = "READ_ROLE_CENTER"
    READ_SET_UP = "READ_SET_UP"
    READ_PERSONAL = "READ_PERSONAL"
    READ_VIEWS = "READ_VIEWS"
    ERASE_PERSONS = "ERASE_PERSONS"


_COLUMNS = (Role.ADMIN, Role.SUPPORT, Role.POS, Role.WEB_STORE, Role.GATE)
_NO, _EXACT, _OWN, _ALL = Extent.NO, Extent.EXACT, Extent.OWN, Extent.ALL

# fmt: off
_ROWS: dict[Permission, tuple[Extent, Extent, Extent, Extent, Extent]] = {
    #                                  ADMIN  SUPPORT POS    WEB_STORE GATE
    Permission.SET_UP:                 (_ALL, _NO,    _NO,   _NO,      _NO),
    Permission.WRITE_REGISTERS:        (_ALL, _ALL,   _ALL,  _ALL,     _NO),
    Permission.CREATE_REQUESTS:        (_ALL, _NO,    _ALL,  _OWN,     _NO),
    Permission.CHANGE_REQUESTS:        (_ALL, _ALL,   _ALL,  _OWN,     _NO),
    Permission.RESCHEDULE_AND_REVOKE:  (_ALL, _ALL,   _ALL,  _ALL,     _NO),
    Permission.BLOCK:                  (_ALL, _ALL,   _NO,   _NO,      _NO),
    Permission.ADMIT:                  (_ALL, _ALL,   _ALL,  _NO,      _ALL),
    Permission.MARK_PRINTED:           (_ALL, _ALL,   _ALL,  _OWN,     _NO),
    Permission.READ_TICKETS:           (_ALL, _ALL,   _ALL,  _OWN,     _EXACT),
    Permission.READ_REQUESTS:          (_ALL, _ALL,   _ALL,  _OWN,     _NO),
    Permission.READ_REGISTERS:         (_ALL, _ALL,   _ALL,  _OWN,     _NO),
    Permission.READ_SCANS:             (_ALL, _ALL,   _NO,   _NO,      _OWN),
    Permission.READ_ROLE_CENTER:       (_ALL, _ALL,   _ALL,  _NO,      _NO),
    Permission.READ_SET_UP:            (_ALL, _ALL,   _ALL,  _ALL,     _ALL),
    Permission.READ_PERSONAL:          (_ALL, _ALL,   _OWN,  _OWN,     _NO),
    Permission.READ_VIEWS:             (_ALL, _ALL,   _NO,   _NO,      _NO),
    Permission.ERASE_PERSONS:          (_ALL, _NO,    _NO,   _NO,      _NO),
}
# fmt: on

POLICY: dict[Permission, dict[Role, Extent]] = {
    permission: dict(zip(_COLUMNS, row, strict=True)) for permission, row in _ROWS.items()
}


def extent(role: Role, permission: Permission) -> Extent:
    """How far the permission reaches for the role."""
    return POLICY[permission][role]
