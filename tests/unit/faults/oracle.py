# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The judge of a disturbed run: its outcome against the simulator's books, and against nothing of the product.

``judge(run)`` returns complaints; none means that the run told the truth, which is:

1. Nothing but an outcome, or a ``DhcpError`` as long as no write was sent.
2. Nobody was touched whom the task may not touch: every audited change is one that a wish allows, and after the run
   everything else is what it was, field by field, option values included.
3. A client without an error has what was declared, and is reported as it is there. A client with one that is reported
   as ``none`` has what it had; one that is reported as written was written to; one that is ``unknown`` had a write
   without a verified answer.
4. What a failed client's task has removed is there again, or whole in ``before``; ``before`` says nothing else. What
   the message says of writing, leaving, removing again and putting back is so.
5. ``purged`` has what was purged, and nothing was purged after a failure.
6. ``changed``, ``failure`` and the diff agree with all that.

A *part* is what one client has at one address: its record or its reservation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.msrpc.dhcp.tests.simulator.site import NEVER, Range, Record, Reservation, address, dotted
from ansible_collections.msrpc.dhcp.tests.simulator.store import Change, ScopeSnapshot
from ansible_collections.msrpc.dhcp.tests.unit.faults.stories import Story, Wish
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DELETE,
    HOME,
    RESERVE,
    SET,
    SET_OPTIONS,
    UNRESERVE,
)

Snapshot = Mapping[str, ScopeSnapshot]
Part = tuple[int, bytes, type]  # address, client, record or reservation
Parts = dict[Part, Any]

# How messages name what was written, and the calls that write it.
WORDS = {
    "the creation of the record": CREATE,
    "the reservation": RESERVE,
    "the change of the record": SET,
    "the removal of the reservation": UNRESERVE,
    "the removal of the record": DELETE,
    "the option values": SET_OPTIONS,
}
# What the diff compares, as documented.
SHOWN = ("ip_address", "client_id", "scope", "name", "description", "type", "lease_expires")


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A write whose answer was not verified, and whom it was about; a client's removal goes by identifier alone."""

    call: str
    address: int | None
    client: bytes | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """What happened, as the server's books have it, and what was told: ``outcome`` or ``raised``."""

    story: Story
    before: Snapshot
    after: Snapshot
    audit: tuple[Change, ...]
    writes: int
    lost: tuple[Lost, ...]
    outcome: Any = None
    raised: BaseException | None = None
    # Whether the site was the story's at the beginning: then the story knows what its task does.
    fresh: bool = True
    # The clients about which the server lied in an answer that was sealed and verified: nobody can see through that.
    deceived: frozenset[bytes] = frozenset()


def judge(run: Run) -> list[str]:
    """All that the run told untruly, and everything that it did beyond its task."""
    found = list(_trespasses(run))
    if run.raised is not None:
        if type(run.raised).__module__.startswith("builtins") or run.writes or run.audit:
            found.append(f"raised {run.raised!r} after {run.writes} writes")
        return found
    for wish, told in _pairs(run):
        found += [f"{told['ip_address']} {told['action']}: {each}" for each in _Client(run, wish, told).complaints()]
    found += _purge(run)
    found += _summary(run)
    found += _diff(run)
    return found


# --- the books --------------------------------------------------------------------------------------------------------


def parts(snapshot: Snapshot) -> Parts:
    """Everything that is there."""
    return {
        (where, item.client_id, type(item)): item
        for scope in snapshot.values()
        for held in (scope.records, scope.reservations)
        for where, item in held.items()
    }


def changed_parts(run: Run) -> set[Part]:
    """What is not as it was. What was changed and changed back is."""
    before, after = parts(run.before), parts(run.after)
    return {part for part in before.keys() | after.keys() if before.get(part) != after.get(part)}


def same_for_people(old: Any, new: Any, *, plain: bool) -> bool:
    """Whether a part that was made again is what it was, where the server alone decides some of its fields.

    A record that reserving makes by itself, without texts, says nothing. ``plain``: a lease without a reservation,
    whose expiry counts.
    """
    return _said(old, plain=plain) == _said(new, plain=plain)


def _said(item: Any, *, plain: bool) -> object:
    if isinstance(item, Record):
        if not plain and not item.name and not item.comment:
            return None
        return item.client_id, item.name or "", item.comment or "", item.expires if plain else None
    if isinstance(item, Reservation):
        return item.client_id, item.allowed_client_types, frozenset(item.options)
    return item


