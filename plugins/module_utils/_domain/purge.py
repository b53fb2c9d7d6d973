# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What ``purge`` removes: the reservations of a scope that a list does not name."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Absent, Item, Present, Unplaced
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState


def unlisted(items: Sequence[Item], state: ScopeState, *, first_index: int) -> list[Absent]:
    """One absent item for each reservation of the scope whose address and client are in no present item.

    An item counts whatever becomes of it. The removals are numbered from ``first_index``.
    """
    addresses = {item.address for item in items if isinstance(item, Present)}
    clients = {item.client_id for item in items if isinstance(item, (Present, Unplaced))}
    victims = [
        reservation
        for reservation in sorted(state.reservations, key=lambda reservation: reservation.address)
        if reservation.address not in addresses and reservation.client_id not in clients
    ]
    return [
        Absent(
            index=first_index + number,
            option="purge",
            scope=state.scope.address,
            address=victim.address,
            client_id=victim.client_id,
        )
        for number, victim in enumerate(victims)
    ]
