# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The use case of ``dhcp_reservation_lease``: read, plan, write, and read again until the plan is empty.

A plan without steps, made from what was read after the writes, is the proof of every write. So is a plan that still has
a step which was sent already the proof that it failed: no step is ever sent twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import (
    Declaration,
    relevant_scopes,
    resolve,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, ClientId, ClientType, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import (
    Absent,
    Action,
    Client,
    Item,
    ItemPlan,
    Present,
    Site,
    plan,
    undo,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.render import client_values, diff
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import Create, Reserve, ScopeState, Step
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    DhcpError,
    Overtaken,
    RpcFault,
    Taken,
    TransportError,
    Unanswered,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer

# From this many clients of a scope on, one walk of the scope is cheaper than two look-ups for each.
WALK_FROM = 20
# Planning, writing, proving, and one more write for what the server made differently than foreseen.
_ROUNDS = 4
# After this many lost connections in a row nothing more is written; what is left is reported as not tried.
_MAX_LOSSES = 3


class Sent(Enum):
    """What is known of a step that was sent."""

    DONE = "acknowledged"
    REFUSED = "refused"
    UNANSWERED = "without answer"


@dataclass(slots=True, kw_only=True)
class Progress:
    """What has happened to one item so far. ``first`` is the plan that was made before the first write.

    ``item`` is what is read and planned again. An absent client is pinned to what the first plan removes: who comes to
    that address afterwards is none of this task's business.
    """

    item: Item
    first: ItemPlan
    latest: ItemPlan
    sent: dict[Step, Sent] = field(default_factory=dict)
    refusals: dict[Step, DhcpError] = field(default_factory=dict)
    action: Action = Action.NONE
    touched: bool = False
    unknown: bool = False
    error: DhcpError | None = None
    note: str = ""

    @property
    def wrote(self) -> bool:
        return self.action not in (Action.NONE, Action.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What users are told. ``error`` is the first client's, for the codes in it."""

    changed: bool
    clients: list[dict[str, Any]]
    diff: dict[str, Any]
    warnings: list[str]
    failure: str | None = None
    error: DhcpError | None = None


def converge(server: DhcpServer, declarations: Sequence[Declaration], *, single: bool, check_mode: bool) -> Outcome:
    """Make the server hold what is declared, or say what would be done.

    Raises ``DhcpError`` only as long as nothing was written; after that, every failure is in the outcome.
    """
    scopes = _read_scopes(server, declarations)
    items = resolve(declarations, scopes)
    run = _Run(server, scopes)
    for item_plan in plan(items, run.read(items)):
        run.progress[item_plan.item.index] = Progress(
            item=_pinned(item_plan), first=item_plan, latest=item_plan, error=item_plan.error
        )
    if check_mode:
        return _outcome(_foreseen(run.progress), single=single)
    run.carry_out()
    return _outcome(run.progress, single=single)


def _read_scopes(server: DhcpServer, declarations: Sequence[Declaration]) -> dict[IPv4Address, Scope]:
    """The scopes concerned. The list of all is read only where some item does not name its scope."""
    known: list[IPv4Address] = []
    if any(declaration.scope is None for declaration in declarations):
        known = server.scope_addresses()
    found = (server.scope(address) for address in relevant_scopes(declarations, known))
    return {scope.address: scope for scope in found if scope is not None}


def _foreseen(progress: Mapping[int, Progress]) -> dict[int, Progress]:
    """Progress as it would be after a run in which everything went as planned."""
    return {
        index: Progress(
            item=entry.item, first=entry.first, latest=entry.latest, action=entry.first.action, error=entry.error
        )
        for index, entry in progress.items()
    }


def _pinned(item_plan: ItemPlan) -> Item:
    item = item_plan.item
    if not isinstance(item, Absent) or not item_plan.steps:
        return item
    step = item_plan.steps[0]
    return replace(item, scope=step.scope.address, address=step.address, client_id=step.client_id)


class _Run:
    """One execution: the server, its scopes, and the progress of every item by index."""

    def __init__(self, server: DhcpServer, scopes: dict[IPv4Address, Scope]) -> None:
        self.progress: dict[int, Progress] = {}
        self._server = server
        self._scopes = scopes
        self._ranges: dict[IPv4Address, tuple[AddressRange, ...]] = {}
        self._losses = 0
        self._gone: DhcpError | None = None

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, items: Sequence[Item]) -> Site:
        """Everything that planning these items needs, fresh from the server."""
        per_scope: dict[IPv4Address, list[Item]] = {}
        for item in items:
            for address in self._scopes if item.scope is None else (item.scope,):
                per_scope.setdefault(address, []).append(item)
        return {address: self._read_scope(self._scopes[address], group) for address, group in per_scope.items()}

    def _read_scope(self, scope: Scope, items: Sequence[Item]) -> ScopeState:
        state = ScopeState(scope=scope)
        for reservation in self._server.reservations(scope):
            state.add_reservation(reservation)
        if len(items) < WALK_FROM:
            for item in items:
                self._look_up(item, state)
        else:
            self._walk(items, state)
        if scope.address not in self._ranges and any(_needs_ranges(item, state) for item in items):
            self._ranges[scope.address] = self._server.ranges(scope)
        state.ranges = self._ranges.get(scope.address)
        return state

    def _look_up(self, item: Item, state: ScopeState) -> None:
        """By address and by identifier; the latter only where the former did not find the client already."""
        addresses = [] if item.address is None else [item.address]
        if item.address is None and item.client_id is not None:
            reservation = state.reservation_of(item.client_id)
            addresses = [] if reservation is None else [reservation.address]
        for address in addresses:
            record = self._server.record_at(state.scope, address)
            if record is not None:
                state.add_record(record)
        if item.client_id is not None and state.record_of(item.client_id) is None:
            record = self._server.record_of(state.scope, item.client_id)
            if record is not None:
                state.add_record(record)

    def _walk(self, items: Sequence[Item], state: ScopeState) -> None:
        """One walk; of its records only those are kept that an item asks for."""
        addresses = {item.address for item in items}
        identifiers = {item.client_id for item in items}
        for client_id in identifiers:
            reservation = None if client_id is None else state.reservation_of(client_id)
            if reservation is not None:
                addresses.add(reservation.address)
        for record in self._server.records(state.scope):
            if record.address in addresses or record.client_id in identifiers:
                state.add_record(record)

    # --- writing ------------------------------------------------------------------------------------------------------

    def carry_out(self) -> None:
        """Write and read in turn until every plan is empty or has failed."""
        active = [entry for entry in self.progress.values() if entry.latest.steps and entry.error is None]
        for _round in range(_ROUNDS):
            if not active:
                return
            self._write(active)
            active = self._judge(self._concerned(active))
        for entry in active:
            entry.error = DhcpError(
                f"{_where(entry)}: what was declared could not be reached in {_ROUNDS} attempts, since the server kept "
                f"changing or did not answer. {entry.note or 'Every reading showed something else.'} Run again."
            )

    def _write(self, active: Iterable[Progress]) -> None:
        """Send the steps of each item up to the first that fails.

        Where what frees an address or a client has failed, the item that waits for it is planned again first.
        """
        held: set[tuple[Scope, IPv4Address | ClientId]] = set()
        for entry in active:
            if self._gone is not None:
                entry.error = entry.error or DhcpError(f"{_where(entry)}: not tried, because of: {self._gone}")
                continue
            entry.touched = True
            for step in entry.latest.steps:
                claims: set[tuple[Scope, IPv4Address | ClientId]] = {
                    (step.scope, step.address),
                    (step.scope, step.client_id),
                }
                if claims & held or step in entry.sent or not self._send(entry, step):
                    held |= claims
                    break

    def _send(self, entry: Progress, step: Step) -> bool:
        """Send a step; whether the item's next step may follow."""
        try:
            self._server.apply(step)
        except Overtaken as exc:
            entry.note = str(exc)
        except Unanswered as exc:
            entry.sent[step], entry.refusals[step] = Sent.UNANSWERED, exc
            if isinstance(exc.__cause__, TransportError):
                self._lost(exc)
        except RpcFault as exc:
            entry.note = str(exc)
        except TransportError as exc:
            entry.note = str(exc)
            self._lost(exc)
        except DhcpError as exc:
            entry.sent[step], entry.refusals[step] = Sent.REFUSED, exc
        else:
            entry.sent[step] = Sent.DONE
            self._losses = 0
            if entry.action is Action.NONE:
                entry.action = entry.latest.action
            return True
        return False

    def _lost(self, exc: DhcpError) -> None:
        self._losses += 1
        if self._losses >= _MAX_LOSSES:
            self._gone = exc

    def _concerned(self, active: Iterable[Progress]) -> list[Progress]:
        """Whom the writes concern: removing a reservation also changes the expiry of a lease that the list declares."""
        places = {
            (step.scope.address, step.address) for entry in active if entry.touched for step in entry.latest.steps
        }
        return [
            entry
            for entry in self.progress.values()
            if entry.touched
            or (
                entry.error is None
                and isinstance(entry.item, Present)
                and (entry.item.scope, entry.item.address) in places
            )
        ]

    # --- proving ------------------------------------------------------------------------------------------------------

    def _judge(self, touched: Sequence[Progress]) -> list[Progress]:
        """Read again and plan again: who is done, who has failed, and who has something new to write."""
        items = [entry.item for entry in touched]
        if not items:
            return []
        try:
            site = self.read(items)
        except DhcpError as exc:
            for entry in touched:
                _unproven(entry, exc)
            return []
        again = []
        for item_plan in plan(items, site):
            entry = self.progress[item_plan.item.index]
            entry.latest, entry.touched = item_plan, False
            self._settle(entry, site)
            if entry.latest.error is not None:
                entry.error = _with_note(entry.latest.error, entry)
            elif entry.latest.steps and entry.latest.steps[0] in entry.sent:
                self._fail(entry, entry.latest.steps[0], site)
            elif entry.latest.steps:
                again.append(entry)
            self._take_back(entry, site)
        return again

    def _settle(self, entry: Progress, site: Site) -> None:
        """What got no answer but is there was written by this run."""
        for step, sent in entry.sent.items():
            if sent is Sent.UNANSWERED and site[step.scope.address].shows(step):
                entry.sent[step] = Sent.DONE
                if entry.action is Action.NONE:
                    entry.action = entry.first.action

    def _fail(self, entry: Progress, step: Step, site: Site) -> None:
        """A step that was sent is still to be done: the item has failed."""
        sent = entry.sent[step]
        if sent is Sent.DONE:
            entry.error = DhcpError(
                f"{_where(entry)}: the server acknowledged {_words(step)}, but reading it back does not show it. "
                "Look at the record on the server."
            )
            return
        cause = entry.refusals[step]
        if sent is Sent.UNANSWERED:
            entry.error = _because(
                cause,
                f"{_where(entry)}: {_words(step)} was sent without a verified answer, and reading again does not show "
                f"it: {cause}",
            )
        elif isinstance(cause, Taken):
            entry.error = _because(
                cause,
                f"{_where(entry)}: {cause} Reading again finds neither a record at the address nor one of the client, "
                "so the server's database or the address itself is the cause: look at the server's event log.",
            )
        else:
            entry.error = _because(cause, f"{_where(entry)}: {cause}")

    def _take_back(self, entry: Progress, site: Site) -> None:
        """Remove the record that this run made for a reservation which the server then refused, or say that it is left.

        Without an answer to the reservation the record stays: the server may still be about to reserve it.
        """
        made = _made_for_reservation(entry)
        if entry.error is None or made is None:
            return
        state = site[made.scope.address]
        if not state.shows(made) or state.shows(_reservation_for(made)):
            return
        left = f"The record that this task made at {made.address} is still there, without its reservation."
        step = undo([made], state) if _reservation_for(made) in _refused(entry) else None
        try:
            if step is not None:
                self._server.apply(step)
                if self._server.record_at(step.scope, step.address) is None:
                    entry.action = Action.NONE
                    left = f"The record that this task had made at {step.address} was removed again."
        except DhcpError as exc:
            left += f" Removing it failed: {exc}"
        entry.error = _because(entry.error, f"{entry.error} {left}")


def _needs_ranges(item: Item, state: ScopeState) -> bool:
    """Whether the item may have to be reserved; another client's reservation may go by the same list."""
    if not isinstance(item, Present) or item.type is ClientType.LEASE:
        return False
    reservation = state.reservation_at(item.address)
    return reservation is None or reservation.client_id != item.client_id


def _made_for_reservation(entry: Progress) -> Create | None:
    """The record that this run made to be held by a reservation."""
    for step, sent in entry.sent.items():
        if isinstance(step, Create) and step.expires.is_unset and sent is Sent.DONE:
            return step
    return None


def _reservation_for(made: Create) -> Reserve:
    return Reserve(scope=made.scope, address=made.address, client_id=made.client_id)


def _refused(entry: Progress) -> list[Step]:
    return [step for step, sent in entry.sent.items() if sent is Sent.REFUSED]


def _unproven(entry: Progress, exc: DhcpError) -> None:
    """The read after the writes failed: what was acknowledged is reported as written, the rest as unknown."""
    if any(sent is Sent.UNANSWERED for sent in entry.sent.values()):
        entry.unknown = True
        entry.error = _because(
            exc,
            f"{_where(entry)}: whether it was written is unknown: {next(iter(entry.refusals.values()))} "
            f"Reading again failed: {exc}",
        )
    elif not entry.sent:
        entry.error = _because(exc, f"{_where(entry)}: not tried: {entry.note or exc}")
    elif entry.refusals:
        cause = next(iter(entry.refusals.values()))
        entry.error = _with_note(_because(cause, f"{_where(entry)}: {cause} Reading again failed: {exc}"), entry)
    else:
        entry.error = _because(
            exc, f"{_where(entry)}: the server acknowledged the writes, but reading them back failed: {exc}"
        )


def _with_note(error: DhcpError, entry: Progress) -> DhcpError:
    """A failure that showed only after something was written says what that was."""
    written = [_words(step) for step, sent in entry.sent.items() if sent is Sent.DONE]
    if not written:
        return error
    return _because(error, f"{error} This task had already written: {', '.join(written)}.")


def _because(cause: DhcpError, sentence: str) -> DhcpError:
    error = DhcpError(sentence)
    error.__cause__ = cause
    return error


def _words(step: Step) -> str:
    names = {
        "Create": "the creation of the record",
        "Reserve": "the reservation",
        "SetRecord": "the change of the record",
        "RemoveReservation": "the removal of the reservation",
        "DeleteRecord": "the removal of the record",
    }
    return names[type(step).__name__]


def _where(entry: Progress) -> str:
    item = entry.first.item
    named = [str(part) for part in (item.client_id, item.address) if part is not None]
    return " at ".join(named) + ("" if item.scope is None else f" in scope {item.scope}")


# --- the answer -------------------------------------------------------------------------------------------------------


def _outcome(progress: Mapping[int, Progress], *, single: bool) -> Outcome:
    entries = [progress[index] for index in sorted(progress)]
    failed = [entry for entry in entries if entry.error is not None]
    written = [entry for entry in entries if entry.wrote]
    changes = [(entry.first.before, _after(entry)) for entry in written]
    return Outcome(
        changed=bool(written),
        clients=[_values(entry) for entry in entries],
        diff=diff(changes, single=single),
        warnings=[warning for entry in entries for warning in _warnings(entry)],
        failure=_failure(failed, len(entries)),
        error=failed[0].error if failed else None,
    )


def _warnings(entry: Progress) -> tuple[str, ...]:
    """Of what was removed the first plan knows, of what is there the last one."""
    return entry.first.warnings if isinstance(entry.item, Absent) else entry.latest.warnings


def _failure(failed: Sequence[Progress], total: int) -> str | None:
    if not failed:
        return None
    first = str(failed[0].error)
    if total == 1:
        return first
    return f"{len(failed)} of {total} clients failed; the error of each is in clients. The first: {first}"


def _after(entry: Progress) -> Client | None:
    """After a run, what the last reading shows; before one, and without such a reading, what the plan foresees."""
    if isinstance(entry.first.item, Absent):
        return None
    return entry.latest.after


def _values(entry: Progress) -> dict[str, Any]:
    item = entry.first.item
    client: Client | None
    if entry.error is not None or (isinstance(item, Absent) and not entry.wrote):
        client = None
    elif isinstance(item, Absent):
        client = entry.first.before
    else:
        client = entry.latest.after
    values = client_values(client or _as_declared(item))
    values["action"] = (Action.UNKNOWN if entry.unknown else entry.action).value
    values["pending"] = list(entry.latest.pending) if entry.error is None else []
    if entry.error is not None:
        values["error"] = str(entry.error)
    return values


def _as_declared(item: Item) -> Client:
    return Client(scope=item.scope, address=item.address, client_id=item.client_id, type=item.type)
