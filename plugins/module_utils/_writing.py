# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Sending the steps of many items: each step once, what frees before what builds, over one connection or several."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from typing import TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._crew import Crew
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Action, ItemPlan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import Step
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    DhcpError,
    Overtaken,
    RpcFault,
    TransportError,
    Unanswered,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._progress import Progress, Sent, where
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer

# After this many lost connections in a row nothing more is written; what is left is reported as not tried.
_MAX_LOSSES = 3
# From this many writes on, further connections are worth their logons.
_BULK_FROM = 50

# What no two clients may have at once: an address of a scope, and a client in it.
Claim: TypeAlias = tuple[IPv4Address, Hashable]


class Writer:
    """Sends what plans want, and notes in each item's progress what became of it."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._losses = 0
        self._gone: DhcpError | None = None

    def server_answers(self) -> None:
        """A reading has succeeded: what was lost before does not count any more."""
        self._losses, self._gone = 0, None

    def write(self, active: Sequence[Progress]) -> None:
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
                    entry.error = DhcpError(
                        f"{where(entry)}: not tried, since the connection was lost too often. Last: {self._gone}"
                    )
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
