# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random sites, what a second administrator does to them, random tasks, and runs of which every call is recorded.

Everything is small, so that collisions are the rule: three scopes of six hosts, five clients, of which two spell their
identifiers otherwise than by a MAC, and a server that differs in what the specification leaves open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from typing import Any

from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Outcome, converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    NEVER,
    OptionValue,
    Range,
    Record,
    Reservation,
    ScopeSite,
    Settings,
    Site,
    client_id,
    dotted,
    filetime,
    option,
)
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    address as number,
)
from ansible_collections.msrpc.dhcp.tests.simulator.store import ADMINISTRATOR, Caller, Change, Scope, Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DELETE,
    GET,
    LIST,
    NOW,
    OPTIONS,
    RESERVE,
    SET,
    SET_OPTIONS,
    UNRESERVE,
    Bed,
    parameters,
)

# --- the ground -------------------------------------------------------------------------------------------------------

NETWORKS = [IPv4Network("10.0.0.0/29"), IPv4Network("10.0.0.8/29"), IPv4Network("192.0.2.16/29")]
MACS = ["00:1c:25:80:a0:43", "00:1c:25:80:a0:44", "02:00:00:00:00:01"]
IDENTIFIERS = ["ff00000001000100012a2b2c2d001c2580a044", "0180"]
CLIENTS = [client_id(text) for text in (*MACS, *IDENTIFIERS)]
NAMES = ["", "pc", "PC.example.org", "till", "till.example.org"]
TEXTS = ["", "2nd floor", "Hall"]
# A record that was never leased, one whose lease is over, and leases that run.
UNLEASED, OVER = 0, filetime("2020-01-01T00:00:00Z")
MOMENTS = ["2098-02-03T04:05:06Z", "2099-01-01T00:00:00Z", "never"]
EXPIRIES = [UNLEASED, OVER, *(NEVER if text == "never" else filetime(text) for text in MOMENTS)]
# Offered, active, declined, doomed; and active with a bit that says how DNS stands.
STATES = [0, 1, 2, 3, 0x11]
OPTION_VALUES = [
    (),
    (option(66, "string", "boot.example.com"),),
    (option(66, "string", "boot.example.com"), option(1, "dword", 1, vendor_class="Microsoft Options")),
]


def hosts(network: IPv4Network) -> list[int]:
    return [int(address) for address in network.hosts()]


HOSTS = [address for network in NETWORKS for address in hosts(network)]


def scope_of(address: int) -> int:
    """The subnet address of the scope that holds an address."""
    return next(int(net.network_address) for net in NETWORKS if address & int(net.netmask) == int(net.network_address))


def owners(network: IPv4Network) -> st.SearchStrategy[dict[int, bytes]]:
    """Who has which address of a scope: an address has one client, a client one address."""
    pairs = st.tuples(st.sampled_from(hosts(network)), st.sampled_from(CLIENTS))
    return st.lists(pairs, unique_by=(lambda pair: pair[0], lambda pair: pair[1]), max_size=5).map(dict)


def spans(network: IPv4Network) -> st.SearchStrategy[tuple[Range, ...]]:
    """Ranges of a scope: the first four hosts, the same in two pieces, all hosts, or none."""
    first = hosts(network)[0]
    pieces = [((0, 3),), ((0, 1), (2, 3)), ((0, 5),), ()]
    return st.sampled_from([tuple(Range(start=first + a, end=first + b) for a, b in each) for each in pieces])


@st.composite
def scopes(draw: st.DrawFn, network: IPv4Network) -> ScopeSite:
    """Half of the reservations have their record, as on a healthy server; the other records fall where they may."""
    reserved = draw(owners(network))
    residents = {where: client for where, client in reserved.items() if draw(st.booleans())}
    for where, client in draw(owners(network)).items():
        if where not in residents and client not in residents.values():
            residents[where] = client
    first = hosts(network)[0]
    return ScopeSite(
        subnet=int(network.network_address),
        mask=int(network.netmask),
        enabled=draw(st.sampled_from([True, True, False])),
        ranges=draw(spans(network)),
        exclusions=draw(st.sampled_from([(), (Range(start=first + 1, end=first + 2),)])),
        records=tuple(draw(records(where, client)) for where, client in residents.items()),
        reservations=tuple(draw(reservations(where, client)) for where, client in reserved.items()),
    )


def records(where: int, client: bytes) -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        address=st.just(where),
        client_id=st.just(client),
        name=st.sampled_from([None, *NAMES]),
        comment=st.sampled_from([None, *TEXTS]),
        expires=st.sampled_from(EXPIRIES),
        state=st.sampled_from(STATES),
        owner_address=st.sampled_from([0, 7]),
    )


