# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The use case of ``dhcp_reservation_lease``: read, plan, carry out, and say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._crew import Crew
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import Declaration, resolve
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Action,
    Client,
    Conflict,
    Item,
    ItemPlan,
    Present,
    Unplaced,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import Scope, past_expiry
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import plan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.purge import unlisted
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.render import client_values, diff
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    RemoveReservation,
    Reserve,
    ScopeState,
    same_moment,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import lease_view, view
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, InvalidInput, TransportError
from ansible_collections.msrpc.dhcp.plugins.module_utils._execution import Execution
from ansible_collections.msrpc.dhcp.plugins.module_utils._progress import Progress
from ansible_collections.msrpc.dhcp.plugins.module_utils._reading import Allocator, Reader, read_scopes
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer

SiteState = dict[IPv4Address, ScopeState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """Remove the reservations of ``scope`` that the list does not name, but not more than ``limit``."""

    scope: IPv4Address
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What users are told. ``error`` is the first client's, for the codes in it."""

    changed: bool
    clients: list[dict[str, Any]]
    diff: dict[str, Any]
    warnings: list[str]
    purged: list[dict[str, Any]]
    failure: str | None = None
    error: DhcpError | None = None


def converge(
    server: DhcpServer,
    declarations: Sequence[Declaration],
    *,
    single: bool,
    check_mode: bool,
    purge: Purge | None = None,
    connections: int = 1,
) -> Outcome:
    """Make the server hold what is declared, or say what would be done; many writes over ``connections`` at once.

    Raises ``DhcpError`` only as long as nothing was written; after that, every failure is in the outcome.
    """
    scopes = read_scopes(server, declarations)
    reader = Reader(Crew(server, connections), scopes)
    preparation = _Preparation(reader, resolve(declarations, scopes))
    preparation.refuse_the_past(declarations)
    entries = [Progress.of(item_plan) for item_plan in preparation.plans()]
    removals = [Progress.of(item_plan) for item_plan in preparation.purges(purge, entries)]
    warnings = preparation.warnings(entries, check_mode=check_mode)
    if check_mode:
        for entry in entries + removals:
            entry.action = entry.first.action
    else:
        execution = Execution(reader, preparation.site, preparation.allocator)
        execution.carry_out(entries)
        if not any(entry.error is not None for entry in entries):
            execution.carry_out(removals)
    return _Answer(preparation.site, entries, removals, warnings).outcome(single=single)


class _Preparation:
    """Everything before the first write: the site, the addresses of unplaced clients, the plans."""

    def __init__(self, reader: Reader, items: Sequence[Item]) -> None:
        self.site: SiteState = reader.read(items)
        self.allocator = Allocator(reader, items, self.site)
        self._reader = reader
        self._full: dict[int, Conflict] = {}
        self._items = self._own_places(items)
        if any(isinstance(item, Unplaced) for item in self._items):
            self.allocator.offer(self._freed())
            self._items = [self._placed(item) for item in self._items]

    def refuse_the_past(self, declarations: Sequence[Declaration]) -> None:
        """An expiry that is over may be declared only where the server has it already. Raises ``InvalidInput``."""
        over = {declaration.index: declaration for declaration in declarations if declaration.is_over}
        for item in self._items:
            declaration = over.get(item.index)
            if declaration is None or declaration.expires is None or item.scope is None:
                continue
            record = None if item.address is None else self.site[item.scope].record_at(item.address)
            own = record is not None and record.client_id == item.client_id
            if record is None or not own or not same_moment(record.expires, declaration.expires):
                raise past_expiry(str(declaration.expires), f"{declaration.place}lease_expires")

    def _own_places(self, items: Sequence[Item]) -> list[Item]:
        """Clients without a declared address first get the one that they have already."""
        emptied = {(item.scope, item.address) for item in items if isinstance(item, Absent)}
        # Where the list empties an address for another client.
        heirs: dict[tuple[IPv4Address | None, IPv4Address | None], Present] = {
            (item.scope, item.address): item
            for item in items
            if isinstance(item, Present) and (item.scope, item.address) in emptied
        }
        placed: list[Item] = []
        for item in items:
            address = self.allocator.own_address(item, self.site[item.scope]) if isinstance(item, Unplaced) else None
            heir = heirs.get((item.scope, address))
            if heir is not None:
                raise _claimed(item, heir)
            placed.append(item.at(address) if isinstance(item, Unplaced) and address is not None else item)
        return placed

    def _freed(self) -> dict[IPv4Address, set[IPv4Address]]:
        """By scope, the addresses that nobody will have any more when the clients with an address are done."""
        plans = plan([item for item in self._items if not isinstance(item, Unplaced)], self.site)
        frees = [step for item_plan in plans for step in item_plan.frees]
        left = {address: state.copy() for address, state in self.site.items()}
        for step in frees + [step for item_plan in plans for step in item_plan.builds]:
            left[step.scope.address].advance(step)
        freed: dict[IPv4Address, set[IPv4Address]] = {}
        for step in frees:
            if view(left[step.scope.address], step.address) is None:
                freed.setdefault(step.scope.address, set()).add(step.address)
        return freed

    def _placed(self, item: Item) -> Item:
        if not isinstance(item, Unplaced):
            return item
        try:
            return self.allocator.place(item)
        except Conflict as conflict:
            self._full[item.index] = conflict
            return item

    def plans(self) -> list[ItemPlan]:
        """The plan, made again once the option values are known of every reservation that it replaces or moves.

        Clients that are given an address come after all that were declared with one.
        """
        plans = plan(self._items, self.site)
        failed: dict[int, Conflict] = {}
        for item_plan in plans:
            for address in item_plan.unread:
                try:
                    self._read_options(item_plan.item, address)
                except TransportError:
                    raise
                except DhcpError as exc:
                    failed[item_plan.item.index] = Conflict(
                        f"The option values of the reservation at {address} cannot be read, so nothing was "
                        f"removed: {exc}"
                    )
        if any(item_plan.unread for item_plan in plans):
            plans = plan(self._items, self.site, failed)
        unplaced = [
            ItemPlan(item=item, settled=item, error=self._full[item.index])
            for item in self._items
            if isinstance(item, Unplaced)
        ]
        return sorted(plans, key=lambda item_plan: _is_allocated(item_plan.item)) + unplaced

    def _read_options(self, item: Item, address: IPv4Address) -> None:
        if item.scope is not None:
            state = self.site[item.scope]
            state.options[address] = self._reader.server.options(state.scope, address)

    def purges(self, purge: Purge | None, entries: Sequence[Progress]) -> list[ItemPlan]:
        """The plan of what ``purge`` removes. Raises ``DhcpError`` where that is more than its limit."""
        if purge is None or any(entry.error is not None for entry in entries):
            return []
        gone = {step.address for entry in entries for step in entry.first.frees if isinstance(step, RemoveReservation)}
        listed = unlisted(self._items, self.site[purge.scope], first_index=len(self._items))
        victims = [victim for victim in listed if victim.address not in gone]
        if len(victims) > purge.limit:
            raise DhcpError(
                f"purge would remove {len(victims)} reservations of scope {purge.scope}, but purge_limit is "
                f"{purge.limit}. Nothing was changed. Check that the list is complete, then raise purge_limit."
            )
        if not victims:
            return []
        return plan(victims, self._reader.read(victims))

    def warnings(self, entries: Sequence[Progress], *, check_mode: bool) -> list[str]:
        """What is true of the task whatever becomes of it."""
        given = [entry.first.item for entry in entries if entry.error is None and _is_allocated(entry.first.item)]
        found = [
            f"{item.address} in scope {item.scope} is free now, but check mode does not hold it for "
            f"{item.client_id}: a real run may choose another address."
            for item in given
            if check_mode
        ]
        allocated = {item.scope for item in given}
        reserved = {step.scope.address for entry in entries for step in entry.first.builds if isinstance(step, Reserve)}
        for address, scope in sorted(self._reader.scopes.items()):
            if address in allocated and not scope.is_enabled:
                found.append(
                    f"Scope {address} is not active, so clients get no address of it. Activate it on the server."
                )
            if address in reserved:
                found += self._partner(scope)
        return found

    def _partner(self, scope: Scope) -> list[str]:
        """Who does not get the scope's reservations by itself. That the answer cannot be had stops nothing."""
        try:
            relationship = self._reader.server.failover(scope)
        except DhcpError as exc:
            return [
                f"Whether scope {scope} has a failover partner could not be read; if it has one, declare its "
                f"reservations there too: {exc}"
            ]
        if relationship is None:
            return []
        return [
            f"Scope {scope} is in the failover relationship {relationship.name} with {relationship.partner} "
            f"({relationship.partner_address}), which does not get reservations by itself: declare them there too."
        ]


class _Answer:
    """From progress to what users are told. ``site`` is what was there before the first write."""

    def __init__(
        self, site: SiteState, entries: Sequence[Progress], removals: Sequence[Progress], warnings: list[str]
    ) -> None:
        self._site = site
        self._entries = sorted(entries, key=lambda entry: entry.first.item.index)
        self._removals = removals
        self._warnings = warnings

    def outcome(self, *, single: bool) -> Outcome:
        """All of it, clients in the order of the input."""
        every = [*self._entries, *self._removals]
        # The cause before what was undone because of it.
        failed = sorted((entry for entry in every if entry.error is not None), key=lambda entry: entry.undone)
        written = [entry for entry in every if entry.wrote]
        displaced = [(client, None) for entry in written for client in entry.first.displaced]
        changes = displaced + [(entry.first.before, _after(entry)) for entry in written]
        alone = single and len({old.address for old, _new in changes if old}) < 2
        return Outcome(
            changed=bool(written),
            clients=[self._values(entry) for entry in self._entries],
            diff=diff(changes[-1:] if alone else changes, single=alone),
            warnings=self._warnings + [warning for entry in every for warning in _warnings(entry)],
            purged=[self._values(entry) for entry in self._removals if entry.wrote or entry.error is not None],
            failure=_failure(failed, len(every)),
            error=failed[0].error if failed else None,
        )

    def _values(self, entry: Progress) -> dict[str, Any]:
        item = entry.item
        client: Client | None
        if entry.error is not None or (isinstance(item, Absent) and not entry.wrote):
            client = None
        elif isinstance(item, Absent):
            client = entry.first.before
        else:
            client = entry.latest.after
        values = client_values(client or _as_declared(entry))
        values["action"] = (Action.UNKNOWN if entry.unknown else entry.action).value
        values["pending"] = list(entry.latest.pending) if entry.error is None else []
        if entry.error is not None:
            values["error"] = str(entry.error)
            before = self._before(entry)
            values.update({"before": before} if before else {})
        return values

    def _before(self, entry: Progress) -> list[dict[str, Any]]:
        """What was at the places that this run has emptied for the client: enough to make it again by hand."""
        if not isinstance(entry.item, Present) or not entry.may_have_removed:
            return []
        found = []
        for scope, address in sorted(entry.emptied):
            state = self._site[scope]
            client = view(state, address)
            if client is None:
                continue
            reservation, options = state.reservation_at(address), state.options.get(address)
            record = state.record_at(address)
            if reservation is not None and record is not None and record.client_id != reservation.client_id:
                found.append({**client_values(lease_view(state, record)), "allowed_client_types": None, "options": []})
            found.append(
                {
                    **client_values(client),
                    "allowed_client_types": None if reservation is None else reservation.allowed_types,
                    "options": [] if options is None else [dict(option) for option in options.shown],
                }
            )
        return found


def _claimed(item: Item, heir: Present) -> InvalidInput:
    """A client would keep the address that the list empties for another one: the same address twice."""
    return InvalidInput(
        f"{item.option}ip_address",
        None,
        f"{item.client_id} has {heir.address}, which {heir.option[:-1]} declares for {heir.client_id}. Give "
        f"{item.client_id} an ip_address of its own, or set on_conflict=replace, so that it may leave.",
    )


def _is_allocated(item: Item) -> bool:
    return isinstance(item, Present) and item.allocated


def _warnings(entry: Progress) -> tuple[str, ...]:
    """Of what was removed the first plan knows, of what is there the last one."""
    if isinstance(entry.item, Absent) and entry.wrote and entry.error is None:
        return entry.first.warnings  # who has the address by now is no news: the same list may have given it away
    if isinstance(entry.item, Absent) or entry.first.frees:
        return tuple(dict.fromkeys(entry.first.warnings + entry.latest.warnings))
    return entry.latest.warnings


def _failure(failed: Sequence[Progress], total: int) -> str | None:
    if not failed:
        return None
    first = str(failed[0].error)
    if total == 1:
        return first
    return f"{len(failed)} of {total} clients failed; the error of each is in clients. The first: {first}"


def _after(entry: Progress) -> Client | None:
    """After a run, what the last reading shows; before one, and without such a reading, what the plan foresees."""
    if isinstance(entry.item, Absent):
        return None
    return entry.latest.after


def _as_declared(entry: Progress) -> Client:
    """The client by what the user gave of it."""
    item = entry.first.item if isinstance(entry.item, Absent) else entry.item
    return Client(scope=item.scope, address=item.address, client_id=item.client_id, type=item.type)