def _is_plain(snapshot: Snapshot, part: Part) -> bool:
    return not any(part[0] in scope.reservations for scope in snapshot.values())


def _trespasses(run: Run) -> Iterator[str]:
    """Rule 2."""
    victims = {(address(where), bytes.fromhex(who.replace(":", ""))) for where, who in run.story.purges.items()}

    def allowed(where: int, who: bytes) -> bool:
        return (where, who) in victims or any(wish.may_touch(where, who) for wish in run.story.wishes)

    for change in run.audit:
        for item in (change.before, change.after):
            if isinstance(item, Range) or (item is not None and not allowed(address(change.address), item.client_id)):
                yield f"{change.call} touched {item} at {change.address}"
    for where, who, kind in changed_parts(run):
        if not allowed(where, who):
            yield f"the {kind.__name__} of {who.hex(':')} at {dotted(where)} is not what it was"
    for name, scope in run.before.items():
        if (scope.ranges, scope.exclusions) != (run.after[name].ranges, run.after[name].exclusions):
            yield f"the ranges of {name} are not what they were"


# --- what users see ---------------------------------------------------------------------------------------------------


def seen(snapshot: Snapshot, where: int, *, lease: bool = False) -> dict[str, Any] | None:
    """What users see at an address: its reservation with its own record, else (or with ``lease``) its record."""
    name, scope = next((name, each) for name, each in snapshot.items() if address(name) == where & 0xFFFFFF00)
    held, record = scope.reservations.get(where), scope.records.get(where)
    if held is None or lease:
        if record is None:
            return None
        return _shown(name, record, record, kind="lease", expires=_moment(record.expires))
    own = record if record is not None and record.client_id == held.client_id else None
    return _shown(name, held, own, kind="reservation", expires=None)


def _shown(
    scope: str, item: Record | Reservation, record: Record | None, *, kind: str, expires: str | None
) -> dict[str, Any]:
    return {
        "ip_address": dotted(item.address),
        "client_id": item.client_id.hex(),
        "scope": scope,
        "name": None if record is None else record.name or "",
        "description": None if record is None else record.comment or "",
        "type": kind,
        "lease_expires": expires,
    }


def _moment(filetime: int) -> str | None:
    if filetime in (0, NEVER):
        return "never" if filetime else None
    moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=filetime // 10)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _differs(told: Mapping[str, Any], truth: Mapping[str, Any] | None, *, but: tuple[str, ...] = ()) -> str | None:
    if truth is None:
        return "there is nothing" if but != SHOWN else None
    wrong = {key: (told.get(key), truth[key]) for key in SHOWN if key not in but and told.get(key) != truth[key]}
    return f"told and true: {wrong}" if wrong else None


# --- clients ----------------------------------------------------------------------------------------------------------


def _pairs(run: Run) -> list[tuple[Wish, dict[str, Any]]]:
    return list(zip(run.story.wishes, run.outcome.clients, strict=True))


