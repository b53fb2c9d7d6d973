# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Win32 and DHCP status codes (MS-ERREF 2.2, MS-DHCPM 2.2.1): name, meaning, remedy.

A status is data until one place judges it: ``raise_for(code, call)`` makes it an exception, of a class of its own
where a caller acts on the meaning.
"""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError

SUCCESS = 0
MORE_DATA = 234
NO_MORE_ITEMS = 259
# R_DhcpV4GetFreeIPAddress: the end of the range, or no range at all; addresses may come with it (3.2.4.121).
END_OF_FREE_ADDRESSES = frozenset({2, NO_MORE_ITEMS, 20126})
# "This scope is in no failover relationship": 20115 by the table of 3.2.4.97, 20116 by that of its siblings. 50 and 120
# come from a server that has no failover at all.
NO_FAILOVER = frozenset({20115, 20116, 50, 120})


class StatusError(DhcpError):
    """A call returned a status other than success. ``code`` is the number, ``name`` the specification's name for it."""

    code_of_class: ClassVar[int | None] = None
    by_code: ClassVar[dict[int, type[StatusError]]] = {}

    def __init_subclass__(cls, *, code: int) -> None:
        super().__init_subclass__()
        cls.code_of_class = code
        StatusError.by_code[code] = cls

    def __init__(self, code: int, call: str, *, account: str = "the account", server: str = "the server") -> None:
        self.code = code
        self.name = name_of(code) or f"0x{code:08X}"
        self.call = call
        meaning = meaning_of(code).format(account=account, server=server, code=f"0x{code:08X}")
        super().__init__(f"{call} answered {code} ({self.name}): {meaning}")


class AccessDenied(StatusError, code=5):
    """The account lacks the right for the call."""


class ScopeNotPresent(StatusError, code=20005):
    """The server has no such scope."""


class DatabaseError(StatusError, code=20013):
    """No such client, client exists, stale resume handle, or a broken database: the code does not tell which."""


class ClientExists(StatusError, code=20014):
    """The address or the client has a record already."""


class NotReservedClient(StatusError, code=20018):
    """On adding a reservation: the address is outside every range of its scope."""


class ReservedClient(StatusError, code=20019):
    """The record is held by a reservation."""


class ReservationExists(StatusError, code=20022):
    """The address or the client is reserved already."""


def raise_for(code: int, call: str, *, account: str = "the account", server: str = "the server") -> None:
    """Raise the exception for a status, unless it is success. ``account`` and ``server`` are for its message."""
    if code != SUCCESS:
        raise StatusError.by_code.get(code, StatusError)(code, call, account=account, server=server)


def name_of(code: int) -> str | None:
    """The specification's name for a code, None where the table does not have it."""
    return _CODES[code][0] if code in _CODES else None


def meaning_of(code: int) -> str:
    """Meaning and remedy of a code, with placeholders for account, server and code."""
    return _CODES[code][1] if code in _CODES else _NOT_LISTED


