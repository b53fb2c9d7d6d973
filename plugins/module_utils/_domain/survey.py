# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""A scope as a whole: what it consists of, and how much of it is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, Failover, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A scope with its elements and counts. ``failover`` is None where it is in no relationship."""

    scope: Scope
    ranges: tuple[AddressRange, ...]
    exclusions: tuple[AddressRange, ...]
    records: int
    reservations: int
    free: int
    failover: Failover | None


def count_free(ranges: Iterable[AddressRange], exclusions: Iterable[AddressRange], used: Iterable[IPv4Address]) -> int:
    """How many addresses of the ranges are neither excluded nor used.

    By the ends of spans, never address by address: a scope may have millions.
    """
    taken = [*exclusions, *(AddressRange(address, address) for address in used)]
    blocked = list(_merged(taken))
    total = 0
    index = 0
    for start, end in _merged(ranges):
        total += end - start
        while index < len(blocked) and blocked[index][1] <= start:
            index += 1
        here = index  # what reaches into the next range as well is looked at again there
        while here < len(blocked) and blocked[here][0] < end:
            total -= min(blocked[here][1], end) - max(blocked[here][0], start)
            here += 1
    return total


def _merged(spans: Iterable[AddressRange]) -> Iterator[tuple[int, int]]:
    """The same addresses as spans that are apart, ascending, each from its first number to the one behind its last."""
    current: tuple[int, int] | None = None
    for start, end in sorted((int(span.start), int(span.end) + 1) for span in spans):
        if current is None or start > current[1]:
            if current is not None:
                yield current
            current = (start, end)
        else:
            current = (current[0], max(current[1], end))
    if current is not None:
        yield current