@dataclass(frozen=True)
class _Client:
    """One client's result (rules 3 and 4)."""

    run: Run
    wish: Wish
    told: dict[str, Any]

    def complaints(self) -> Iterator[str]:
        if self.told["client_id"] not in (None, self.wish.client.hex()):
            yield "is told about another client"
        if self.wish.client in self.run.deceived:
            return
        yield from self._failed() if "error" in self.told else self._succeeded()

    @property
    def _moved(self) -> set[Part]:
        return {part for part in changed_parts(self.run) if self.wish.may_touch(part[0], part[1])}

    @property
    def _audited(self) -> list[Change]:
        return [
            change
            for change in self.run.audit
            for item in [change.before or change.after]
            if not isinstance(item, Range | None) and self.wish.may_touch(address(change.address), item.client_id)
        ]

    # --- without an error ---------------------------------------------------------------------------------------------

    def _succeeded(self) -> Iterator[str]:
        action = self.told["action"]
        if self.run.fresh and action != self.wish.action:
            yield f"its action is {self.wish.action}"
        if action in ("none", "unknown") and self._moved:
            yield f"changed: {_names(self._moved)}"
        if action not in ("none", "unknown") and not self._audited:
            yield "nothing was written"
        yield from missing(self.wish, self.run.after)
        yield from self._inheritance()
        if action != "none" or not self.wish.absent:
            where = address(self.told["ip_address"])
            snapshot = self.run.before if self.wish.absent else self.run.after
            wrong = _differs(self.told, seen(snapshot, where))
            if wrong:
                yield wrong

    def _inheritance(self) -> Iterator[str]:
        """What its reservation takes over from the one that it replaces, or that it had elsewhere."""
        if not self.run.fresh or self.wish.heir_of is None or self.wish.place is None:
            return
        source = address(self.wish.heir_of)
        old, new = self.run.before[HOME], self.run.after[HOME]
        left, got = old.reservations[source], new.reservations.get(self.wish.place)
        if got is None or _said(replace_client(left, got.client_id), plain=False) != _said(got, plain=False):
            yield "the option values or client types of the old reservation are not on the new one"
        texts, kept = old.records.get(source), new.records.get(self.wish.place)
        if texts is None or kept is None or texts.client_id != left.client_id:
            return
        if (self.wish.declared.get("name", texts.name), texts.comment) != (kept.name, kept.comment):
            yield "the texts of the old record are not on the new one"

    # --- with an error ------------------------------------------------------------------------------------------------

    def _failed(self) -> Iterator[str]:
        action, error = self.told["action"], self.told["error"]
        if not error:
            yield "has an empty error"
        if action == "none":
            yield from self._unchanged(as_declared="put back" in error)
        elif action == "unknown":
            yield from self._unknown()
        elif not self._audited:
            yield "nothing was written"
        elif self.run.fresh and action != self.wish.action:
            yield f"its action is {self.wish.action}"
        yield from self._losses()
        yield from self._before_is_true()
        yield from self._words_are_true()

    def _unchanged(self, *, as_declared: bool) -> Iterator[str]:
        before, after = parts(self.run.before), parts(self.run.after)
        for part in self._moved:
            old, new = before.get(part), after.get(part)
            plain = _is_plain(self.run.before, part)
            if not as_declared or not same_for_people(old, new, plain=plain):
                yield f"is not what it was: {_names([part])}"

    def _unknown(self) -> Iterator[str]:
        if "unknown" not in self.told["error"] and "could not be read" not in self.told["error"]:
            yield "the message does not say that it is unknown"
        if not any(self._is_mine(lost) for lost in self.run.lost):
            yield "every write was answered"

    def _is_mine(self, lost: Lost) -> bool:
        if lost.address is None:
            return lost.client in (self.wish.client, *(who for where, who, _kind in self._touchable()))
        return any(lost.address == where for where, _who, _kind in self._touchable()) or lost.client == self.wish.client

    def _touchable(self) -> set[Part]:
        every = parts(self.run.before).keys() | parts(self.run.after).keys()
        return {part for part in every if self.wish.may_touch(part[0], part[1])}

    def _losses(self) -> Iterator[str]:
        """What is gone for a client that was to be made: whole in ``before``, unless it is where it was declared."""
        if self.wish.absent:
            return
        before, after = parts(self.run.before), parts(self.run.after)
        for part in self._moved:
            old, new = before.get(part), after.get(part)
            plain = _is_plain(self.run.before, part)
            if old is None or same_for_people(old, new, plain=plain) or _said(old, plain=plain) is None:
                continue
            if isinstance(old, Record) and isinstance(new, Record) and self._texts(old) == self._texts(new):
                continue  # it was changed as declared, or the server gave it an expiry
            if not any(_tells(entry, old) for entry in self.told.get("before", ())):
                yield f"is gone and not in before: {_names([part])}"
            if "could not be put back" not in self.told["error"] and "could not be read" not in self.told["error"]:
                yield f"is gone, and the message does not say that it was to be put back: {_names([part])}"

    def _texts(self, record: Record) -> tuple[str, str]:
        """Name and description as they are to be: what the client's own declaration changes of them is no loss."""
        declared = self.wish.declared if record.client_id == self.wish.client else {}
        return declared.get("name", record.name or ""), declared.get("description", record.comment or "")

    def _before_is_true(self) -> Iterator[str]:
        for entry in self.told.get("before", ()):
            where = address(entry["ip_address"])
            truths = [seen(self.run.before, where), seen(self.run.before, where, lease=True)]
            if all(_differs(entry, truth) for truth in truths):
                yield f"before is not what was at {entry['ip_address']}: {_differs(entry, truths[0])}"
            held = self.run.before[HOME].reservations.get(where)
            if entry["type"] == "reservation" and (held is None or not _tells(entry, held)):
                yield f"before does not have what was reserved at {entry['ip_address']}"

    def _words_are_true(self) -> Iterator[str]:
        error = self.told["error"]
        yield from self._sentences(error)
        written = re.search(r"This task had already written: ([^.]*)\.", error)
        calls = {change.call for change in self._audited}
        for words in written.group(1).split(", ") if written else ():
            if WORDS[words] not in calls:
                yield f"{words} was not written"
        if "acknowledged the writes" in error and not calls:
            yield "nothing was written"

    def _sentences(self, error: str) -> Iterator[str]:
        before, after = parts(self.run.before), parts(self.run.after)
        gone = {
            dotted(part[0])
            for part in self._moved
            if not same_for_people(before.get(part), after.get(part), plain=_is_plain(self.run.before, part))
        }
        if "had been removed for it was put back" in error and gone:
            yield f"was not put back: {gone}"
        could_not = re.search(r"What was at ([\d., ]*\d) could not be put back", error)
        different = {dotted(part[0]) for part in changed_parts(self.run)}
        if could_not and set(could_not.group(1).split(", ")) - different:
            yield f"is there, whatever the message says: {could_not.group(1)}, not {different}"
        left = re.search(r"The record that this task made at ([\d.]+) is still there", error)
        if left and (address(left.group(1)), self.wish.client, Record) not in after:
            yield "no record is left"
        removed = re.search(r"The record that this task had made at ([\d.]+) was removed again", error)
        if removed and (address(removed.group(1)), self.wish.client, Record) in after:
            yield "the record is still there"