def reservations(where: int, client: bytes) -> st.SearchStrategy[Reservation]:
    return st.builds(
        Reservation,
        address=st.just(where),
        client_id=st.just(client),
        allowed_client_types=st.sampled_from([1, 3]),
        options=st.sampled_from(OPTION_VALUES),
    )


SETTINGS = st.builds(
    Settings,
    exists_code=st.sampled_from([20013, 20014]),
    id_form=st.sampled_from(["unique", "bare"]),
    reservation_id_form=st.sampled_from([None, "bare", "unique"]),
    create_outside_range=st.sampled_from(["subnet", "range"]),
    remove_unrecognised=st.sampled_from(["delete", "refuse"]),
    empty_elements=st.sampled_from(["success", "no_more_items"]),
    generation=st.sampled_from(["current", "2008r2"]),
    clients_per_page=st.sampled_from([None, 2]),
)

SITES = st.builds(
    Site,
    scopes=st.tuples(*(scopes(network) for network in NETWORKS)),
    settings=SETTINGS,
    option_definitions=st.just(((None, 66), ("Microsoft Options", 1))),
)

# --- what others do ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Something that a second administrator does, or a client, or the server by itself."""

    what: str
    address: int
    client: bytes = b""
    name: str = ""
    comment: str = ""
    expires: int = UNLEASED
    values: tuple[OptionValue, ...] = ()

    def __call__(self, store: Store) -> None:
        with store.lock:
            DEEDS[self.what](store.scope(scope_of(self.address)), self)


def _lease(scope: Scope, deed: Deed) -> None:
    """The address is another client's from now on, or the same one's anew."""
    old = scope.records.of(deed.client)
    if old is not None:
        del scope.records[old.address]
    scope.records.put(
        Record(address=deed.address, client_id=deed.client, name=deed.name, expires=deed.expires, comment=deed.comment)
    )


def _reserve(scope: Scope, deed: Deed) -> None:
    for old in (scope.reservations.of(deed.client), scope.reservations.at(deed.address)):
        if old is not None:
            scope.reservations.pop(old.address, None)
    scope.reservations.put(Reservation(address=deed.address, client_id=deed.client, options=deed.values))


def _reserve_and_lease(scope: Scope, deed: Deed) -> None:
    _reserve(scope, deed)
    _lease(scope, replace(deed, expires=UNLEASED))


def _alter(scope: Scope, deed: Deed, **what: Any) -> None:
    found = scope.records.at(deed.address)
    if found is not None:
        scope.records.put(replace(found, **what))


def _sweep(scope: Scope, deed: Deed) -> None:
    """The server cleans up: what nothing holds and was never leased, or is over, vanishes."""
    del deed
    for each in list(scope.records.values()):
        if each.expires in (UNLEASED, OVER) and scope.reservations.at(each.address) is None:
            del scope.records[each.address]


def _move(scope: Scope, deed: Deed) -> None:
    """A client that already has a lease takes another address."""
    old = scope.records.of(deed.client)
    if old is not None:
        del scope.records[old.address]
        scope.records.put(replace(old, address=deed.address))


def _set_options(scope: Scope, deed: Deed) -> None:
    found = scope.reservations.at(deed.address)
    if found is not None:
        scope.reservations.put(replace(found, options=deed.values))


DEEDS: dict[str, Callable[[Scope, Deed], None]] = {
    "lease": _lease,
    "move": _move,
    "vanish": lambda scope, deed: scope.records.pop(deed.address, None) and None,
    "reserve": _reserve,
    "reserve and lease": _reserve_and_lease,
    "unreserve": lambda scope, deed: scope.reservations.pop(deed.address, None) and None,
    "rename": lambda scope, deed: _alter(scope, deed, name=deed.name, comment=deed.comment),
    "renew": lambda scope, deed: _alter(scope, deed, name=deed.name or "own", expires=EXPIRIES[2], state=1),
    "decline": lambda scope, deed: _alter(scope, deed, state=2),
    "doom": lambda scope, deed: _alter(scope, deed, state=3),
    "sweep": _sweep,
    "options": _set_options,
}


