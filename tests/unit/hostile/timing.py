# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who closes, breaks off, falls silent or lets octets trickle: before, in the middle of and after every PDU.

Every point of a conversation is a conversation of its own; those of a cell are held at the same time.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal, TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    ConnectionLost,
    DhcpError,
    LogonFailed,
    TimedOut,
    Unanswered,
)
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import WANTED
from ansible_collections.msrpc.dhcp.tests.unit.hostile import wire
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import PATIENCE, Line, Relay
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    IN_TIME,
    SCOPE,
    Attack,
    Stage,
    is_known,
    read,
    sentence,
    stage,
    write,
)

Moment: TypeAlias = Literal["before", "in the middle of", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "in the middle of", "after")
# What is done with the line, and with what is left of the PDU.
Deed: TypeAlias = Callable[[Line, bytes, bool], None]

DEADLINE = 1.0  # seconds; some thirty conversations at a time share the processor
AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Point:
    """The ``number``-th PDU of a conversation, of the endpoint mapper's or the server's, in one direction."""

    mapper: bool
    from_client: bool
    number: int
    moment: Moment


def close(line: Line, _rest: bytes, _to_client: bool) -> None:
    """Close in order."""
    line.hang_up()


def reset(line: Line, _rest: bytes, _to_client: bool) -> None:
    """Break off."""
    line.reset()


def stall(line: Line, _rest: bytes, _to_client: bool) -> None:
    """Say nothing more, and keep the line open."""
    line.silent = True


def drip(line: Line, rest: bytes, to_client: bool) -> None:
    """The rest octet by octet, and then nothing more; what is to be sent takes longer than the deadline."""
    line.silent = True
    line.drip(rest * 40, to_client=to_client)


def at(point: Point, deed: Deed, relay: Relay) -> None:
    """Put the deed at a point of the relay's first conversation."""
    lock = threading.Lock()

    def edit(line: Line, data: bytes, from_client: bool) -> bytes | None:
        seen = line.sent if from_client else line.received
        if from_client != point.from_client or len(seen) != point.number + 1 or line.number:
            return data
        with lock:
            relay.struck.set()
        part = {"before": b"", "in the middle of": data[: len(data) // 2], "after": data}[point.moment]
        if part:
            line.ask(part) if from_client else line.answer(part)
        deed(line, data[len(part) :] or data, not from_client)
        return None

    relay.requests = lambda line, data: edit(line, data, True)
    relay.replies = lambda line, data: edit(line, data, False)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a conversation claimed on its way, how it ended, and what a read on another connection showed then."""

    claims: tuple[str, ...]
    error: DhcpError | None
    is_there: bool


def conversation(stage: Stage, deadline: float) -> Told:
    """Endpoint mapper, logon, a read, a write, a read; then, whatever came of it, a read that is not disturbed."""
    claims: list[str] = []
    error: DhcpError | None = None
    with stage.gateway(port=None, connect_timeout=deadline, request_timeout=deadline) as server:
        try:
            assert is_known(read(server))
            claims.append("read")
            write(server)
            claims.append("written")
            assert is_known(read(server))
            claims.append("read again")
        except DhcpError as exc:
            error = exc
    with stage.gateway(port=stage.sim.port) as server:
        is_there = server.record_at(SCOPE, IPv4Address(WANTED)) is not None
    return Told(claims=tuple(claims), error=error, is_there=is_there)


def points(ground: Stage) -> list[Point]:
    """The points of an undisturbed conversation."""
    with behind(ground) as found:
        told = conversation(found, PATIENCE)
        assert (told.claims, told.error) == (("read", "written", "read again"), None)
        (server,), (mapper,) = found.relay.lines, found.mapper.lines
        return [
            Point(mapper=is_mapper, from_client=from_client, number=number, moment=moment)
            for is_mapper, line in ((True, mapper), (False, server))
            for from_client, seen in ((True, line.sent), (False, line.received))
            for number in range(len(seen))
            for moment in MOMENTS
        ]


@contextmanager
def behind(ground: Stage) -> Iterator[Stage]:
    """Another stage like it, whose endpoint mapper leads to the relay."""
    with stage(ground.mechanism, ground.keys) as found:
        to, by = struct.pack(">H", found.sim.port), struct.pack(">H", found.relay.port)
        found.mapper.alter = lambda data: data.replace(to, by) if wire.kind(data) == wire.RESPONSE else data
        yield found


def suffer(ground: Stage, point: Point, deed: Deed, deadline: float = DEADLINE) -> None:
    """One conversation with a deed at one point: it ends in time, and what it says is true.

    On a busy machine the deadline may pass before that point; then there is more time.
    """
    with behind(ground) as found:
        relay = found.mapper if point.mapper else found.relay
        at(point, deed, relay)
        told = conversation(found, deadline)
        if not relay.struck.is_set():
            assert isinstance(told.error, TimedOut), point
            assert deadline == DEADLINE, point
            suffer(ground, point, deed, PATIENCE)
            return
        assert told.is_there == bool(found.sim.audit), point
        _is_true(told, point, found)
        if told.error is not None:
            sentence(told.error)
            cause = told.error.__cause__ if isinstance(told.error, Unanswered) else told.error
            ends = (TimedOut,) if deed in (stall, drip) else (ConnectionLost, LogonFailed)
            assert isinstance(cause, ends), f"{point}: {type(cause).__name__}: {cause}"


def _is_true(told: Told, point: Point, found: Stage) -> None:
    if "written" in told.claims:
        assert found.sim.audit, point
    elif not isinstance(told.error, Unanswered):
        assert found.sim.audit == [], point
    if told.error is None:
        assert told.claims[-1] == "read again"
        assert point.moment == "after", point


def everywhere(deed: Deed) -> Callable[[Stage], str]:
    """The deed at every point of the mechanism's conversation."""

    def play(ground: Stage) -> str:
        where = points(ground)
        assert len(where) >= 3 * 10
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            for each in [pool.submit(suffer, ground, point, deed) for point in where]:
                each.result()
        return IN_TIME

    return play


TIMING = (
    Attack(name="closes the connection", play=everywhere(close), verdict=IN_TIME),
    Attack(name="resets the connection", play=everywhere(reset), verdict=IN_TIME),
    Attack(name="falls silent", play=everywhere(stall), verdict=IN_TIME),
    Attack(name="sends one octet at a time", play=everywhere(drip), verdict=IN_TIME),
)
