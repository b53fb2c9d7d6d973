# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Carrying out a plan: write, and read again until the plan is empty.

A plan without steps, made from what was read after the writes, is the proof of every write. So is a plan that still has
a step which was sent already the proof that it failed: no step is ever sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from ipaddress import IPv4Address
from typing import TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Action,
    Conflict,
    Item,
    ItemPlan,
    Present,
    Unplaced,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import Site, plan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.restore import Place, Restoration, restore, undo
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    DhcpError,
    Overtaken,
    RpcFault,
    Taken,
    TransportError,
    Unanswered,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._reading import Allocator, Reader
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer

# Planning, writing, proving, and one more write for what the server made differently than foreseen.
_ROUNDS = 4
# How many addresses are tried for a client that was declared without one, while others take them.
_CANDIDATES = 64
# After this many lost connections in a row nothing more is written; what is left is reported as not tried.
_MAX_LOSSES = 3
# From this many writes on, further connections are worth their logons.
_BULK_FROM = 50

# What no two clients may have at once: an address of a scope, and a client in it.
Claim: TypeAlias = tuple[IPv4Address, "IPv4Address | ClientId"]


class Sent(Enum):
    """What is known of a step that was sent."""

    DONE = "acknowledged"
    REFUSED = "refused"
    UNANSWERED = "without answer"


@dataclass(slots=True, kw_only=True, eq=False)
class Progress:
    """What has happened to one item so far. ``first`` is the plan that was made before the first write.

    ``item`` is what is read and planned again: pinned to what the first plan removes and takes over.
    """

    item: Item
    first: ItemPlan
    latest: ItemPlan
    sent: dict[Step, Sent] = field(default_factory=dict)
    refusals: dict[Step, DhcpError] = field(default_factory=dict)
    action: Action = Action.NONE
    rounds: int = 0
    candidates: int = 0
    touched: bool = False
    halted: bool = False
    unknown: bool = False
    undone: bool = False
    error: DhcpError | None = None
    note: str = ""

    @classmethod
    def of(cls, item_plan: ItemPlan) -> Progress:
        """Nothing has happened yet."""
        return cls(item=item_plan.settled, first=item_plan, latest=item_plan, error=item_plan.error)

    @property
    def wrote(self) -> bool:
        return self.action not in (Action.NONE, Action.UNKNOWN)

    @property
    def done(self) -> list[Step]:
        """The steps that took effect."""
        return [step for step, sent in self.sent.items() if sent is Sent.DONE]

    @property
    def places(self) -> set[Place]:
        """Where something was written, or may have been."""
        return {(step.scope.address, step.address) for step, sent in self.sent.items() if sent is not Sent.REFUSED}

    @property
    def has_removed(self) -> bool:
        """Whether something was removed to make room for this client."""
        return isinstance(self.item, Present) and bool(self._removals(Sent.DONE))

    @property
    def may_have_removed(self) -> bool:
        """The same, where an answer that did not come leaves it open."""
        return isinstance(self.item, Present) and bool(self.emptied)

    @property
    def emptied(self) -> set[Place]:
        """Where something was removed, or may have been."""
        return self._removals(Sent.DONE, Sent.UNANSWERED)

    def _removals(self, *known: Sent) -> set[Place]:
        return {
            (step.scope.address, step.address)
            for step, sent in self.sent.items()
            if sent in known and isinstance(step, (RemoveReservation, DeleteRecord))
        }


