# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Sending the steps of many items: each step once, what frees before what builds, over one connection or several."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
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
        self._losses: dict[int, int] = {}  # in a row, by connection
        self._gone: DhcpError | None = None

    def server_answers(self) -> None:
        """A reading has succeeded: what was lost before does not count any more."""
        self._losses.clear()
        self._gone = None

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
            before = frozenset(held)
            groups = [_Group(members, before) for members in (independent(work) if bulk else [work])]
            self._crew.run([partial(self._write_group, group) for group in groups])
            held.update(*(group.held for group in groups))

    def _write_group(self, group: _Group, server: DhcpServer) -> None:
        for entry, steps in group.members:
            self._write_steps(entry, steps, group, server)

    def _write_steps(self, entry: Progress, steps: Iterable[Step], group: _Group, server: DhcpServer) -> None:
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
            if group.holds(step) or step in entry.sent or not self._send(entry, step, server):
                group.held.update(_claims(step))
                entry.halted = True

    def _send(self, entry: Progress, step: Step, server: DhcpServer) -> bool:
        """Send a step; whether the item's next step may follow."""
        writes = server.own_writes
        try:
            server.apply(step)
        except Overtaken as exc:
            entry.note = str(exc)
        except Unanswered as exc:
            entry.sent[step], entry.refusals[step] = Sent.UNANSWERED, exc
            if isinstance(exc.__cause__, TransportError):
                self._lost(exc, server)
        except RpcFault as exc:
            entry.note = str(exc)
        except TransportError as exc:
            entry.note = str(exc)
            self._lost(exc, server)
        except DhcpError as exc:
            if server.own_writes == writes:
                entry.note = str(exc)  # of the read before it: nothing was sent
            else:
                entry.sent[step], entry.refusals[step] = Sent.REFUSED, exc
        else:
            entry.sent[step] = Sent.DONE
            self._losses.pop(id(server), None)
            if entry.action is Action.NONE:
                entry.action = entry.latest.action
            return True
        return False

    def _lost(self, exc: DhcpError, server: DhcpServer) -> None:
        """Counted for each connection by itself: what cuts all of them at once is one loss for each."""
        self._losses[id(server)] = losses = self._losses.get(id(server), 0) + 1
        if losses >= _MAX_LOSSES:
            self._gone = exc


@dataclass(slots=True)
class _Group:
    """Items whose steps have to follow each other, and what is held because a step failed, ``before`` or here."""

    members: list[tuple[Progress, tuple[Step, ...]]]
    before: frozenset[Claim]
    held: set[Claim] = field(default_factory=set)

    def holds(self, step: Step) -> bool:
        claims = _claims(step)
        return not (self.held.isdisjoint(claims) and self.before.isdisjoint(claims))


def _claims(step: Step) -> tuple[Claim, Claim]:
    return (step.scope.address, step.address), (step.scope.address, step.client_id)


def independent(work: Iterable[tuple[Progress, tuple[Step, ...]]]) -> list[list[tuple[Progress, tuple[Step, ...]]]]:
    """The items in groups that have no address and no client in common; within a group their order stays."""
    items = [(entry, steps) for entry, steps in work if steps]
    first = list(range(len(items)))  # of its group, by way of others: a forest of sets

    def root(index: int) -> int:
        while first[index] != index:
            first[index] = index = first[first[index]]
        return index

    owner: dict[Claim, int] = {}
    for index, (_entry, steps) in enumerate(items):
        for claim in (claim for step in steps for claim in _claims(step)):
            first[root(index)] = root(owner.setdefault(claim, index))
    groups: dict[int, list[tuple[Progress, tuple[Step, ...]]]] = {}
    for index, item in enumerate(items):
        groups.setdefault(root(index), []).append(item)
    return list(groups.values())
