# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Taking back what was written or removed for a client that then failed. A read proves that, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Absent, Action, Item, Present
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import Site
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.restore import Place, Restoration, restore, undo
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._progress import Known, Progress, Sent, because, where
from ansible_collections.msrpc.dhcp.plugins.module_utils._reading import Reader

# How often the way back is read, planned and written.
_ROUNDS = 4


class Undoing:
    """Takes back over the first connection. ``original`` is what was there before the first write."""

    def __init__(self, reader: Reader, original: Site, known: Known) -> None:
        self._reader = reader
        self._server = reader.server
        self._original = original
        self._known = known

    def take_back(self, entry: Progress, site: Site) -> None:
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
        refused = any(entry.sent[step] is Sent.REFUSED for step in reserves)
        step = undo([made], state) if refused else None
        left = f"The record that this task made at {made.address} is still there, without its reservation."
        if step is not None:
            left = self._remove(entry, made, step, left)
        entry.error = because(entry.error, f"{entry.error} {left}")

    def _remove(self, entry: Progress, made: Create, step: Step, left: str) -> str:
        """Remove the record; what a read after it says, whatever the answer was."""
        problem = self._apply_all([step])
        why = "" if problem is None else f" Removing it failed: {problem}"
        try:
            record = self._server.record_at(made.scope, made.address)
        except DhcpError as exc:
            return f"Whether the record that this task made at {made.address} is still there could not be read: {exc}"
        if record is not None and record.client_id == made.client_id:
            return left + why
        entry.action = Action.NONE
        return f"The record that this task had made at {made.address} was removed again."

    def put_back(self, entries: Sequence[Progress]) -> None:
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
        """Send steps; after one that fails, none for the same client or address of its scope. The last failure.

        Only a record that cannot be made again does not stop another client's reservation at its address.
        """
        problem: DhcpError | None = None
        held: set[tuple[IPv4Address, IPv4Address | ClientId]] = set()
        for step in steps:
            place, client = (step.scope.address, step.address), (step.scope.address, step.client_id)
            if place in held or client in held:
                continue
            try:
                self._server.apply(step)
            except DhcpError as exc:
                problem = exc
                held |= {client} if isinstance(step, Create) else {place, client}
            else:
                self._known.wrote([step])
        return problem

    def _way_back(self, failed: list[Progress], entries: Sequence[Progress]) -> tuple[list[Progress], Restoration]:
        """How to restore the places of failed items, and which items have to go back with them."""
        involved = dict.fromkeys(failed)
        while True:
            places = {place for entry in involved for place in entry.places}
            before = {address: state.copy() for address, state in self._original.items()}
            _take_the_gone(before, (entry for entry in entries if entry not in involved))
            now = self._read_places(places, before)
            self._known.read(now, places)
            for entry in involved:
                entry.settle(now)
            outcome = restore(before, now, places, _made(involved))
            blockers = _blockers(now, outcome, (entry for entry in entries if entry not in involved))
            if not blockers:
                return list(involved), outcome
            involved.update(dict.fromkeys(blockers))
            self._follow(involved, entries)

    def _follow(self, involved: dict[Progress, None], entries: Sequence[Progress]) -> None:
        """Add who has to go back in turn, by one reading of whatever was written. The caller's next reading proves it.

        What is decided about a place changes only with an item that wrote there: so each is looked at a few times.
        """
        if all(entry in involved or not entry.places for entry in entries):
            return
        writers: dict[Place, list[Progress]] = {}
        for entry in entries:
            for place in entry.places:
                writers.setdefault(place, []).append(entry)
        now = self._read_clients(writers, self._original)
        fresh = list(involved)
        while fresh:
            places = {place for entry in fresh for place in entry.places}
            for entry in fresh:
                entry.settle(now)
            near = dict.fromkeys(entry for place in places for entry in writers[place])
            before = {
                scope: state.part([address for of, address in places if of == scope], [])
                for scope, state in self._original.items()
            }
            _take_the_gone(before, (entry for entry in near if entry not in involved))
            outcome = restore(before, now, places, _made(entry for entry in near if entry in involved))
            fresh = _blockers(now, outcome, (entry for entry in near if entry not in involved))
            involved.update(dict.fromkeys(fresh))

    def _read_places(self, places: Iterable[Place], before: Site) -> Site:
        """What is at these places now, and where the clients are that were there before."""
        site = self._read_clients(places, before)
        for scope, address in places:
            if before[scope].options.get(address) and site[scope].reservation_at(address) is not None:
                site[scope].options[address] = self._server.options(site[scope].scope, address)
        return site

    def _read_clients(self, places: Iterable[Place], before: Site) -> Site:
        """The same without option values."""
        items: list[Item] = []
        for index, (scope, address) in enumerate(sorted(places)):
            old = before[scope].reservation_at(address) or before[scope].record_at(address)
            items.append(
                Absent(index=index, scope=scope, address=address, client_id=None if old is None else old.client_id)
            )
        return self._reader.read(items)


def _take_the_gone(before: Site, entries: Iterable[Progress]) -> None:
    """Take out of what was there at first what left as it was declared: that does not come back."""
    for entry in entries:
        for step in entry.done:
            if isinstance(step, (RemoveReservation, DeleteRecord)):
                before[step.scope.address].advance(step)


def _blockers(now: Site, outcome: Restoration, others: Iterable[Progress]) -> list[Progress]:
    """Who was put by this run where somebody has to come back to."""
    taken = _at(now, outcome.lost)
    return [entry for entry in others if isinstance(entry.item, Present) and not taken.isdisjoint(_made([entry]))]


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
    entry.error = because(error, f"{error} {told}")


def _made_for_reservation(entry: Progress) -> Create | None:
    """The record that this run made to be held by a reservation."""
    for step in entry.done:
        if isinstance(step, Create) and step.expires.is_unset:
            return step
    return None