def deeds(addresses: Sequence[int], clients: Sequence[bytes]) -> st.SearchStrategy[Deed]:
    return st.builds(
        Deed,
        what=st.sampled_from([*sorted(DEEDS), "lease", "lease", "reserve", "move", "unreserve"]),
        address=st.sampled_from(addresses),
        client=st.sampled_from(clients),
        name=st.sampled_from(NAMES),
        comment=st.sampled_from(TEXTS),
        expires=st.sampled_from(EXPIRIES),
        values=st.sampled_from(OPTION_VALUES),
    )


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When: before or after the ``nth`` call of a name, or of any."""

    call: str | None
    nth: int
    after: bool


WRITES = [CREATE, RESERVE, SET, UNRESERVE, DELETE, SET_OPTIONS]
MOMENTS_OF_A_RUN = st.one_of(
    st.builds(Moment, call=st.sampled_from(WRITES), nth=st.sampled_from([1, 1, 2]), after=st.just(False)),
    st.builds(Moment, call=st.sampled_from([*WRITES, GET, LIST, OPTIONS]), nth=st.integers(1, 8), after=st.booleans()),
    st.builds(Moment, call=st.none(), nth=st.integers(1, 30), after=st.booleans()),
)

Interference = tuple[Moment, Deed]


# --- what is declared -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task's own options, and its clients in the words of users."""

    single: bool
    clients: tuple[Mapping[str, Any], ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def addresses(self) -> list[int]:
        """The addresses that it names."""
        found = (each.get("ip_address") for each in self.clients)
        return [number(each) for each in found if each is not None]


@st.composite
def items(draw: st.DrawFn, address: int, client: bytes) -> dict[str, Any]:
    """One client. Its options differ from the task's as often as not."""
    state = draw(st.sampled_from(["present", "present", "absent"]))
    kind = draw(st.sampled_from(["reservation", "reservation", "lease"]))
    text = client.hex(":") if len(client) == 6 else client.hex()
    item: dict[str, Any] = {"state": state, "type": kind, "mac_address" if len(client) == 6 else "client_id": text}
    subnet = dotted(scope_of(address))
    shape = draw(st.sampled_from(["both", "both", "both", "client", "address"]))
    if shape != "client":
        item["ip_address"] = dotted(address)
    if shape == "address" and state == "absent":
        item = {key: value for key, value in item.items() if key not in ("mac_address", "client_id")}
    if (shape == "client" and state == "present") or draw(st.booleans()):
        item["scope"] = subnet
    if state == "present":
        item["on_conflict"] = draw(st.sampled_from(["fail", "evict_lease", "replace"]))
        item["name_policy"] = draw(st.sampled_from(["always", "on_create"]))
        item["name"] = draw(st.sampled_from([None, *NAMES]))
        item["description"] = draw(st.sampled_from([None, *TEXTS]))
        if kind == "lease":
            item["lease_expires"] = draw(st.sampled_from([None, *MOMENTS, "2020-01-01T00:00:00Z"]))
    return item


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """A single client, or a list of up to five, which may purge its scope."""
    purge = draw(st.sampled_from([False, False, True]))
    network = draw(st.sampled_from(NETWORKS))
    size = draw(st.integers(1, 5))
    places = hosts(network) if purge or draw(st.booleans()) else HOSTS
    clients = CLIENTS + (CLIENTS if len(places) > 6 else [])
    where = draw(st.permutations(places))[:size]
    who = draw(st.permutations(clients))[:size]
    drawn = tuple(draw(items(address, client)) for address, client in zip(where, who, strict=False))
    if purge:
        more = {"purge": True, "purge_limit": draw(st.sampled_from([0, 1, 2, 10])), "scope": dotted(scope_of(where[0]))}
        return Task(single=False, clients=drawn, options=more)
    return Task(single=len(drawn) == 1 and draw(st.booleans()), clients=drawn)


# --- runs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class View:
    """A server's database at one moment."""

    records: Mapping[int, Record]
    reservations: Mapping[int, Reservation]

    @classmethod
    def of(cls, store: Store) -> View:
        return cls(
            records={each.address: each for scope in store.scopes.values() for each in scope.records.values()},
            reservations={
                each.address: each for scope in store.scopes.values() for each in scope.reservations.values()
            },
        )

    def holder(self, address: int) -> bytes | None:
        """Whom an address is reserved for."""
        found = self.reservations.get(address)
        return None if found is None else found.client_id

    def tenant(self, address: int) -> bytes | None:
        """Whose record is at an address."""
        found = self.records.get(address)
        return None if found is None else found.client_id

    def at(self, address: int) -> tuple[Record | None, Reservation | None]:
        return self.records.get(address), self.reservations.get(address)

    def place_of(self, client: bytes, scope: int) -> int | None:
        """Where a client's record is."""
        return next(
            (
                each.address
                for each in self.records.values()
                if (each.client_id, scope_of(each.address)) == (client, scope)
            ),
            None,
        )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A call as the database has executed it: what was there before and after, and what the call changed of it."""

    call: calls.Call[Any]
    status: int
    seen: View
    left: View
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        return self.call.name

    @property
    def is_write(self) -> bool:
        return self.call.WRITES


class Journal:
    """Records every call that a store executes."""

    def __init__(self, store: Store) -> None:
        self.entries: list[Entry] = []
        self._store = store
        self._execute = store.execute
        store.execute = self._record  # type: ignore[method-assign]

    def _record(self, call: calls.Call[Any], caller: Caller = ADMINISTRATOR) -> Any:
        store = self._store
        with store.lock:
            seen, known = View.of(store), len(store.audit)
            reply = self._execute(call, caller)
            self.entries.append(
                Entry(
                    call=call,
                    status=getattr(reply, "Return", 0),
                    seen=seen,
                    left=View.of(store),
                    changes=tuple(store.audit[known:]),
                )
            )
        return reply


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run has said, and what the server has seen of it. Without ``outcome`` it was refused as a whole."""

    task: Task
    check: bool
    outcome: Outcome | None
    refusal: str
    entries: tuple[Entry, ...]
    before: View
    after: View

    @property
    def changes(self) -> list[Change]:
        return [change for entry in self.entries for change in entry.changes]

    @property
    def writes(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.is_write]

    @property
    def changed(self) -> bool:
        return self.outcome is not None and self.outcome.changed

    @property
    def failure(self) -> str:
        return self.refusal if self.outcome is None else self.outcome.failure or ""

    @property
    def actions(self) -> list[str]:
        return [] if self.outcome is None else [client["action"] for client in self.outcome.clients]

    @property
    def was_refused_a_write(self) -> bool:
        """Whether the server did not do something that was asked of it."""
        return any(entry.status and not entry.changes for entry in self.writes)


def told(run: Run, *others: object) -> str:
    """A run for the eyes of who has to find out why it went wrong."""
    lines = ["", f"settings and interference: {others}", f"options: {run.task.options}"]
    lines += [f"  {each}" for each in run.task.clients]
    lines += [f"before: {_shown(each)}" for each in (*run.before.reservations.values(), *run.before.records.values())]
    for entry in run.entries:
        lines.append(f"{'->' if entry.is_write else '  '} {_spelled(str(entry.call))} gives {entry.status}")
        lines += [f"     {_shown(change.before)} becomes {_shown(change.after)}" for change in entry.changes]
    lines += [f"says: {run.refusal}"] if run.outcome is None else [f"says: {each}" for each in run.outcome.clients]
    return "\n".join(lines)


def _spelled(text: str) -> str:
    """A call with addresses as people write them, and without what says nothing."""
    text = re.sub(r"ServerIpAddress=None, |, ResumeHandle=0|, PreferredMaximum=\d+|[A-Z_]+_INFO\b", "", text)
    return re.sub(r"\b\d{9,10}\b", lambda found: dotted(int(found[0])), text)


def _shown(item: object) -> str:
    if isinstance(item, Record):
        text = f"{item.name!r} {item.comment!r} until {item.expires} state {item.state}"
        return f"record {dotted(item.address)} {item.client_id.hex()} {text}"
    if isinstance(item, Reservation):
        return f"reservation {dotted(item.address)} {item.client_id.hex()} {len(item.options)} options"
    return str(item)


class Ground(Bed):
    """A simulated server of a random site, and the collection before it."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self._journal = Journal(simulator.store)

    def run(self, task: Task, *, check: bool = False, interference: Sequence[Interference] = ()) -> Run:
        """Run a task, while others do what they do."""
        sim, entries = self.sim, self._journal.entries
        given = parameters(task.clients, single=task.single, **task.options)
        outcome, refusal = None, ""
        entries.clear()
        sim.reset_counters()
        before = View.of(sim.store)
        for moment, deed in interference:
            sim.faults.add(moment.call, nth=moment.nth, **{"after" if moment.after else "before": deed})
        try:
            declared = options.declarations(given, now=NOW)
            purge = options.purge(given, declared)
            with self.server() as server:
                outcome = converge(server, declared, single=task.single, check_mode=check, purge=purge)
        except DhcpError as exc:
            refusal = str(exc)
        finally:
            sim.faults.clear()
        return Run(
            task=task,
            check=check,
            outcome=outcome,
            refusal=refusal,
            entries=tuple(entries),
            before=before,
            after=View.of(sim.store),
        )