RIGHTS = (
    "Reading needs membership in DHCP Users, writing in DHCP Administrators, on the server itself or in the domain."
)
_NOT_LISTED = (
    "this is none of the codes that are described for DHCP. On a Windows machine `certutil -error {code}` says what it "
    "means, and the server's event log may say why."
)
_EVENT_LOG = "Look into the server's event log."
_RUN_AGAIN = "It may have changed meanwhile: run again."
# Each meaning is a sentence with the remedy, to follow "CALL answered CODE (NAME): ".
_CODES: dict[int, tuple[str, str]] = {
    2: ("ERROR_FILE_NOT_FOUND", f"the server has no such entry. {_RUN_AGAIN}"),
    5: ("ERROR_ACCESS_DENIED", f"{{account}} may not do this on {{server}}. {RIGHTS}"),
    8: ("ERROR_NOT_ENOUGH_MEMORY", "the server is out of memory. Free some there, then run again."),
    14: ("ERROR_OUTOFMEMORY", "the server is out of memory. Free some there, then run again."),
    50: ("ERROR_NOT_SUPPORTED", "the server does not support this. Check its version."),
    87: (
        "ERROR_INVALID_PARAMETER",
        "the server rejects a value of the request, such as an address outside every scope. Check address and scope.",
    ),
    120: ("ERROR_CALL_NOT_IMPLEMENTED", "the server does not implement this. Check its version."),
    MORE_DATA: ("ERROR_MORE_DATA", "there is more to read than the reply holds. Run again."),
    NO_MORE_ITEMS: ("ERROR_NO_MORE_ITEMS", "there is nothing more to read. Run again."),
    1722: ("RPC_S_SERVER_UNAVAILABLE", "the DHCP Server service does not answer. Check that it runs."),
    1753: ("EPT_S_NOT_REGISTERED", "no DHCP server is registered there. Check that the DHCP Server service runs."),
    1783: ("RPC_X_BAD_STUB_DATA", "the server could not read the request. Report this, with the server's version."),
    20000: ("ERROR_DHCP_REGISTRY_INIT_FAILED", f"the server cannot read its registry. {_EVENT_LOG}"),
    20001: ("ERROR_DHCP_DATABASE_INIT_FAILED", f"the server cannot open its database. {_EVENT_LOG}"),
    20002: ("ERROR_DHCP_RPC_INIT_FAILED", "the server's RPC interface did not start. Restart the DHCP Server service."),
    20003: ("ERROR_DHCP_NETWORK_INIT_FAILED", f"the server's network did not start. {_EVENT_LOG}"),
    20004: ("ERROR_DHCP_SUBNET_EXITS", f"the scope exists already. {_RUN_AGAIN}"),
    20005: (
        "ERROR_DHCP_SUBNET_NOT_PRESENT",
        "the server has no such scope. Check scope, and the server's list of scopes (dhcp_scope_info).",
    ),
    20006: ("ERROR_DHCP_PRIMARY_NOT_FOUND", f"the server's primary host entry is missing. {_EVENT_LOG}"),
    20007: ("ERROR_DHCP_ELEMENT_CANT_REMOVE", "the entry is in use and cannot be removed. Free it first."),
    20010: ("ERROR_DHCP_OPTION_NOT_PRESENT", "there is no such option value. Define the option on the server."),
    20013: (
        "ERROR_DHCP_JET_ERROR",
        "the server cannot find the entry, already has it, or cannot use its database; the code stands for all three. "
        "Run again; if it stays, look into the server's event log.",
    ),
    20014: ("ERROR_DHCP_CLIENT_EXISTS", f"the address or the client has a record already. {_RUN_AGAIN}"),
    20015: ("ERROR_DHCP_INCONSISTENT_MIB", f"the server's counters are inconsistent. {_EVENT_LOG}"),
    20016: ("ERROR_DHCP_INVALID_DHCP_CLIENT", f"there is no such client. {_RUN_AGAIN}"),
    20018: (
        "ERROR_DHCP_NOT_RESERVED_CLIENT",
        "the client is not reserved; for a new reservation: its address is outside every range of the scope. "
        "Extend the scope's range, or choose an address inside it.",
    ),
    20019: ("ERROR_DHCP_RESERVED_CLIENT", "the client is reserved. Remove its reservation first."),
    20022: ("ERROR_DHCP_RESERVEDIP_EXITS", f"the address or the client is reserved already. {_RUN_AGAIN}"),
    20023: ("ERROR_DHCP_INVALID_RANGE", "the address range is not valid. Check the scope's ranges."),
    20044: (
        "ERROR_DHCP_CLASS_NOT_FOUND",
        "the server does not know the user class or vendor class. Define it there.",
    ),
    20115: ("ERROR_DHCP_FO_RELATIONSHIP_DOES_NOT_EXIST", f"there is no such failover relationship. {_RUN_AGAIN}"),
    20116: ("ERROR_DHCP_FO_SCOPE_NOT_IN_RELATIONSHIP", f"the scope is in no failover relationship. {_RUN_AGAIN}"),
    20126: (
        "ERROR_DHCP_REACHED_END_OF_SELECTION",
        "there are no more free addresses in the range. Extend it, or remove clients that are gone.",
    ),
}
