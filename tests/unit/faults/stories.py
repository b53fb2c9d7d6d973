# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is declared in the matrix of faults, on what site, and what each client's task may do to whom.

Every site has, beside what its story is about, clients that nobody declares: the same machines in the other scope, a
lease, a declined address, and reservations with option values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    OptionValue,
    Record,
    Reservation,
    ScopeSite,
    Site,
    address,
    client_id,
    option,
    record,
    reservation,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import HOME, LATER, OTHER, UNLEASED

SOONER = "2098-01-01T00:00:00Z"
BOOT = option(67, "string", "boot/image")
CLASSED = option(1, "word", 7, 8, vendor_class="Acme phones", user_class="thin clients")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A declared client. ``action`` is what its task does on the story's site.

    ``leaves`` is its old address. ``displaces`` is another client that is removed from its address. ``heir_of`` is
    the address whose reservation passes its option values and client types on to it, and whose record its texts.
    """

    declared: dict[str, Any]
    action: str
    leaves: str | None = None
    displaces: str | None = None
    heir_of: str | None = None

    @property
    def client(self) -> bytes:
        """The identifier."""
        return client_id(self.declared["mac_address"])

    @property
    def place(self) -> int | None:
        """The declared address."""
        text = self.declared.get("ip_address")
        return None if text is None else address(text)

    @property
    def old(self) -> int | None:
        """The address that it leaves."""
        return None if self.leaves is None else address(self.leaves)

    @property
    def absent(self) -> bool:
        """Whether the client is to be gone."""
        return self.declared.get("state") == "absent"

    @property
    def lease(self) -> bool:
        """Whether it is about a record alone."""
        return self.declared.get("type") == "lease"

    def may_touch(self, where: int, who: bytes) -> bool:
        """Whether the declaration allows a change of what this client has at this address."""
        if who == self.client:
            return where in (self.place, self.old) or (self.place is None and where & 0xFFFFFF00 == address(HOME))
        return self.displaces is not None and where == self.place and who == client_id(self.displaces)


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is there, what is declared, and which reservations (by address: whose) the task's purge removes."""

    here: tuple[Record | Reservation, ...]
    wishes: tuple[Wish, ...]
    purges: dict[str, str] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)
    purging: bool = False
    # A refusal (status 5) of the nth call of a name comes first, so that the faults hit the way back.
    refused: tuple[str, int] | None = None

    @property
    def site(self) -> Site:
        """The whole site. A purge's scope has no other reservations than the story's."""
        return Site(scopes=(_home((*self.here, *bystanders(reserved=not self.purging))), _elsewhere()))


def machine(number: int) -> str:
    """A client's MAC."""
    return f"00:1c:25:00:00:{number:02x}"


def stranger(number: int) -> str:
    """The MAC of a client that no list names."""
    return f"02:00:00:00:00:{number:02x}"


def at(number: int) -> str:
    """An address of HOME."""
    return f"10.0.0.{number}"


def reserved(
    where: str, mac: str, name: str, *values: OptionValue, leased: str | int = UNLEASED
) -> tuple[Record | Reservation, ...]:
    """A reservation with its record."""
    return (
        record(where, mac, name=name, comment=f"{name}'s", expires=leased),
        reservation(where, mac, allowed_client_types=3, options=values),
    )


def lease(where: str, mac: str, name: str, **more: Any) -> tuple[Record]:
    """A record alone."""
    return (record(where, mac, **{"name": name, "comment": f"{name}'s", "expires": LATER, **more}),)


def bystanders(*, reserved: bool) -> tuple[Record | Reservation, ...]:
    """Who is in HOME without being declared."""
    here: list[Record | Reservation] = [
        record(at(98), stranger(0x98), name="neighbour", comment="not ours", expires=LATER, owner_address=7),
        record(at(97), stranger(0x97), name="declined", expires=SOONER, state=2),
    ]
    if reserved:
        here += [
            record(at(99), stranger(0x99), name="bystander", expires=UNLEASED),
            reservation(at(99), stranger(0x99), allowed_client_types=3, options=(BOOT, CLASSED)),
            reservation(at(96), stranger(0x96)),
        ]
    return tuple(here)


