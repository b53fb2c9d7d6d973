# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What has happened to each item of a plan so far, and how that is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Action, Client, Item, ItemPlan, Present
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import Site
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.restore import Place
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import DeleteRecord, RemoveReservation, Step
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import view
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, Taken


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

    def settle(self, site: Site) -> None:
        """What got no answer but is there, and as it was sent, counts as written by this run.

        So does what a server refused after it had done it, unless the refusal says that it was there before. That
        somebody else wrote the very same meanwhile cannot be told apart.
        """
        for step, sent in self.sent.items():
            if sent is Sent.DONE or isinstance(self.refusals[step], Taken):
                continue
            if site[step.scope.address].may_come_from(step):
                self.sent[step] = Sent.DONE
                if self.action is Action.NONE:
                    self.action = self.first.action


class Known:
    """What is there, as far as acknowledged writes and readings tell. ``original`` is from before the first write."""

    def __init__(self, original: Site) -> None:
        self._site = {address: state.copy() for address, state in original.items()}

    def wrote(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._site[step.scope.address].advance(step)

    def read(self, site: Site, places: Iterable[Place]) -> None:
        for scope, address in places:
            self._site[scope].take(address, site[scope])

    def at(self, place: Place) -> Client | None:
        """What users see there."""
        scope, address = place
        return view(self._site[scope], address)


def where(entry: Progress) -> str:
    """The item in words."""
    item = entry.item
    named = [str(part) for part in (item.client_id, item.address) if part is not None]
    return " at ".join(named) + ("" if item.scope is None else f" in scope {item.scope}")


def words(step: Step) -> str:
    names = {
        "Create": "the creation of the record",
        "Reserve": "the reservation",
        "SetRecord": "the change of the record",
        "RemoveReservation": "the removal of the reservation",
        "DeleteRecord": "the removal of the record",
        "SetOptions": "the option values",
    }
    return names[type(step).__name__]


def with_note(error: DhcpError, entry: Progress) -> DhcpError:
    """A failure that showed only after something was written says what that was."""
    written = [words(step) for step in entry.done]
    if not written:
        return error
    return because(error, f"{error} This task had already written: {', '.join(written)}.")


def because(cause: DhcpError, sentence: str) -> DhcpError:
    error = DhcpError(sentence)
    error.__cause__ = cause
    return error