class Execution:
    """One execution of a plan. ``original`` is what was there before the first write."""

    def __init__(self, reader: Reader, original: Site, allocator: Allocator) -> None:
        self._reader = reader
        self._crew = reader.crew
        self._server = reader.crew.server
        self._original = original
        self._allocator = allocator
        self._losses = 0
        self._gone: DhcpError | None = None

    def carry_out(self, entries: Sequence[Progress]) -> None:
        """Write and read in turn until every plan is empty or has failed; put back what was removed for nothing."""
        active = [entry for entry in entries if entry.latest.steps and entry.error is None]
        while active:
            self._write(active)
            active = self._judge(_concerned(active, entries))
        self._put_back(entries)

    # --- writing ------------------------------------------------------------------------------------------------------

    def _write(self, active: Sequence[Progress]) -> None:
        """Send the steps of each item up to the first that fails: first all that free something, then all others.

        Where what frees an address or a client has failed, the item that waits for it is planned again first.
        """
        held: set[Claim] = set()
        phases: tuple[Callable[[ItemPlan], tuple[Step, ...]], ...] = (lambda p: p.frees, lambda p: p.builds)
        for entry in active:
            entry.halted = False
        bulk = sum(len(entry.latest.steps) for entry in active) >= _BULK_FROM
        for steps_of in phases:
            work = [(entry, steps_of(entry.latest)) for entry in active]
            groups = [_Group(members, set(held)) for members in (_independent(work) if bulk else [work])]
            self._crew.run([partial(self._write_group, group) for group in groups])
            held.update(*(group.held for group in groups))

    def _write_group(self, group: _Group, server: DhcpServer) -> None:
        for entry, steps in group.members:
            self._write_steps(entry, steps, group.held, server)

    def _write_steps(self, entry: Progress, steps: Iterable[Step], held: set[Claim], server: DhcpServer) -> None:
        for step in steps:
            if entry.halted:
                return
            if self._gone is not None:
                entry.halted = True
                if not entry.touched:
                    entry.error = DhcpError(f"{where(entry)}: not tried, because of: {self._gone}")
                return
            entry.touched = True
            if not held.isdisjoint(_claims(step)) or step in entry.sent or not self._send(entry, step, server):
                held.update(_claims(step))
                entry.halted = True

    def _send(self, entry: Progress, step: Step, server: DhcpServer) -> bool:
        """Send a step; whether the item's next step may follow."""
        try:
            server.apply(step)
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
        # Over several connections a loss may go uncounted beside another one: then the end comes one loss later.
        self._losses += 1
        if self._losses >= _MAX_LOSSES:
            self._gone = exc

    # --- proving ------------------------------------------------------------------------------------------------------

    def _judge(self, touched: Sequence[Progress]) -> list[Progress]:
        """Read again and plan again: who is done, who has failed, and who has something new to write."""
        if not touched:
            return []
        try:
            site = self._read_again(touched)
        except DhcpError as exc:
            for entry in touched:
                _unproven(entry, exc)
            return []
        self._losses, self._gone = 0, None  # the server answers
        self._plan_again(touched, site)
        again = []
        for entry in touched:
            if self._decide(entry, site):
                again.append(entry)
            self._take_back(entry, site)
        return again

    def _read_again(self, entries: Sequence[Progress]) -> Site:
        """What is there now. After a removal one lost reading is not the end: half of something may be done."""
        items = [entry.item for entry in entries]
        try:
            return self._reader.read(items)
        except TransportError:
            if not any(entry.may_have_removed for entry in entries):
                raise
            return self._reader.read(items)

    def _plan_again(self, entries: Sequence[Progress], site: Site) -> None:
        """The new plan of each item. Who waits for a place whose holder could not leave does not get it."""
        by_index = {entry.item.index: entry for entry in entries}
        for entry in entries:
            entry.touched = False
            entry.rounds += 1
            _settle(entry, site)
        failed: dict[int, Conflict] = {}
        while True:
            stuck = []
            for item_plan in plan([entry.item for entry in entries], site, failed):
                entry = by_index[item_plan.item.index]
                entry.latest = item_plan
                if item_plan.frees and item_plan.frees[0] in entry.sent:
                    stuck.append(entry)
            if not stuck:
                return
            for entry in stuck:
                self._fail(entry, entry.latest.frees[0])
                failed[entry.item.index] = Conflict(str(entry.error))

    def _decide(self, entry: Progress, site: Site) -> bool:
        """Whether the item has something new to write; its error if it has failed."""
        self._try_another_address(entry, site)
        latest = entry.latest
        if entry.error is not None or (latest.error is None and not latest.steps):
            return False
        repeated = bool(latest.steps) and latest.steps[0] in entry.sent
        if latest.error is None and not repeated and entry.rounds < _ROUNDS:
            return True
        if latest.error is not None:
            entry.error = _with_note(latest.error, entry)
        elif repeated:
            self._fail(entry, latest.steps[0])
        else:
            entry.error = DhcpError(
                f"{where(entry)}: what was declared could not be reached in {entry.rounds} attempts, since the server "
                f"kept changing or did not answer. {entry.note or 'Every reading showed something else.'} Run again."
            )
        return False

    def _try_another_address(self, entry: Progress, site: Site) -> None:
        """Somebody else was faster at the address that a client was to get: take its own by now, or the next.

        Nothing is removed for it any more: who is there has come since the first plan was made.
        """
        item = entry.item
        if not isinstance(item, Present) or not item.allocated or entry.done or entry.candidates >= _CANDIDATES:
            return
        wanted = Unplaced.of(item)
        own = self._allocator.own_address(wanted, site[item.scope])
        lost = entry.latest.error is not None or any(
            step.address == item.address and isinstance(exc, Taken) for step, exc in entry.refusals.items()
        )
        if own == item.address or (own is None and not lost):
            return
        try:
            placed = self._allocator.place(wanted) if own is None else wanted.at(own)
        except DhcpError as exc:
            entry.error = exc if isinstance(exc, Conflict) else _because(exc, f"{where(entry)}: {exc}")
            return
        entry.first = entry.latest = plan([replace(placed, may_free=frozenset())], site)[0]
        entry.item = entry.latest.settled
        entry.rounds, entry.candidates = 0, entry.candidates + 1

    def _fail(self, entry: Progress, step: Step) -> None:
        """A step that was sent is still to be done: the item has failed."""
        sent = entry.sent[step]
        if sent is Sent.DONE:
            entry.error = DhcpError(
                f"{where(entry)}: the server acknowledged {_words(step)}, but reading it back does not show it. "
                "Look at the record on the server."
            )
            return
        cause = entry.refusals[step]
        if sent is Sent.UNANSWERED:
            entry.error = _because(
                cause,
                f"{where(entry)}: {_words(step)} was sent without a verified answer, and reading again does not show "
                f"it: {cause}",
            )
        elif isinstance(cause, Taken):
            entry.error = _because(
                cause,
                f"{where(entry)}: {cause} Reading again finds neither a record at the address nor one of the client, "
                "so the server's database or the address itself is the cause: look at the server's event log.",
            )
        else:
            entry.error = _because(cause, f"{where(entry)}: {cause}")

    # --- taking back --------------------------------------------------------------------------------------------------

    def _take_back(self, entry: Progress, site: Site) -> None:
        """Remove the record that this run made for a reservation which the server then refused, or say that it is left.

        Without an answer to the reservation the record stays: the server may still be about to reserve it.
        """
        made = _made_for_reservation(entry)
        if entry.error is None or made is None or entry.has_removed:
            return
        state = site[made.scope.address]
        reserves = [step for step in entry.sent if isinstance(step, Reserve)]
        if not state.shows(made) or any(state.shows(step) for step in reserves):
            return
        left = f"The record that this task made at {made.address} is still there, without its reservation."
        refused = any(entry.sent[step] is Sent.REFUSED for step in reserves)
        step = undo([made], state) if refused else None
        try:
            if step is not None:
                self._server.apply(step)
                if self._server.record_at(step.scope, step.address) is None:
                    entry.action = Action.NONE
                    left = f"The record that this task had made at {step.address} was removed again."
        except DhcpError as exc:
            left += f" Removing it failed: {exc}"
        entry.error = _because(entry.error, f"{entry.error} {left}")

    def _put_back(self, entries: Sequence[Progress]) -> None:
        """Put back what was removed for clients that then could not have their address.

        Has another client of the list got that place meanwhile, it goes back as well.
        """
        failed = [entry for entry in entries if entry.error is not None and entry.may_have_removed]
        if not failed:
            return
        involved, outcome, problem = failed, None, None
        for attempt in range(1, _ROUNDS + 1):
            try:
                involved, outcome = self._way_back(involved, entries)
            except DhcpError as exc:
                outcome, problem = None, exc
                continue
            if not outcome.steps or attempt == _ROUNDS:
                break
            problem = self._apply_all(outcome.steps) or problem
        for entry in involved:
            _report_put_back(entry, outcome, problem, because_of=failed[0])

    def _apply_all(self, steps: Iterable[Step]) -> DhcpError | None:
        """Send steps; after one that fails, none for the same client or address. The last failure.

        Only a record that cannot be made again does not stop another client's reservation at its address.
        """
        problem: DhcpError | None = None
        held: set[IPv4Address | ClientId] = set()
        for step in steps:
            if {step.address, step.client_id} & held:
                continue
            try:
                self._server.apply(step)
            except DhcpError as exc:
                problem = exc
                held |= {step.client_id} if isinstance(step, Create) else {step.address, step.client_id}
        return problem

    def _way_back(self, failed: list[Progress], entries: Sequence[Progress]) -> tuple[list[Progress], Restoration]:
        """How to restore the places of failed items, and which items have to go back with them."""
        involved = list(failed)
        while True:
            places = {place for entry in involved for place in entry.places}
            before = self._without_the_gone(entry for entry in entries if entry not in involved)
            now = self._read_places(places, before)
            for entry in involved:
                _settle(entry, now)
            outcome = restore(before, now, places, _made(involved))
            blockers = [
                entry
                for entry in entries
                if entry not in involved and isinstance(entry.item, Present) and _made([entry]) & _at(now, outcome.lost)
            ]
            if not blockers:
                return involved, outcome
            involved += blockers

    def _without_the_gone(self, entries: Iterable[Progress]) -> Site:
        """What was there at first, without what left as it was declared: that does not come back."""
        before = {address: state.copy() for address, state in self._original.items()}
        for entry in entries:
            for step in entry.done:
                if isinstance(step, (RemoveReservation, DeleteRecord)):
                    before[step.scope.address].advance(step)
        return before

    def _read_places(self, places: Iterable[Place], before: Site) -> Site:
        """What is at these places now, and where the clients are that were there before."""
        items: list[Item] = []
        for index, (scope, address) in enumerate(sorted(places)):
            old = before[scope].reservation_at(address) or before[scope].record_at(address)
            items.append(
                Absent(index=index, scope=scope, address=address, client_id=None if old is None else old.client_id)
            )
        site = self._reader.read(items)
        for scope, address in places:
            if before[scope].options.get(address) and site[scope].reservation_at(address) is not None:
                site[scope].options[address] = self._server.options(site[scope].scope, address)
        return site