def replace_client(item: Reservation, client: bytes) -> Reservation:
    """The same reservation for another client."""
    return Reservation(
        address=item.address, client_id=client, allowed_client_types=item.allowed_client_types, options=item.options
    )


def _tells(entry: Mapping[str, Any], old: Record | Reservation) -> bool:
    """Whether an entry of ``before`` is enough to make this by hand."""
    if (entry["ip_address"], entry["client_id"]) != (dotted(old.address), old.client_id.hex()):
        return False
    if isinstance(old, Record):
        return bool((entry["name"] or "", entry["description"] or "") == (old.name or "", old.comment or ""))
    told = Counter((value["option_id"], value["user_class"], value["vendor_class"]) for value in entry["options"])
    options = Counter((value.option_id, value.user_class, value.vendor_class) for value in old.options)
    return bool(entry["allowed_client_types"] == old.allowed_client_types and told == options)


def _names(found: Iterable[Part]) -> str:
    words = (f"{kind.__name__} of {who.hex(':')} at {dotted(where)}" for where, who, kind in sorted(found, key=str))
    return ", ".join(words)


def missing(wish: Wish, snapshot: Snapshot) -> Iterator[str]:
    """What was declared and is not there."""
    scope = snapshot[HOME]
    held = [each for each in scope.reservations.values() if each.client_id == wish.client]
    own = [each for each in scope.records.values() if each.client_id == wish.client]
    if wish.absent:
        if own if wish.lease else held:
            yield "is still there"
        return
    if [each.address for each in held] != ([] if wish.lease else [wish.place or own[0].address if own else wish.place]):
        yield f"is reserved at {[dotted(each.address) for each in held]}"
    if [each.address for each in own] != [wish.place or (own[0].address if own else None)]:
        yield f"has records at {[dotted(each.address) for each in own]}"
        return
    expected = {
        "name": wish.declared.get("name", own[0].name or ""),
        "description": wish.declared.get("description", own[0].comment or ""),
        "lease_expires": wish.declared.get("lease_expires", _moment(own[0].expires)),
    }
    there = {
        "name": own[0].name or "",
        "description": own[0].comment or "",
        "lease_expires": _moment(own[0].expires),
    }
    if there != expected:
        yield f"is there as {there}"


# --- the whole --------------------------------------------------------------------------------------------------------


def _purge(run: Run) -> Iterator[str]:
    """Rule 5."""
    told = {entry["ip_address"]: entry for entry in run.outcome.purged}
    failed = any("error" in client for client in run.outcome.clients)
    before, after = parts(run.before), parts(run.after)
    for where, who in run.story.purges.items():
        part = (address(where), bytes.fromhex(who.replace(":", "")), Reservation)
        if failed and any(change.address == where for change in run.audit):
            yield f"{where} was purged after a failure"
        if part in before:
            entry = told.pop(where, None)
            yield from (f"{where} in purged: {each}" for each in _victim(run, entry, part, gone=part not in after))
            if entry is None and not failed and part in after:
                yield f"{where} was not purged, and nothing says so"
    if told:
        yield f"purged, though nobody asked for it: {sorted(told)}"


