# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""From plans and clients to what users see: return values and diffs."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Client
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, Expiry, Failover
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.survey import Survey

# The keys of a client that are compared and can be declared: what a diff shows.
_DIFF_KEYS = ("ip_address", "mac_address", "client_id", "scope", "name", "description", "type", "lease_expires")


def client_values(client: Client) -> dict[str, Any]:
    """A client as the modules return it."""
    return {
        "ip_address": _text(client.address),
        "mac_address": None if client.client_id is None else client.client_id.mac,
        "client_id": None if client.client_id is None else client.client_id.hex,
        "scope": _scope_text(client.scope),
        "name": whole_characters(client.name),
        "description": whole_characters(client.description),
        "type": client.type.value,
        "lease_expires": _text(client.lease_expires),
        "active_until": _text(client.active_until),
    }


def scope_values(survey: Survey) -> dict[str, Any]:
    """A scope as the modules return it."""
    scope = survey.scope
    return {
        "scope": str(scope.address),
        "prefix_length": scope.network.prefixlen,
        "mask": str(scope.network.netmask),
        "name": whole_characters(scope.name),
        "description": whole_characters(scope.description),
        "state": scope.status.name.lower(),
        "ranges": [_span(span) for span in survey.ranges],
        "exclusions": [_span(span) for span in survey.exclusions],
        "counts": {"records": survey.records, "reservations": survey.reservations, "free": survey.free},
        "failover": None if survey.failover is None else _failover(survey.failover),
    }


def whole_characters(text: str | None) -> str | None:
    """A server's text as JSON in UTF-8 holds it: half of a surrogate pair, which Ansible takes from nobody, is U+FFFD.

    Anybody who gives a client its name could else make a list with it unreadable.
    """
    if text is None or text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _span(span: AddressRange) -> dict[str, str]:
    return {"start": str(span.start), "end": str(span.end)}


def _failover(failover: Failover) -> dict[str, Any]:
    return {
        "name": whole_characters(failover.name),
        "partner": whole_characters(failover.partner),
        "partner_address": str(failover.partner_address),
        "role": _name(failover.role),
        "mode": _name(failover.mode),
        "state": _name(failover.state),
        "percentage": failover.percentage,
    }


def _name(value: Enum | None) -> str | None:
    return None if value is None else value.name.lower()


def diff(changes: Iterable[tuple[Client | None, Client | None]], *, single: bool) -> dict[str, Any]:
    """Before and after of every client that changes; by address where there can be several."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for old, new in changes:
        if single:
            return {"before": _diff_values(old), "after": _diff_values(new)}
        for client, side in ((old, before), (new, after)):
            if client is not None:
                side[str(client.address)] = _diff_values(client)
    return {"before": before, "after": after}


def _diff_values(client: Client | None) -> dict[str, Any]:
    if client is None:
        return {}
    values = client_values(client)
    shown = {key: values[key] for key in _DIFF_KEYS}
    if client.address_state is not None:
        shown["address_state"] = client.address_state.name.lower()  # the one thing that a write may change unasked
    return shown


@lru_cache(maxsize=16)
def _scope_text(scope: IPv4Address | None) -> str | None:
    """One string for all clients of a scope."""
    return _text(scope)


def _text(value: object | Expiry | None) -> str | None:
    return None if value is None else str(value)
