# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Carrying out a plan: write, and read again until the plan is empty.

A plan without steps, made from what was read after the writes, is the proof of every write. So is a plan that still has
a step which was sent already the proof that it failed: no step is ever sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Conflict, ItemPlan, Present, Unplaced
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import Site, plan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import Create, Step
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, Taken, TransportError
from ansible_collections.msrpc.dhcp.plugins.module_utils._progress import (
    Known,
    Progress,
    Sent,
    because,
    where,
    with_note,
    words,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._reading import Allocator, Reader
from ansible_collections.msrpc.dhcp.plugins.module_utils._undoing import Undoing
from ansible_collections.msrpc.dhcp.plugins.module_utils._writing import Writer

# Planning, writing, proving, and one more write for what the server made differently than foreseen.
_ROUNDS = 4
# How many addresses are tried for a client that was declared without one, while others take them.
_CANDIDATES = 64


class Execution:
    """One execution of a plan. ``original`` is what was there before the first write."""

    def __init__(self, reader: Reader, original: Site, allocator: Allocator) -> None:
        self._reader = reader
        self._writer = Writer(reader.crew)
        self._known = Known(original)
        self._undoing = Undoing(reader, original, self._known)
        self._allocator = allocator

    def carry_out(self, entries: Sequence[Progress]) -> None:
        """Write and read in turn until every plan is empty or has failed; put back what was removed for nothing."""
        active = [entry for entry in entries if entry.latest.steps and entry.error is None]
        while active:
            self._writer.write(active)
            self._known.wrote(_acknowledged(active))
            active = self._judge(_concerned(active, entries))
        self._undoing.put_back(entries)
        for entry in entries:
            if entry.error is not None and isinstance(entry.item, Present):
                # Its plan says what would be there.
                shown = self._known.at((entry.item.scope, entry.item.address))
                entry.latest = replace(entry.latest, after=shown)

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
        self._writer.server_answers()
        items = [entry.item for entry in touched]
        self._known.read(site, [(item.scope, item.address) for item in items if isinstance(item, Present)])
        self._plan_again(touched, site)
        again = []
        for entry in touched:
            if self._decide(entry, site):
                again.append(entry)
            self._undoing.take_back(entry, site)
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
            entry.settle(site)
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
            entry.error = with_note(latest.error, entry)
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
            entry.error = exc if isinstance(exc, Conflict) else because(exc, f"{where(entry)}: {exc}")
            return
        entry.first = entry.latest = plan([replace(placed, may_free=frozenset())], site)[0]
        entry.item = entry.latest.settled
        entry.rounds, entry.candidates = 0, entry.candidates + 1

    def _fail(self, entry: Progress, step: Step) -> None:
        """A step that was sent is still to be done: the item has failed."""
        sent = entry.sent[step]
        if sent is Sent.DONE:
            entry.error = DhcpError(
                f"{where(entry)}: the server acknowledged {words(step)}, but reading it back does not show it. "
                "Look at the client on the server, then run again."
            )
            return
        cause = entry.refusals[step]
        if sent is Sent.UNANSWERED:
            entry.error = because(
                cause,
                f"{where(entry)}: {words(step)} was sent without a verified answer, and reading again does not show "
                f"it: {cause}",
            )
        elif isinstance(cause, Taken) and isinstance(step, Create):
            entry.error = because(
                cause,
                f"{where(entry)}: {cause} Reading again finds neither a record at the address nor one of the client, "
                "so the server's database or the address itself is the cause.",
            )
        else:
            entry.error = because(cause, f"{where(entry)}: {cause}")


def _acknowledged(active: Sequence[Progress]) -> Iterator[Step]:
    """The steps of the latest plans that took effect, in the order in which they were sent."""
    phases: tuple[Callable[[ItemPlan], tuple[Step, ...]], ...] = (lambda p: p.frees, lambda p: p.builds)
    for steps_of in phases:
        for entry in active:
            yield from (step for step in steps_of(entry.latest) if entry.sent.get(step) is Sent.DONE)


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


def _unproven(entry: Progress, exc: DhcpError) -> None:
    """The read after the writes failed: what was acknowledged is reported as written, the rest as unknown."""
    if any(sent is Sent.UNANSWERED for sent in entry.sent.values()):
        entry.unknown = True
        entry.error = because(
            exc,
            f"{where(entry)}: whether it was written is unknown: {next(iter(entry.refusals.values()))} "
            f"Reading again failed: {exc}",
        )
    elif not entry.sent:
        entry.error = because(exc, f"{where(entry)}: not tried: {entry.note or exc}")
    elif entry.refusals:
        cause = next(iter(entry.refusals.values()))
        entry.error = with_note(because(cause, f"{where(entry)}: {cause} Reading again failed: {exc}"), entry)
    else:
        entry.error = because(
            exc, f"{where(entry)}: the server acknowledged the writes, but reading them back failed: {exc}"
        )
