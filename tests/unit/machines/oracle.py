# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task may touch, by what is promised to its users, and without a line of the code under test.

`Oracle.permits` looks at one change that a call has made, in the database as it was at that very moment: whatever
the run believed, nobody else's record or reservation may be hit. The promises:

- A present client may be put at its address: its record, its reservation, the name, description and expiry that were
  declared. With an address left out, that is where the client was, or any address that the scope hands out.
- ``evict_lease`` gives away a lease of another client at that address, ``replace`` a reservation too, and what the
  client itself has at other addresses of the scope; a reservation not for ``type=lease``. Only of those that were
  there before the first write: who comes later is a conflict again.
- Over a lease of another client at its own reservation, ``evict_lease`` removes and makes that reservation anew.
- An absent reservation goes, and a record of its client with it if it was never leased; so does such a record that
  nothing holds, if the client was named. An absent lease goes unless it is reserved. Address and client are a pair.
  A client that is named alone, without a scope, must be in one scope only when its turn comes.
- Purging removes reservations of its own scope that the list does not name, with their clients' unleased records.
- What a run has made or removed itself it may take back or put back. What it asked for and finds afterwards counts as
  its own even where the server had refused it, since a refusal may come too late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs
from ansible_collections.msrpc.dhcp.tests.simulator.site import Record, Reservation, client_id, filetime
from ansible_collections.msrpc.dhcp.tests.simulator.site import address as number
from ansible_collections.msrpc.dhcp.tests.simulator.store import Change, Scope
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    DELETE,
    GET,
    LIST,
    SET,
    SET_OPTIONS,
    UNRESERVE,
)
from ansible_collections.msrpc.dhcp.tests.unit.machines.ground import UNLEASED, Entry, Run, Task, View, scope_of

# --- what was declared ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One client of a task, with the task's options where it has none of its own."""

    present: bool
    reserved: bool
    scope: int | None
    address: int | None
    client: bytes | None
    name: str | None
    comment: str | None
    on_create: bool
    expires: int | None
    policy: str

    @property
    def evicts(self) -> bool:
        return self.policy in ("evict_lease", "replace")

    @property
    def replaces(self) -> bool:
        return self.policy == "replace"

    def names(self, scope: int, address: int, client: bytes) -> bool:
        """Whether the wish speaks of this client at this address."""
        return self.scope in (None, scope) and self.address in (None, address) and self.client in (None, client)


def wishes(task: Task) -> list[Wish]:
    found = []
    for each in task.clients:
        given = {**task.options, **{key: value for key, value in each.items() if value is not None}}
        identifier = given.get("mac_address") or given.get("client_id")
        address = number(given["ip_address"]) if "ip_address" in given else None
        scope = number(given["scope"]) if "scope" in given else None
        expires = given.get("lease_expires")
        found.append(
            Wish(
                present=given.get("state", "present") == "present",
                reserved=given.get("type", "reservation") == "reservation",
                scope=scope_of(address) if scope is None and address is not None else scope,
                address=address,
                client=None if identifier is None else client_id(identifier),
                name=given.get("name"),
                comment=given.get("description"),
                on_create=given.get("name_policy") == "on_create",
                expires=None if expires is None else filetime(expires),
                policy=given.get("on_conflict", "fail"),
            )
        )
    return found


# --- what may be touched ----------------------------------------------------------------------------------------------