def _home(items: Iterable[Record | Reservation]) -> ScopeSite:
    items = tuple(items)
    return scope(
        HOME,
        records=[each for each in items if isinstance(each, Record)],
        reservations=[each for each in items if isinstance(each, Reservation)],
    )


def _elsewhere() -> ScopeSite:
    """The same clients, and strangers, in a scope that no list is about."""
    machines = [(f"10.0.1.{20 + number}", machine(number)) for number in range(1, 5)]
    strangers = [(f"10.0.1.{40 + number}", stranger(number)) for number in range(1, 5)]
    return scope(
        OTHER,
        records=[
            *(record(where, mac, name="there", comment="too", expires=UNLEASED) for where, mac in machines),
            *(record(where, mac, name="there", expires=LATER) for where, mac in strangers),
        ],
        reservations=[
            *(reservation(where, mac, options=(BOOT,)) for where, mac in machines),
            *(reservation(where, mac) for where, mac in strangers[:2]),
        ],
    )


def wish(number: int, where: str | None, action: str, **more: Any) -> Wish:
    """A wish of a machine."""
    about = {key: more.pop(key) for key in ("leaves", "displaces", "heir_of") if key in more}
    place = {"scope": HOME} if where is None else {"ip_address": where}
    return Wish(declared={"mac_address": machine(number), **place, **more}, action=action, **about)


def _replacing(number: int, where: str, action: str, **more: Any) -> Wish:
    return wish(number, where, action, on_conflict="replace", **more)


def _moving(number: int, source: str, target: str, **more: Any) -> Wish:
    return _replacing(number, target, "moved", leaves=source, heir_of=source, **more)


# --- one kind each, alone ---------------------------------------------------------------------------------------------