@dataclass(slots=True)
class _Group:
    """Items whose steps have to follow each other, and what is held because a step failed."""

    members: list[tuple[Progress, tuple[Step, ...]]]
    held: set[Claim]


def _claims(step: Step) -> tuple[Claim, Claim]:
    return (step.scope.address, step.address), (step.scope.address, step.client_id)


def _independent(work: Iterable[tuple[Progress, tuple[Step, ...]]]) -> list[list[tuple[Progress, tuple[Step, ...]]]]:
    """The items in groups that have no address and no client in common; within a group their order stays."""
    groups: dict[int, list[int]] = {}
    owner: dict[Claim, int] = {}
    items = [(entry, steps) for entry, steps in work if steps]
    for index, (_entry, steps) in enumerate(items):
        claims = {claim for step in steps for claim in _claims(step)}
        joined = {owner[claim] for claim in claims if claim in owner}
        groups[index] = sorted([index, *(member for group in joined for member in groups.pop(group))])
        owner.update(dict.fromkeys(claims, index))
        for member in groups[index] if joined else ():
            owner.update({claim: index for step in items[member][1] for claim in _claims(step)})
    return [[items[member] for member in members] for members in groups.values()]


def _settle(entry: Progress, site: Site) -> None:
    """What got no answer but is there was written by this run."""
    for step, sent in entry.sent.items():
        if sent is Sent.UNANSWERED and site[step.scope.address].shows(step):
            entry.sent[step] = Sent.DONE
            if entry.action is Action.NONE:
                entry.action = entry.first.action


