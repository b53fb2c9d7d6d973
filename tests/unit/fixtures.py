# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of the use case share: a simulated site with bystanders, declarations in users' words, and the result.

``Bed.declare`` goes the whole way, sockets, logon and seal included, and holds what is true of every run: check mode
writes nothing, nobody else's record or reservation is touched, and ``changed`` tells whether the database changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Outcome, converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import connection
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADMINISTRATOR,
    DEFAULT_PASSWORD,
    NEVER,
    Range,
    Record,
    Reservation,
    Settings,
    Site,
    client_id,
    filetime,
    record,
    reservation,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.simulator.store import Change, ScopeSnapshot

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = "2099-01-01T00:00:00Z"
PAST = "2020-01-01T00:00:00Z"
# A record that was made for a reservation and never leased.
UNLEASED = 0

HOME = "10.0.0.0"
OTHER = "10.0.1.0"
# Addresses of HOME; its range goes from .10 to .250.
WANTED = "10.0.0.20"
ELSEWHERE = "10.0.0.30"
OUTSIDE = "10.0.0.5"
# An address of OTHER.
THERE = "10.0.1.20"

OURS = "00:1c:25:80:a0:43"
FRIEND = "00:1c:25:80:a0:44"
STRANGER = "02:00:00:00:00:01"
BYSTANDER = "02:00:00:00:00:99"
NEIGHBOUR = "02:00:00:00:00:98"

CREATE = "R_DhcpCreateClientInfoVQ"
RESERVE = "R_DhcpAddSubnetElementV5"
SET = "R_DhcpSetClientInfo"
UNRESERVE = "R_DhcpRemoveSubnetElementV5"
DELETE = "R_DhcpDeleteClientInfo"
SET_OPTIONS = "R_DhcpSetOptionValuesV5"
GET = "R_DhcpGetClientInfoVQ"
WALK = "R_DhcpEnumSubnetClientsVQ"
LIST = "R_DhcpEnumSubnetElementsV5"
SCOPES = "R_DhcpEnumSubnets"
SCOPE = "R_DhcpGetSubnetInfo"
OPTIONS = "R_DhcpGetAllOptionValues"
WRITES = frozenset({CREATE, RESERVE, SET, UNRESERVE, DELETE, SET_OPTIONS})

ACTIVE, DECLINED, DOOMED = 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class Result:
    """A run as its user sees it (``outcome``), and as the server does."""

    outcome: Outcome
    counters: Counter[str]
    audit: tuple[Change, ...]
    before: Mapping[str, ScopeSnapshot]
    after: Mapping[str, ScopeSnapshot]

    @property
    def changed(self) -> bool:
        return self.outcome.changed

    @property
    def client(self) -> dict[str, Any]:
        return self.outcome.clients[0]

    @property
    def actions(self) -> list[str]:
        return [client["action"] for client in self.outcome.clients]

    @property
    def action(self) -> str:
        return self.actions[0]

    @property
    def failure(self) -> str:
        return self.outcome.failure or ""

    @property
    def warning(self) -> str:
        return " ".join(self.outcome.warnings)

    @property
    def writes(self) -> dict[str, int]:
        """How often each call that can change something was received."""
        return {name: count for name, count in self.counters.items() if name in WRITES}

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The call and the address of every change that was made, in order."""
        return [(change.call, change.address) for change in self.audit]


def site(settings: Settings | None = None) -> Site:
    """Two scopes, each with a reserved bystander and one with a plain lease."""
    return Site(
        scopes=(
            scope(
                HOME,
                records=(
                    record("10.0.0.99", BYSTANDER, name="bystander", comment="not ours", expires=UNLEASED),
                    record("10.0.0.98", NEIGHBOUR, name="neighbour", expires=LATER, owner_address=7),
                ),
                reservations=(reservation("10.0.0.99", BYSTANDER, allowed_client_types=3),),
            ),
            scope(
                OTHER,
                records=(record("10.0.1.98", NEIGHBOUR, name="neighbour", expires=LATER),),
                reservations=(reservation("10.0.1.99", BYSTANDER),),
            ),
        ),
        settings=settings or Settings(),
    )


def parameters(clients: Iterable[Mapping[str, Any]], *, single: bool, **task: Any) -> dict[str, Any]:
    """A module's parameters as Ansible hands them over, all keys there."""
    names = (*argspec.client_spec(), *argspec.shared_spec(defaults=True))
    defaults = {name: spec.get("default") for name, spec in argspec.shared_spec(defaults=True).items()}
    whole = {**dict.fromkeys(names), **defaults, "purge": False, "purge_limit": 10, **task}
    if single:
        (client,) = clients
        return {**whole, **client, "clients": None}
    return {**whole, "clients": [{**dict.fromkeys(names), **client} for client in clients]}