def _victim(run: Run, told: dict[str, Any] | None, part: Part, *, gone: bool) -> Iterator[str]:
    if gone and (told is None or told["action"] not in ("removed", "unknown")):
        yield f"is gone, told is {told}"
    if told is None:
        return
    if "error" not in told:
        wrong = _differs(told, seen(run.before, part[0]))
        if wrong or not gone:
            yield wrong or "is there"
    elif told["action"] == "removed" and not any(change.address == dotted(part[0]) for change in run.audit):
        yield "is told as removed, with an error"
    elif told["action"] == "unknown" and part[0] not in {lost.address for lost in run.lost}:
        yield "is told as unknown, though every write was answered"


def _summary(run: Run) -> Iterator[str]:
    """``changed`` and ``failure`` (rule 6)."""
    outcome = run.outcome
    entries = [*outcome.clients, *outcome.purged]
    actions = [entry["action"] for entry in entries]
    errors = [entry["error"] for entry in entries if "error" in entry]
    claimed = any(action not in ("none", "unknown") for action in actions)
    # A client whose outcome is unknown may have had a write before that was acknowledged.
    if outcome.changed != claimed and not (outcome.changed and "unknown" in actions and run.audit):
        yield f"changed is {outcome.changed} with {actions}"
    if not outcome.changed and "unknown" not in actions and not run.deceived:
        put_back = any("put back" in error for error in errors)
        before, after = parts(run.before), parts(run.after)
        for part in changed_parts(run):
            plain = _is_plain(run.before, part)
            if not put_back or not same_for_people(before.get(part), after.get(part), plain=plain):
                yield f"not changed, but different: {_names([part])}"
    if (outcome.failure is not None) != bool(errors) or (outcome.error is not None) != bool(errors):
        yield f"failure is {outcome.failure!r} with {len(errors)} errors"
    elif errors and not any(error in outcome.failure for error in errors):
        yield "failure has none of the errors"


def _diff(run: Run) -> Iterator[str]:
    """The diff says what was and what is, of everything that was written (rule 6)."""
    sides = {side: _by_address(values) for side, values in run.outcome.diff.items()}
    hidden = _hidden(run)
    for side, snapshot in (("before", run.before), ("after", run.after)):
        for where, values in sides[side].items():
            but = hidden[side].get(where, ())
            truths = [seen(snapshot, address(where), lease=lease) for lease in (False, True)]
            if all(_differs(values, truth, but=but) for truth in truths):
                yield f"diff, {side}, {where}: {_differs(values, truths[0], but=but)}"
    gone = {entry["ip_address"] for entry in run.outcome.purged if "error" not in entry}
    for wish, told in _pairs(run):
        if told["action"] in ("none", "unknown") or "error" in told or wish.client in run.deceived:
            continue
        if wish.absent:
            gone.add(told["ip_address"])
        elif told["ip_address"] not in sides["after"]:
            yield f"diff, after: {told['ip_address']} is not there"
        touched = [part for part in changed_parts(run) if wish.may_touch(part[0], part[1])]
        gone |= {dotted(part[0]) for part in touched if len(run.story.wishes) > 1 and seen(run.before, part[0])}
    if gone - sides["before"].keys():
        yield f"diff, before: {gone - sides['before'].keys()} is not there"


def _hidden(run: Run) -> dict[str, dict[str, tuple[str, ...]]]:
    """What a diff cannot know, by side and address: nothing of clients about whom the server lied.

    Of failed ones: nothing where a write got no verified answer, and not the expiry that the server gives to a lease
    whose reservation goes; only a reading tells these, and there was none.
    """
    hidden: dict[str, dict[str, tuple[str, ...]]] = {"before": {}, "after": {}}
    for wish, told in _pairs(run):
        where = address(told["ip_address"])
        if "error" in told and where in run.before[HOME].reservations and where not in run.after[HOME].reservations:
            hidden["after"][dotted(where)] = ("lease_expires",)
        if "error" in told and any(_concerns(run, lost, where) for lost in run.lost):
            hidden["after"][dotted(where)] = SHOWN
        for place in (wish.place, wish.old):
            if wish.client in run.deceived and place is not None:
                hidden["before"][dotted(place)] = hidden["after"][dotted(place)] = SHOWN
    return hidden


def _concerns(run: Run, lost: Lost, where: int) -> bool:
    if lost.address is not None:
        return lost.address == where
    return any((where, lost.client, Record) in parts(snapshot) for snapshot in (run.before, run.after)) or any(
        change.address == dotted(where) and change.call == lost.call for change in run.audit
    )


def _by_address(values: Mapping[str, Any]) -> dict[str, Any]:
    """The single form shows its one client without an address in front."""
    return {values["ip_address"]: values} if "ip_address" in values else dict(values)