def _concerned(active: Iterable[Progress], entries: Iterable[Progress]) -> list[Progress]:
    """Whom the writes concern: removing a reservation also changes the expiry of a lease that the list declares."""
    places = {(step.scope.address, step.address) for entry in active if entry.touched for step in entry.latest.steps}
    return [
        entry
        for entry in entries
        if entry.touched
        or (
            entry.error is None and isinstance(entry.item, Present) and (entry.item.scope, entry.item.address) in places
        )
    ]


def _made(entries: Iterable[Progress]) -> frozenset[tuple[Place, ClientId]]:
    """Who was put where by these items."""
    return frozenset(
        ((step.scope.address, step.address), step.client_id)
        for entry in entries
        for step in entry.done
        if isinstance(step, (Create, Reserve))
    )


def _at(site: Site, places: Iterable[Place]) -> set[tuple[Place, ClientId]]:
    """Who is at these places."""
    found = set()
    for scope, address in places:
        for entry in (site[scope].reservation_at(address), site[scope].record_at(address)):
            if entry is not None:
                found.add(((scope, address), entry.client_id))
    return found


def _report_put_back(
    entry: Progress, outcome: Restoration | None, problem: DhcpError | None, *, because_of: Progress
) -> None:
    """Say what the state is now; ``outcome`` is what would still have to be done, None where that cannot be read."""
    entry.undone = entry.error is None
    error = entry.error or DhcpError(f"{where(entry)}: undone, because {where(because_of)} failed.")
    cause = "" if problem is None else f" ({problem})"
    if outcome is None:
        told = f"Whether what was removed for it is back could not be read{cause}; what was there is in before."
    else:
        missing = {(step.scope.address, step.address) for step in outcome.steps} | set(outcome.lost)
        left = [str(address) for _scope, address in sorted(entry.places & missing)]
        entry.unknown = False
        if left:
            told = f"What was at {', '.join(left)} could not be put back{cause}; it is in before."
        else:
            told = "What had been removed for it was put back." if entry.has_removed else "Nothing had been removed."
            entry.action = Action.NONE
    entry.error = _because(error, f"{error} {told}")


