# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What clients are called as hosts of an inventory, where each needs a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Names that mean something else to Ansible; a host by one of the first three gets what is delegated to localhost. A
# client chooses its name itself.
_RESERVED = frozenset({"127.0.0.1", "::1", "localhost", "all", "ungrouped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """One name a client, None for a client that has none of the wanted ones, and what there is to say about them."""

    names: list[str | None]
    warnings: list[str]


def host_names(clients: Sequence[Mapping[str, Any]], preference: Sequence[str]) -> Names:
    """Names for clients as ``render.client_values`` gives them, by the first of the keys that has something.

    Clients that would have the same name all get their address behind it, so that none of them depends on the others'
    order; where even that is the same, their identifier too.
    """
    names, warnings = [], []
    for client in clients:
        name = next((client[key] for key in preference if client[key]), None)
        if name is not None and (name.casefold() in _RESERVED or not _is_plain(name)):
            warnings.append(
                f"The client at {client['ip_address']} calls itself {name!r}, which cannot be the name of a host; it "
                "is named with its address."
            )
            name = f"{name}_{client['ip_address']}" if _is_plain(name) else client["ip_address"]
        names.append(name)
    for key in ("ip_address", "client_id"):
        shared = {name for name, count in Counter(names).items() if count > 1 and name is not None}
        for name in sorted(shared):
            holders = ", ".join(client["ip_address"] for client, own in zip(clients, names, strict=True) if own == name)
            warnings.append(
                f"Several clients are called {name!r} ({holders}); each host is named with its {key} behind."
            )
        names = [
            f"{name}_{client[key]}" if name in shared and name != client[key] else name
            for client, name in zip(clients, names, strict=True)
        ]
    return Names(names=names, warnings=warnings)


def _is_plain(name: str) -> bool:
    """Whether Ansible may print the name, and make a file's name of it, as it does for variables and cached facts."""
    return name.isprintable() and "/" not in name and name not in (".", "..")
