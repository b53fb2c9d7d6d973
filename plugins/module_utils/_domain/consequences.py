# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Which other items cannot have their address, because one that was to leave it stays.

The same as deciding about the whole list again and again, each time without those that turned out to be stuck, only
that each time nobody is asked again whom nothing new concerns: in a chain that is stuck at its end, all but three.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import NamedTuple, TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Conflict, Present
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    ClientId,
    OptionValues,
    Record,
    Reservation,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.present import Draft, build, clear, leave
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState, Step

# An address of a scope, or a client in it.
_Key: TypeAlias = "tuple[IPv4Address, IPv4Address | ClientId]"
_Decide: TypeAlias = Callable[[Draft], Sequence[Step]]


class _Cell(NamedTuple):
    """What is at an address after an item's turn."""

    address: IPv4Address
    record: Record | None
    reservation: Reservation | None
    options: OptionValues | None


@dataclass(slots=True)
class _Trace:
    """What an item did to the scope in each of its three turns. ``error`` is set where it is stuck now."""

    effects: list[list[_Cell]] = field(default_factory=list)
    error: Conflict | None = None


class Consequences:
    """Follows errors through ``items``, which are in the order of the input. ``start`` is what they begin with."""

    def __init__(
        self, items: Sequence[Present], start: Mapping[IPv4Address, ScopeState], errors: Mapping[int, Conflict]
    ) -> None:
        self._items = items
        self._start = start
        self._errors = dict(errors)
        self._keys = [_keys(item, start[item.scope]) for item in items]
        self._users: dict[_Key, list[int]] = {}
        for number, keys in enumerate(self._keys):
            for key in keys:
                self._users.setdefault(key, []).append(number)
        listed: dict[IPv4Address, set[ClientId]] = {}
        for item in items:
            listed.setdefault(item.scope, set()).add(item.client_id)
        self._turns: tuple[_Decide, ...] = (_leave, lambda draft: _clear(draft, listed[draft.item.scope]), _build)

    def errors(self) -> dict[int, Conflict]:
        """All errors, once nobody is stuck any more."""
        traces = self._decide(range(len(self._items)))
        known = dict(traces)
        while True:
            stuck = {number: trace.error for number, trace in traces.items() if trace.error is not None}
            known.update(traces)
            if not stuck:
                return self._errors
            self._errors.update({self._items[number].index: error for number, error in stuck.items()})
            traces = self._decide_again(stuck, known)

    def _decide_again(self, stuck: Collection[int], known: Mapping[int, _Trace]) -> dict[int, _Trace]:
        """Decide about those whom the stuck ones concern, and on, as far as what they do is something else now."""
        concerned = self._near(stuck)
        while True:
            traces = self._decide(concerned, known)
            changed = [number for number in concerned if traces[number].effects != known[number].effects]
            grown = concerned | self._near(changed)
            if grown == concerned:
                return traces
            concerned = grown

    def _near(self, numbers: Collection[int]) -> set[int]:
        """These items, and all that have an address or a client in common with one of them."""
        return {user for number in numbers for key in self._keys[number] for user in self._users[key]}

    def _decide(self, concerned: Collection[int], known: Mapping[int, _Trace] | None = None) -> dict[int, _Trace]:
        """Decide about the concerned; those beside them do what is known of them, in their turn."""
        around = sorted(self._near(concerned))
        working = self._part(around)
        drafts = {number: self._draft(number, working) for number in concerned}
        traces = {number: _Trace() for number in concerned}
        for turn, decide in enumerate(self._turns):
            for number in around:
                if number in drafts:
                    traces[number].effects.append(_effects(drafts[number], decide))
                elif known is not None:
                    for cell in known[number].effects[turn]:
                        _put(working[self._items[number].scope], cell)
        for number, draft in drafts.items():
            traces[number].error = draft.error if draft.frees else None
        return traces

    def _draft(self, number: int, working: Mapping[IPv4Address, ScopeState]) -> Draft:
        item = self._items[number]
        return Draft(
            item=item,
            original=self._start[item.scope],
            working=working[item.scope],
            error=self._errors.get(item.index),
        )

    def _part(self, numbers: Collection[int]) -> dict[IPv4Address, ScopeState]:
        """What these items begin with, as far as it concerns them."""
        addresses: dict[IPv4Address, set[IPv4Address]] = {}
        clients: dict[IPv4Address, set[ClientId]] = {}
        for number in numbers:
            for scope, key in self._keys[number]:
                if isinstance(key, ClientId):
                    clients.setdefault(scope, set()).add(key)
                else:
                    addresses.setdefault(scope, set()).add(key)
        return {scope: self._start[scope].part(found, clients[scope]) for scope, found in addresses.items()}


def _keys(item: Present, state: ScopeState) -> set[_Key]:
    """All that the decision about an item may rest on or change: addresses, and who is at each of them."""
    own = (state.reservation_of(item.client_id), state.record_of(item.client_id))
    addresses = {item.address} | {entry.address for entry in own if entry is not None}
    found = (entry for address in addresses for entry in (state.reservation_at(address), state.record_at(address)))
    clients = {item.client_id} | {entry.client_id for entry in found if entry is not None}
    keys: set[_Key] = {(item.scope, address) for address in addresses}
    return keys | {(item.scope, client_id) for client_id in clients}


def _effects(draft: Draft, decide: _Decide) -> list[_Cell]:
    """An item's turn; what is at the addresses where it did something."""
    if draft.error is not None:
        return []
    before = len(draft.frees)
    steps: Sequence[Step] = ()
    try:
        steps = decide(draft)
    except Conflict as conflict:
        draft.error = conflict
    state = draft.working
    touched = {step.address for step in (*draft.frees[before:], *steps)}
    return [
        _Cell(address, state.record_at(address), state.reservation_at(address), state.options.get(address))
        for address in sorted(touched)
    ]


def _leave(draft: Draft) -> Sequence[Step]:
    leave(draft)
    return ()


def _clear(draft: Draft, listed: set[ClientId]) -> Sequence[Step]:
    clear(draft, listed)
    return ()


def _build(draft: Draft) -> Sequence[Step]:
    builds = build(draft).builds
    for step in builds:
        draft.working.advance(step)
    return builds


def _put(state: ScopeState, cell: _Cell) -> None:
    address, record, reservation, options = cell
    if state.record_at(address) != record:
        state.remove_record(address)
        if record is not None:
            state.add_record(record)
    if state.reservation_at(address) != reservation:
        state.remove_reservation(address)
        if reservation is not None:
            state.add_reservation(reservation)
    state.options.pop(address, None)
    if options is not None:
        state.options[address] = options
