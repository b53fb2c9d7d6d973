# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""How to put back what was removed for a client that then could not get its place.

Pure, like the plan: what was there before the first write and what is there now go in, steps come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    ClientId,
    OptionValues,
    Record,
    Reservation,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    ScopeState,
    SetOptions,
    SetRecord,
    Step,
)

Place = tuple[IPv4Address, IPv4Address]  # scope, address


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """``frees`` before ``builds``; ``lost`` are the places that somebody else has taken meanwhile."""

    frees: tuple[Step, ...]
    builds: tuple[Step, ...]
    lost: tuple[Place, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.frees + self.builds


def restore(
    before: Mapping[IPv4Address, ScopeState],
    now: Mapping[IPv4Address, ScopeState],
    places: Iterable[Place],
    made: frozenset[tuple[Place, ClientId]],
) -> Restoration:
    """The steps that bring ``places`` back to what they were. Only what this run has ``made`` there is removed."""
    frees: list[Step] = []
    builds: list[Step] = []
    lost: list[Place] = []
    for place in sorted(set(places)):
        old, new = _at(before, place), _at(now, place)
        if _same(old, new):
            continue
        intruders = {entry.client_id for entry in (new.reservation, new.record) if entry is not None}
        wanted = {entry.client_id for entry in (old.reservation, old.record) if entry is not None}
        if any((place, client_id) not in made for client_id in intruders - wanted):
            lost.append(place)
            continue
        freeing = _freeing(now[place[0]], place[1], old, new)
        frees += freeing
        builds += _building(now[place[0]], place[1], old, _left(new, freeing))
    return Restoration(frees=tuple(frees), builds=tuple(builds), lost=tuple(lost))


def undo(sent: Iterable[Step], state: ScopeState) -> Step | None:
    """What takes back a record that this run made, where the reservation that should hold it could not be added.

    None where there is nothing of ours left, or where somebody else has a claim on it by now.
    """
    for step in sent:
        if isinstance(step, Create) and step.expires.is_unset:
            record = state.record_at(step.address)
            if record is None or record.client_id != step.client_id or not record.expires.is_unset:
                return None
            if state.reservation_at(step.address) is not None:
                return None
            return DeleteRecord(scope=step.scope, address=step.address, client_id=step.client_id)
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    reservation: Reservation | None
    record: Record | None
    options: OptionValues | None = None


def _at(site: Mapping[IPv4Address, ScopeState], place: Place) -> _Place:
    state = site[place[0]]
    return _Place(state.reservation_at(place[1]), state.record_at(place[1]), state.options.get(place[1]))


def _same(old: _Place, new: _Place) -> bool:
    """Whether the same clients are there in the same way; what a record says of its client may have changed."""
    return (
        old.reservation == new.reservation
        and (old.record is None or new.record is not None)
        and not _is_wrong(old, new.record)
        and (not old.options or old.options == new.options)
        and not _has_lost_its_texts(old, new)
    )


def _has_lost_its_texts(old: _Place, new: _Place) -> bool:
    """Whether a server has made the record anew, without name and description."""
    if old.record is None or new.record is None or new.record.client_id != old.record.client_id:
        return False
    return bool(old.record.name or old.record.description) and not (new.record.name or new.record.description)


def _is_wrong(old: _Place, record: Record | None) -> bool:
    """Whether that record was not there. One that reserving has made for the client itself does not count."""
    if record is None:
        return False
    expected = old.record or old.reservation
    return expected is None or record.client_id != expected.client_id


def _freeing(state: ScopeState, address: IPv4Address, old: _Place, new: _Place) -> list[Step]:
    steps: list[Step] = []
    reservation, record = new.reservation, new.record
    # A record that a reservation holds cannot be deleted (3.1.4.20).
    if reservation is not None and (reservation != old.reservation or _is_wrong(old, record)):
        other = record.client_id if record is not None and record.client_id != reservation.client_id else None
        steps.append(
            RemoveReservation(scope=state.scope, address=address, client_id=reservation.client_id, beside=other)
        )
        if record is not None and record.expires.is_unset:
            record = None  # it goes with its reservation
    if record is not None and _is_wrong(old, record):
        steps.append(DeleteRecord(scope=state.scope, address=address, client_id=record.client_id))
    return steps


def _left(new: _Place, frees: Iterable[Step]) -> _Place:
    """What is there after these steps."""
    for step in frees:
        if isinstance(step, DeleteRecord):
            new = replace(new, record=None)
        else:
            kept = None if new.record is None or new.record.expires.is_unset else new.record
            new = _Place(reservation=None, record=kept)
    return new


def _building(state: ScopeState, address: IPv4Address, old: _Place, left: _Place) -> list[Step]:
    steps: list[Step] = []
    if old.record is not None and left.record is None:
        steps.append(
            Create(
                scope=state.scope,
                address=address,
                client_id=old.record.client_id,
                name=old.record.name,
                description=old.record.description,
                expires=old.record.expires,
            )
        )
    if old.record is not None and _has_lost_its_texts(old, left):
        steps.append(
            SetRecord(
                scope=state.scope,
                address=address,
                client_id=old.record.client_id,
                name=old.record.name,
                description=old.record.description,
            )
        )
    if old.reservation is None:
        return steps
    client_id = old.reservation.client_id
    if left.reservation is None:
        steps.append(
            Reserve(
                scope=state.scope,
                address=address,
                client_id=client_id,
                allowed_types=old.reservation.allowed_types,
            )
        )
    if old.options and left.options != old.options:
        steps.append(SetOptions(scope=state.scope, address=address, client_id=client_id, options=old.options))
    return steps