HELD = reserved(at(22), stranger(1), "held", BOOT, CLASSED)
SINGLE = {
    "create": Story(here=(), wishes=(wish(1, at(20), "created", name="printer", description="first floor"),)),
    "create_lease": Story(
        here=(), wishes=(wish(1, at(20), "created", type="lease", name="phone", lease_expires=LATER),)
    ),
    "reserve_own_lease": Story(here=lease(at(20), machine(1), "old"), wishes=(wish(1, at(20), "updated", name="new"),)),
    "change": Story(
        here=reserved(at(21), machine(1), "old", BOOT),
        wishes=(wish(1, at(21), "updated", name="new", description="changed"),),
    ),
    "change_expiry": Story(
        here=lease(at(21), machine(1), "phone", expires=SOONER),
        wishes=(wish(1, at(21), "updated", type="lease", lease_expires=LATER),),
    ),
    "replace": Story(
        here=HELD,
        wishes=(_replacing(1, at(22), "replaced", displaces=stranger(1), heir_of=at(22)),),
    ),
    "replace_leased": Story(
        here=reserved(at(22), stranger(1), "held", BOOT, leased=LATER),
        wishes=(_replacing(1, at(22), "replaced", displaces=stranger(1), heir_of=at(22), name="mine"),),
    ),
    "evict": Story(
        here=lease(at(23), stranger(2), "guest"),
        wishes=(wish(1, at(23), "replaced", displaces=stranger(2), on_conflict="evict_lease", name="mine"),),
    ),
    "evict_under_own": Story(
        here=(*lease(at(23), stranger(2), "guest"), reservation(at(23), machine(1), options=(BOOT,))),
        wishes=(
            wish(1, at(23), "replaced", displaces=stranger(2), heir_of=at(23), on_conflict="evict_lease", name="mine"),
        ),
    ),
    "move": Story(
        here=reserved(at(24), machine(1), "mover", BOOT, leased=LATER),
        wishes=(_moving(1, at(24), at(25)),),
    ),
    "move_lease": Story(
        here=lease(at(24), machine(1), "mover"),
        wishes=(_replacing(1, at(25), "moved", leaves=at(24), type="lease"),),
    ),
    "remove": Story(
        here=reserved(at(26), machine(1), "leaver", BOOT), wishes=(wish(1, at(26), "removed", state="absent"),)
    ),
    "remove_leased": Story(
        here=reserved(at(26), machine(1), "leaver", leased=LATER),
        wishes=(wish(1, at(26), "removed", state="absent"),),
    ),
    "remove_bare": Story(here=(reservation(at(26), machine(1)),), wishes=(wish(1, at(26), "removed", state="absent"),)),
    "remove_lease": Story(
        here=lease(at(26), machine(1), "leaver"),
        wishes=(wish(1, at(26), "removed", state="absent", type="lease"),),
    ),
    "allocate": Story(here=(), wishes=(wish(1, None, "created", name="anywhere"),)),
    "nothing": Story(here=reserved(at(20), machine(1), "here"), wishes=(wish(1, at(20), "none", name="here"),)),
}
CROWD = 60
BULK = Story(
    here=(),
    wishes=tuple(wish(each, at(10 + each), "created", name=f"client-{each}") for each in range(1, CROWD + 1)),
)
SWAP = Story(
    here=(*reserved(at(26), machine(1), "anna", BOOT), *reserved(at(27), machine(2), "berta", CLASSED, leased=LATER)),
    wishes=(_moving(1, at(26), at(27)), _moving(2, at(27), at(26))),
)
CHAIN = Story(
    here=(*reserved(at(26), machine(1), "anna", BOOT), *reserved(at(27), machine(2), "berta", CLASSED)),
    wishes=(_moving(1, at(26), at(27)), _moving(2, at(27), at(28))),
)

# --- all kinds at once ------------------------------------------------------------------------------------------------

PURGED = (*reserved(at(40), stranger(4), "unlisted", BOOT), *reserved(at(41), stranger(5), "leased", leased=LATER))
WHOLE = Story(
    here=(
        *reserved(at(13), machine(3), "old", BOOT),
        *lease(at(14), machine(4), "phone", expires=SOONER),
        *HELD,
        *lease(at(23), stranger(2), "guest"),
        *reserved(at(26), machine(7), "anna", BOOT),
        *reserved(at(27), machine(8), "berta", CLASSED, leased=LATER),
        *reserved(at(28), machine(9), "clara"),
        *reserved(at(29), machine(10), "dora", BOOT),
        *reserved(at(31), machine(11), "leaver", leased=LATER),
        *lease(at(32), machine(12), "goner"),
        *reserved(at(33), machine(14), "stayer"),
        *PURGED,
    ),
    wishes=(
        wish(1, at(11), "created", name="printer", description="first floor"),
        wish(2, at(12), "created", type="lease", name="phone", lease_expires=LATER),
        wish(3, at(13), "updated", name="new", description="changed"),
        wish(4, at(14), "updated", type="lease", lease_expires=LATER),
        _replacing(5, at(22), "replaced", displaces=stranger(1), heir_of=at(22)),
        wish(6, at(23), "replaced", displaces=stranger(2), on_conflict="evict_lease"),
        _moving(7, at(26), at(27)),
        _moving(8, at(27), at(26)),
        _moving(9, at(28), at(29)),
        _moving(10, at(29), at(30)),
        wish(11, at(31), "removed", state="absent"),
        wish(12, at(32), "removed", state="absent", type="lease"),
        wish(13, None, "created", name="anywhere"),
        wish(14, at(33), "none", name="stayer"),
    ),
    purges={at(40): stranger(4), at(41): stranger(5)},
    task={"scope": HOME, "purge": True, "purge_limit": 2},
    purging=True,
)