class Bed:
    """A simulated server with the site above, and the collection before it."""

    def __init__(self, simulator: Simulator) -> None:
        self.sim = simulator

    # --- the site, as another administrator or the server itself changes it -------------------------------------------

    def record(self, ip: str, mac: str, *, at: str | None = None, **more: Any) -> Record:
        """Put in a record: a plain lease until LATER, unless told otherwise."""
        made = record(ip, mac, **{"expires": LATER, "name": "seen", **more})
        self.sim.scope(at or _scope_of(ip)).records.put(made)
        return made

    def reserve(self, ip: str, mac: str, **more: Any) -> Reservation:
        """Put in a reservation alone."""
        made = reservation(ip, mac, **more)
        self.sim.scope(_scope_of(ip)).reservations.put(made)
        return made

    def reserved_record(self, ip: str, mac: str, **more: Any) -> None:
        """Put in a reservation with its record, which was never leased unless told otherwise."""
        self.record(ip, mac, **{"expires": UNLEASED, **more})
        self.reserve(ip, mac)

    def record_at(self, ip: str) -> Record | None:
        """The record at an address now."""
        return self.sim.scope(_scope_of(ip)).records.get(ip)

    def holder(self, ip: str) -> str | None:
        """The MAC that an address is reserved for now."""
        found = self.sim.scope(_scope_of(ip)).reservations.get(ip)
        return None if found is None else found.client_id.hex(":")

    # --- the collection -----------------------------------------------------------------------------------------------

    def server(self, *, username: str = ADMINISTRATOR, request_timeout: float = 10.0) -> DhcpServer:
        """The gateway, with a real connection and logon."""
        endpoint = Endpoint(
            server=self.sim.host, port=self.sim.port, connect_timeout=10.0, request_timeout=request_timeout
        )
        credentials = Credentials(auth="ntlm", username=username, password=DEFAULT_PASSWORD)
        return DhcpServer(lambda: connection.connect(endpoint, credentials, (DHCPSRV, DHCPSRV2)))

    def declare(
        self,
        *clients: Mapping[str, Any],
        check: bool = False,
        single: bool | None = None,
        username: str = ADMINISTRATOR,
        request_timeout: float = 10.0,
        connections: int = 1,
        displaces: Iterable[str] = (),
        **task: Any,
    ) -> Result:
        """Run the use case, and hold what is true of every run. One client alone is the single form.

        ``displaces`` are clients that may be touched although no declaration names them.
        """
        single = len(clients) == 1 if single is None else single
        given = parameters(clients, single=single, **task)
        declared = options.declarations(given, now=NOW)
        purge = options.purge(given, declared)
        self.sim.reset_counters()
        before = self.sim.snapshot()
        with self.server(username=username, request_timeout=request_timeout) as server:
            outcome = converge(server, declared, single=single, check_mode=check, purge=purge, connections=connections)
            calls, writes = server.calls, server.writes
        result = Result(
            outcome=outcome,
            counters=Counter(self.sim.counters),
            audit=tuple(self.sim.audit),
            before=before,
            after=self.sim.snapshot(),
        )
        assert (calls, writes) == (self.sim.calls, self.sim.writes)
        _must_be_truthful(result, check=check)
        _must_leave_others_alone(result, [*clients, *named(displaces)], state=task.get("state", "present"))
        return result


def ours(ip: str = WANTED, mac: str | None = OURS, **more: Any) -> dict[str, Any]:
    """Our client as declared."""
    return {"ip_address": ip, **({} if mac is None else {"mac_address": mac}), **more}


def named(identifiers: Iterable[str]) -> list[dict[str, Any]]:
    """Clients that are only named."""
    return [{"mac_address": identifier} for identifier in identifiers]


def expiry(text: str) -> int:
    """The FILETIME of a moment."""
    return NEVER if text == "never" else filetime(text)


def _scope_of(ip: str) -> str:
    return f"{ip.rpartition('.')[0]}.0"


def _must_be_truthful(result: Result, *, check: bool) -> None:
    outcome = result.outcome
    if check:
        assert not result.writes
        assert not result.audit
        return
    if outcome.failure is None:
        assert outcome.changed == bool(result.audit)
    elif not outcome.changed and "unknown" not in result.actions:
        assert _effect(result.audit, as_declared=_was_put_back(outcome)) == {}
    assert outcome.changed or outcome.diff["before"] == outcome.diff["after"]
    assert (outcome.failure is not None) == any("error" in client for client in outcome.clients + outcome.purged)


def _was_put_back(outcome: Outcome) -> bool:
    return any("was put back" in client.get("error", "") for client in outcome.clients)


def _effect(audit: Iterable[Change], *, as_declared: bool = False) -> dict[tuple[str, str, type], object]:
    """What is left of all changes: those that were taken back cancel out.

    What had to be made again has other values where only the server decides; ``as_declared`` leaves those out.
    """
    first: dict[tuple[str, str, type], object] = {}
    last: dict[tuple[str, str, type], object] = {}
    for change in audit:
        key = (change.scope, change.address, type(change.before or change.after))
        first.setdefault(key, declared_part(change.before) if as_declared else change.before)
        last[key] = declared_part(change.after) if as_declared else change.after
    return {key: value for key, value in last.items() if first[key] != value}


def declared_part(item: Record | Reservation | Range | None) -> object:
    """What people said of a record or a reservation; a bare record, which reserving makes by itself, says nothing."""
    if isinstance(item, Record):
        if (item.name or item.comment) is None and item.expires == UNLEASED:
            return None
        return item.client_id, item.name or "", item.comment or ""
    if isinstance(item, Reservation):
        return item.client_id, item.allowed_client_types, frozenset(item.options)
    return item


def _must_leave_others_alone(result: Result, clients: Iterable[Mapping[str, Any]], *, state: str) -> None:
    """No change is to anybody whom the declarations do not name, by identifier or, if absent, by address."""
    named = {client_id(text) for each in clients if (text := each.get("mac_address") or each.get("client_id"))}
    places = {
        each["ip_address"]
        for each in clients
        if each.get("state", state) == "absent" and not (each.get("mac_address") or each.get("client_id"))
    }
    for change in result.audit:
        for item in (change.before, change.after):
            assert not isinstance(item, Range)
            assert item is None or item.client_id in named or change.address in places