def _made_for_reservation(entry: Progress) -> Create | None:
    """The record that this run made to be held by a reservation."""
    for step in entry.done:
        if isinstance(step, Create) and step.expires.is_unset:
            return step
    return None


def _unproven(entry: Progress, exc: DhcpError) -> None:
    """The read after the writes failed: what was acknowledged is reported as written, the rest as unknown."""
    if any(sent is Sent.UNANSWERED for sent in entry.sent.values()):
        entry.unknown = True
        entry.error = _because(
            exc,
            f"{where(entry)}: whether it was written is unknown: {next(iter(entry.refusals.values()))} "
            f"Reading again failed: {exc}",
        )
    elif not entry.sent:
        entry.error = _because(exc, f"{where(entry)}: not tried: {entry.note or exc}")
    elif entry.refusals:
        cause = next(iter(entry.refusals.values()))
        entry.error = _with_note(_because(cause, f"{where(entry)}: {cause} Reading again failed: {exc}"), entry)
    else:
        entry.error = _because(
            exc, f"{where(entry)}: the server acknowledged the writes, but reading them back failed: {exc}"
        )


def _with_note(error: DhcpError, entry: Progress) -> DhcpError:
    """A failure that showed only after something was written says what that was."""
    written = [_words(step) for step in entry.done]
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
        "SetOptions": "the option values",
    }
    return names[type(step).__name__]


def where(entry: Progress) -> str:
    """The item in words."""
    item = entry.item
    named = [str(part) for part in (item.client_id, item.address) if part is not None]
    return " at ".join(named) + ("" if item.scope is None else f" in scope {item.scope}")