@dataclass
class Oracle:
    """Judges the changes of one run, in their order."""

    wishes: Sequence[Wish]
    purged_scope: int | None
    scopes: dict[int, Scope]
    # What anybody could have seen before the first write.
    early: Sequence[View]
    asked: set[tuple[int, bytes]] = field(default_factory=set)
    removed: dict[tuple[int, bytes, type], Record | Reservation] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, scopes: dict[int, Scope]) -> Oracle:
        first = next((index for index, entry in enumerate(run.entries) if entry.is_write), len(run.entries))
        purges = run.task.options.get("purge")
        return cls(
            wishes=wishes(run.task),
            purged_scope=number(run.task.options["scope"]) if purges else None,
            scopes=scopes,
            early=[run.before, *(entry.seen for entry in run.entries[: first + 1])],
        )

    def has_seen(self, entry: Entry) -> None:
        """Note whom a write asks the server to put where."""
        call = entry.call
        if isinstance(call, calls.R_DhcpCreateClientInfoVQ):
            self.asked.add((call.ClientInfo.ClientIpAddress, call.ClientInfo.ClientHardwareAddress))
        elif isinstance(call, calls.R_DhcpAddSubnetElementV5):
            wanted = call.AddElementInfo.Element
            self.asked.add((wanted.ReservedIpAddress, wanted.ReservedForClient.Data))

    def permits(self, change: Change, entry: Entry) -> bool:
        """Whether some promise of the task covers this change; what is so covered counts for the changes after it."""
        scope, where = number(change.scope), number(change.address)
        old, new = change.before, change.after
        if isinstance(new, Record | Reservation) and old is None:
            allowed = self._may_add(scope, new)
        elif isinstance(old, Record | Reservation) and new is None:
            allowed = self._may_remove(scope, old, entry)
            if allowed:
                self.removed.setdefault((where, old.client_id, type(old)), old)
        elif isinstance(old, Record) and isinstance(new, Record):
            allowed = self._may_change(scope, old, new, entry)
        elif isinstance(old, Reservation) and isinstance(new, Reservation):
            allowed = self._may_set_options(scope, old)
        else:
            allowed = False  # ranges and exclusions
        return allowed

    # --- present ------------------------------------------------------------------------------------------------------

    def _wanted(self, scope: int, where: int, client: bytes) -> list[Wish]:
        """The wishes that put this client at this address."""
        return [
            wish
            for wish in self.wishes
            if wish.present
            and (wish.scope, wish.client) == (scope, client)
            and (wish.address == where or (wish.address is None and self._may_be_given(scope, where, client)))
        ]

    def _may_be_given(self, scope: int, where: int, client: bytes) -> bool:
        """Whether a client without declared address may get this one: it had it, or the scope hands it out."""
        site = self.scopes[scope]
        return self._was_at(where, client) or (
            site.in_a_range(where) and not any(where in each for each in site.exclusions)
        )

    def _was_at(self, where: int, client: bytes) -> bool:
        return any(client in (view.holder(where), view.tenant(where)) for view in self.early)

    def _may_add(self, scope: int, new: Record | Reservation) -> bool:
        if self._wanted(scope, new.address, new.client_id):
            return True
        if not any(key[:2] == (new.address, new.client_id) for key in self.removed):
            return False
        if isinstance(new, Record) and new.name is None and new.comment is None and new.expires == UNLEASED:
            return True  # reserving makes it
        # As it was when it was removed, or when the run began: removing a reservation has shortened its lease.
        lost = [each for view in self.early for each in view.at(new.address)]
        lost += [each for key, each in self.removed.items() if key[0] == new.address]
        return any(each is not None and _says_the_same(each, new) for each in lost)

    def _may_change(self, scope: int, old: Record, new: Record, entry: Entry) -> bool:
        if entry.name == UNRESERVE:
            # The lease goes on without the reservation, for as long as the server gives.
            own = entry.seen.holder(old.address) == old.client_id or self._wanted(scope, old.address, old.client_id)
            kept = _but(old, expires=new.expires) == new
            return kept and (bool(own) or self._may_remove(scope, old, entry))
        if entry.name != SET or _but(old, name=new.name, comment=new.comment, expires=new.expires, state=1) != new:
            return False
        lost = self.removed.get((old.address, old.client_id, Record))
        if isinstance(lost, Record) and _says_the_same(lost, new):
            return True  # put back
        return any(self._as_wished(wish, old, new) for wish in self._wanted(scope, old.address, old.client_id))

    def _as_wished(self, wish: Wish, old: Record, new: Record) -> bool:
        """Whether only what was declared has changed, or is taken over from what is removed for it."""
        heirlooms = [each for view in self.early for each in view.records.values()] if wish.evicts else []
        names = {each.name for each in heirlooms} if wish.name is None else {wish.name}
        comments = {each.comment for each in heirlooms} if wish.comment is None else {wish.comment}
        return (
            (new.name == old.name or (new.name in names and (not wish.on_create or not old.name)))
            and (new.comment == old.comment or new.comment in comments)
            and (new.expires == old.expires or (not wish.reserved and new.expires == wish.expires))
        )

    def _may_set_options(self, scope: int, old: Reservation) -> bool:
        heir = any(wish.evicts for wish in self._wanted(scope, old.address, old.client_id))
        return heir or (old.address, old.client_id, Reservation) in self.removed

    # --- removals -----------------------------------------------------------------------------------------------------

    def _may_remove(self, scope: int, old: Record | Reservation, entry: Entry) -> bool:
        return (
            (old.address, old.client_id) in self.asked
            or any(self._gives_way(wish, scope, old, entry) for wish in self.wishes if wish.present)
            or any(self._goes(wish, scope, old, entry) for wish in self.wishes if not wish.present)
            or self._is_purged(scope, old, entry)
        )

    def _gives_way(self, wish: Wish, scope: int, old: Record | Reservation, entry: Entry) -> bool:
        """Whether this is removed so that a present client can have its address."""
        if wish.scope != scope or wish.client is None or not self._was_at(old.address, old.client_id):
            return False
        here = wish.address == old.address
        if wish.address is None:
            leaves = wish.replaces and self._is_claimed(old.address)
            here = not leaves and any(view.holder(old.address) == wish.client for view in self.early)
        if old.client_id == wish.client:
            if here:
                return self._is_made_anew(wish, old, entry)
            return wish.replaces and (wish.reserved or isinstance(old, Record))
        if isinstance(old, Reservation):
            return here and wish.replaces
        return here and wish.evicts

    def _is_claimed(self, where: int) -> bool:
        """Whether the list wants a reserved address for another client, or empty."""
        empties = [wish for wish in self.wishes if wish.address == where and wish.client is None and wish.reserved]
        return bool(empties) or any(wish.present and wish.address == where for wish in self.wishes)

    def _is_made_anew(self, wish: Wish, old: Record | Reservation, entry: Entry) -> bool:
        """The client's own, at its own address: below another's lease, or with another's reservation."""
        tenants = {view.tenant(old.address) for view in self.early} - {None, wish.client}
        holders = {view.holder(old.address) for view in self.early} - {None, wish.client}
        if isinstance(old, Reservation):
            return wish.evicts and bool(tenants)
        return wish.replaces and bool(holders) and old.expires == UNLEASED and entry.name == UNRESERVE

    def _goes(self, wish: Wish, scope: int, old: Record | Reservation, entry: Entry) -> bool:
        """Whether an absent client's reservation or lease is this one."""
        if not wish.names(scope, old.address, old.client_id):
            return False
        if wish.scope is None and not any(
            self._is_in_one_scope(old.client_id, view) for view in [*self.early, entry.seen]
        ):
            return False
        if isinstance(old, Reservation):
            return wish.reserved
        if not wish.reserved:
            return entry.name == DELETE
        if entry.name == UNRESERVE:
            return old.expires == UNLEASED and entry.seen.holder(old.address) == old.client_id
        # Named by itself, or by the reservation that held it when the run began and that somebody has removed since.
        named = wish.client is not None or any(view.holder(old.address) == old.client_id for view in self.early)
        return named and old.expires == UNLEASED and entry.seen.holder(old.address) is None

    @staticmethod
    def _is_in_one_scope(client: bytes, view: View) -> bool:
        entries = [*view.records.values(), *view.reservations.values()]
        return len({scope_of(each.address) for each in entries if each.client_id == client}) == 1

    def _is_purged(self, scope: int, old: Record | Reservation, entry: Entry) -> bool:
        if scope != self.purged_scope or self.is_listed(old.address, old.client_id):
            return False
        if isinstance(old, Reservation):
            return any(view.holder(old.address) == old.client_id for view in self.early)
        return entry.name == UNRESERVE and old.expires == UNLEASED and entry.seen.holder(old.address) == old.client_id

    def is_listed(self, where: int, client: bytes) -> bool:
        """Whether a present client of the list keeps a reservation from being purged."""
        return any(wish.present and (wish.address == where or wish.client == client) for wish in self.wishes)


