# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Tasks that were written for ansible.windows.win_dhcp_lease, with nothing but the module's name exchanged.

Most of its options are aliases here. Those that are not are refused with what to write instead, and what a task means
something else by without having any of them is warned about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput

_OTHER = "ansible.windows.win_dhcp_lease"
# Options of that module alone, and what to write instead of each.
_INSTEAD = {
    "computer_name": (
        "names the DHCP server for {other}, which runs on a Windows host. Write server={value} instead, and let the "
        "task run on the control node, with delegate_to=localhost where the play has other hosts."
    ),
    "dns_hostname": (
        "is an option of {other}. Write name={value} instead (or reservation_name, which that module prefers); the "
        "server registers nothing in DNS for it."
    ),
    "dns_regtype": (
        "is an option of {other}. Leave it out: no DNS record is registered by this module; the server registers one "
        "when the client renews its lease, by the scope's own settings."
    ),
    "duration": (
        "is an option of {other}, counted in days from each run. With type=lease write lease_expires=never or a time "
        "such as lease_expires=2030-01-31T12:00:00Z instead; with type=reservation leave it out, a reservation does "
        "not end."
    ),
}
FOREIGN_OPTIONS = tuple(_INSTEAD)
# Names that are spelt so in that module's tasks. One that has a name of its own here was not merely renamed.
_SPELT_THERE = ("ip", "mac", "scope_id", "reservation_name")


def refuse_foreign_options(params: Mapping[str, Any]) -> None:
    """Refuse what only the other module has. Raises ``InvalidInput`` with what to write instead."""
    for option, instead in _INSTEAD.items():
        value = params.get(option)
        if value is not None:
            raise InvalidInput(option, value, instead.format(other=_OTHER, value=value))


def was_renamed(params: Mapping[str, Any]) -> bool:
    """Whether a task may have been written for the other module: it has one of that module's names."""
    return any(params.get(alias) is not None for alias in _SPELT_THERE)


def leases_without_end(params: Mapping[str, Any], clients: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence about each new lease that has no end because none was declared: there it would have one."""
    if params["type"] != "lease" or params["lease_expires"] is not None:
        return []
    return [
        f"The lease of {_named(client)} never ends, since lease_expires is left out; {_OTHER} takes the lease time of "
        "the scope. Write lease_expires=never, or a time."
        for client in clients
        if client["action"] == "created"
    ]


def kept_leases(clients: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence about each lease that is left where only a reservation was to go: there it would be removed."""
    return [
        f"The lease of {_named(client)} stays, since state=absent removes reservations here, unless type=lease is set; "
        f"{_OTHER} removes both."
        for client in clients
        if client["type"] == "lease"
    ]


def _named(client: Mapping[str, Any]) -> str:
    return f"{client['mac_address'] or client['client_id']} at {client['ip_address']}"
