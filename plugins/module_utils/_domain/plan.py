# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Where every decision is made: ``plan(items, site)`` says what has to be written, for whom, and why not.

Pure: what was declared and what was read go in, steps come out. Check mode, the diff and the answer to the user are
made from the same plan, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.absent import absent
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.consequences import Consequences
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Conflict,
    Item,
    ItemPlan,
    Present,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, ClientType
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.present import Draft, build, clear, leave
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import view

Site: TypeAlias = Mapping[IPv4Address, ScopeState]


def plan(items: Sequence[Item], site: Site, failed: Mapping[int, Conflict] | None = None) -> list[ItemPlan]:
    """Decide about all items: absent ones first, then present ones, each in the order of the input.

    All ``frees`` are to be carried out before all ``builds``. ``site`` has every scope that an item concerns, with
    everything that was found at the items' addresses and for their clients; it is not changed. ``failed`` are items, by
    index, that cannot be had for a reason from outside.

    An item that cannot have its address must not give up its old one, and then that one is not free for another item:
    so the whole is decided again without such items and without those who then cannot have theirs, until none is left.
    """
    errors = dict(failed or {})
    while True:
        attempt = _Attempt(items, site, errors)
        decided = attempt.run()
        stuck = attempt.stuck()
        if not stuck:
            return decided
        errors = attempt.consequences(stuck)


class _Attempt:
    """One pass over all items, with a working copy of the site that each decision changes."""

    def __init__(self, items: Sequence[Item], site: Site, errors: Mapping[int, Conflict]) -> None:
        self._items = items
        self._working = {address: state.copy() for address, state in site.items()}
        self._errors = errors
        self._drafts: list[Draft] = []
        self._start: Site = {}

    def run(self) -> list[ItemPlan]:
        """Absents, then for the others: leave, clear, build."""
        decided = self._absents()
        self._drafts = self._begin()
        for draft in self._drafts:
            _try(draft, leave)
        listed: dict[IPv4Address, set[ClientId]] = {}
        for draft in self._drafts:
            listed.setdefault(draft.item.scope, set()).add(draft.item.client_id)
        for draft in self._drafts:
            _try(draft, lambda draft: clear(draft, listed[draft.item.scope]))
        built = [self._build(draft) for draft in self._drafts]
        return decided + [self._with_outcome(item_plan) for item_plan in built]

    def stuck(self) -> dict[int, Conflict]:
        """Items that gave something up before their error showed."""
        return {draft.item.index: draft.error for draft in self._drafts if draft.error is not None and draft.frees}

    def consequences(self, stuck: Mapping[int, Conflict]) -> dict[int, Conflict]:
        """All errors, with those of the items that are stuck in turn because these are."""
        present = [draft.item.index for draft in self._drafts]
        items = {item.index: item for item in self._items if isinstance(item, Present)}
        known = {**self._errors, **stuck}
        return Consequences([items[index] for index in present], self._start, known).errors()

    def _absents(self) -> list[ItemPlan]:
        heirs: dict[tuple[IPv4Address | None, IPv4Address | None], Present] = {
            (item.scope, item.address): item for item in self._items if isinstance(item, Present)
        }
        decided = []
        for item in sorted((item for item in self._items if isinstance(item, Absent)), key=_turn):
            try:
                if item.index in self._errors:
                    raise self._errors[item.index]
                decision = absent(item, self._working, heirs.get((item.scope, item.address)))
            except Conflict as conflict:
                decision = _refused(item, conflict, self._working)
            for step in decision.steps:
                self._working[step.scope.address].advance(step)
            decided.append(decision)
        return decided

    def _begin(self) -> list[Draft]:
        """A draft for each present item, on what the absent ones will have left."""
        self._start = {address: state.copy() for address, state in self._working.items()}
        return [
            Draft(
                item=item,
                original=self._start[item.scope],
                working=self._working[item.scope],
                error=self._errors.get(item.index),
            )
            for item in sorted(self._items, key=lambda item: item.index)
            if isinstance(item, Present)
        ]

    def _build(self, draft: Draft) -> ItemPlan:
        if draft.error is not None:
            return _refused(draft.item, draft.error, {draft.item.scope: draft.original})
        try:
            decision = build(draft)
        except Conflict as conflict:
            draft.error = conflict
            return _refused(draft.item, conflict, {draft.item.scope: draft.original})
        for step in decision.builds:
            draft.working.advance(step)
        return decision

    def _with_outcome(self, decision: ItemPlan) -> ItemPlan:
        """Add what users will see once there was something to do: the working state shows it by now."""
        item = decision.item
        if not isinstance(item, Present) or not decision.steps:
            return decision
        return replace(decision, after=view(self._working[item.scope], item.address))


def _refused(item: Item, conflict: Conflict, site: Site) -> ItemPlan:
    shown = None
    if item.scope is not None and item.address is not None:
        shown = view(site[item.scope], item.address)
    after = shown if isinstance(item, Present) else None
    return ItemPlan(item=item, settled=item, before=shown, after=after, error=conflict)


def _try(draft: Draft, decide: Callable[[Draft], None]) -> None:
    if draft.error is not None:
        return
    try:
        decide(draft)
    except Conflict as conflict:
        draft.error = conflict


def _turn(item: Absent) -> tuple[bool, bool, int, bytes]:
    """When an absent item is decided: by what it says, never by its place in the list.

    Two of them may mean the same client, one by its address and one by its identifier: the reservation goes before the
    lease that it holds, and what an address names before a client that may be in several scopes.
    """
    address = 0 if item.address is None else int(item.address)
    octets = b"" if item.client_id is None else item.client_id.octets
    return item.type is ClientType.LEASE, item.address is None, address, octets