def _but(record: Record, **what: object) -> Record:
    """The record with other values; the bits beside the two of its state say how DNS stands, and may be lost."""
    values = {name: getattr(record, name) for name in record.__slots__}
    return Record(**{**values, **what})


def _says_the_same(old: Record | Reservation, new: Record | Reservation) -> bool:
    if isinstance(old, Record) and isinstance(new, Record):
        texts = (old.name or "", old.comment or "") == (new.name or "", new.comment or "")
        return texts and (old.client_id, old.expires) == (new.client_id, new.expires)
    if isinstance(old, Reservation) and isinstance(new, Reservation):
        return (old.client_id, old.allowed_client_types) == (new.client_id, new.allowed_client_types)
    return False


# --- what the protocol leaves open ------------------------------------------------------------------------------------

# Between a read and the call that directly follows it nothing can be locked, and no call of this protocol carries a
# condition: what somebody does to the same address just there is overwritten, and nothing else ever is. Opnum 17 (SET)
# writes over who has come, 39 (UNRESERVE) changes or deletes that client's record, 19 (DELETE) deletes the record of
# the client that it names wherever that has moved in its scope, and 20 (SET_OPTIONS) goes by the address alone.
WINDOWS = {SET: GET, UNRESERVE: GET, DELETE: GET, SET_OPTIONS: LIST}


def window(run: Run, index: int, change: Change) -> bool:
    """Whether somebody changed what this change hit between the call at ``index`` and the read right before it."""
    entry, read = run.entries[index], run.entries[index - 1]
    where = number(change.address)
    if index == 0 or WINDOWS.get(entry.name) != read.name:
        return False
    if entry.name == SET_OPTIONS:
        return read.left.holder(where) != entry.seen.holder(where)
    if not isinstance(read.call.SearchInfo, structs.DHCP_SEARCH_INFO):
        return False
    if entry.name == DELETE and change.before is not None:
        client, scope = change.before.client_id, number(change.scope)
        return read.left.place_of(client, scope) != entry.seen.place_of(client, scope)
    return read.call.SearchInfo.Value == where and read.left.at(where) != entry.seen.at(where)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The changes of a run that nobody permitted: those in a window, and the others."""

    in_windows: list[tuple[Entry, Change]]
    unpermitted: list[tuple[Entry, Change]]
    oracle: Oracle


def judge(run: Run, scopes: dict[int, Scope]) -> Judgement:
    oracle = Oracle.of(run, scopes)
    hits: list[tuple[Entry, Change]] = []
    crimes: list[tuple[Entry, Change]] = []
    for index, entry in enumerate(run.entries):
        oracle.has_seen(entry)
        for change in entry.changes:
            if not oracle.permits(change, entry):
                (hits if window(run, index, change) else crimes).append((entry, change))
    return Judgement(in_windows=hits, unpermitted=crimes, oracle=oracle)
