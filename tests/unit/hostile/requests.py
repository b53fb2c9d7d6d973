# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks on requests: the server has to refuse them, and the client to say truthfully what it knows."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    AccessFault,
    BadReply,
    ConnectionLost,
    DhcpError,
    RpcFault,
    SecurityError,
    TimedOut,
)
from ansible_collections.msrpc.dhcp.tests.unit._rpc.conversation import ask, creation
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import CREATE, GET, RESERVE
from ansible_collections.msrpc.dhcp.tests.unit.hostile import wire
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import PATIENCE, Edit, Line
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    IN_TIME,
    MARKED,
    OPNUMS,
    SERVER_REFUSES,
    SHORT,
    Attack,
    Stage,
    is_known,
    read,
    refusal,
    wait_for,
)

# How a refusal may reach the client: a fault, the connection closed behind it, a reply that is not to this call.
KINDS = (AccessFault, RpcFault, ConnectionLost, BadReply, SecurityError)
LONG = "x" * 20_000  # more than fits into a fragment


def once(stage: Stage, call: str, edit: Edit) -> None:
    """The edit on the next request for a call."""
    done: list[Line] = []

    def requests(line: Line, data: bytes) -> bytes | None:
        if wire.kind(data) != wire.REQUEST or wire.opnum(data) != OPNUMS[call] or done:
            return data
        done.append(line)
        stage.relay.struck.set()
        return edit(line, data)

    stage.relay.requests = requests


def changed(
    edit: Edit, *kinds: type[DhcpError], timeout: float = PATIENCE, verdict: str = SERVER_REFUSES
) -> Callable[[Stage], str]:
    """The attack on a read and on a write: neither is executed, and nobody says that it was."""

    def play(stage: Stage) -> str:
        once(stage, GET, edit)
        with stage.gateway(request_timeout=timeout) as server:
            assert server.version() == (10, 0)
            refusal(lambda: read(server), *(kinds or KINDS))
            assert stage.sim.counters[GET] == 0
            assert is_known(read(server))
        once(stage, CREATE, edit)
        result = stage.run(timeout=PATIENCE if timeout == PATIENCE else 2.0)
        assert result.audit == ()
        assert not result.changed
        assert "was sent without a verified answer, and reading again does not show it" in result.failure
        stage.honest()
        assert stage.run().action == "created"
        return verdict

    return play


def twice(stage: Stage) -> str:
    """The write is executed once. What the server says to its double ends the connection, at the latest."""
    once(stage, CREATE, lambda _line, data: data + data)
    result = stage.run()
    assert result.counters[CREATE] == 1
    assert result.changes.count((CREATE, "10.0.0.20")) == 1
    assert result.changed
    assert result.failure == "" or "was sent without a verified answer" in result.failure
    assert stage.sim.refusals
    stage.honest_relay()
    assert stage.run().failure == ""
    return SERVER_REFUSES


def of_another_connection(stage: Stage) -> str:
    """The create of one connection in the place of a read of another one."""
    assert stage.run().action == "created"
    write = next(each for each in stage.relay.lines[0].sent if _is(each, CREATE))
    stage.honest()
    stage.sim.reset_counters()
    once(stage, GET, lambda _line, data: wire.with_call_id(write, wire.call_id(data)))
    with stage.gateway() as server:
        refusal(lambda: read(server), *KINDS)
    assert stage.sim.audit == []
    return SERVER_REFUSES


def whole_conversation(stage: Stage) -> str:
    """All that the client has sent, from the bind on, sent again by somebody else."""
    assert stage.run().action == "created"
    sent = stage.relay.lines[0].sent
    stage.honest()
    stage.sim.reset_counters()
    with socket.create_connection(("127.0.0.1", stage.sim.port), timeout=PATIENCE) as somebody:
        for each in sent:
            try:
                somebody.sendall(each)
                if wire.kind(each) != wire.AUTH3 and not somebody.recv(65536):
                    break
            except ConnectionError:
                break
    assert stage.sim.audit == []
    assert stage.sim.refusals
    return SERVER_REFUSES


def in_fragments(edit: Callable[[list[bytes]], list[bytes]]) -> Callable[[Stage], str]:
    """An attack on a write of several fragments."""

    def play(stage: Stage) -> str:
        kept: list[bytes] = []

        def gather(_line: Line, data: bytes) -> bytes | None:
            if wire.kind(data) != wire.REQUEST:
                return data
            kept.append(data)
            return b"".join(edit(kept)) if data[3] & wire.LAST else None

        stage.relay.requests = gather
        with stage.connect(request_timeout=2.0) as connection:
            refusal(lambda: ask(connection, creation("10.0.0.21", comment=LONG)), *KINDS)
            assert connection.broken
        assert len(kept) > 3
        assert stage.sim.audit == []
        stage.honest()
        with stage.connect() as connection:
            assert ask(connection, creation("10.0.0.21", comment=LONG)).Return == 0
        return SERVER_REFUSES

    return play


def held_back(stage: Stage) -> str:
    """The client is told a fault, reads again, finds nothing and says so; then the write is let through."""
    held: list[tuple[Line, bytes]] = []

    def hold(line: Line, data: bytes) -> None:
        held.append((line, data))
        line.keep_upstream = True
        line.answer(wire.fault(wire.ACCESS_DENIED, wire.call_id(data)))

    once(stage, CREATE, hold)
    result = stage.run()
    assert not result.changed
    assert "was sent without a verified answer, and reading again does not show it" in result.failure
    assert "A fault is not authenticated" in result.failure
    (line, data), *_none = held
    line.ask(data)
    wait_for(lambda: bool(stage.sim.audit))
    stage.honest_relay()
    later = stage.run()
    assert later.failure == ""
    assert later.writes == {RESERVE: 1}
    return MARKED


def _is(data: bytes, call: str) -> bool:
    return wire.kind(data) == wire.REQUEST and wire.opnum(data) == OPNUMS[call]


def _row(name: str, edit: Callable[[bytes], bytes]) -> Attack:
    return Attack(name=name, play=changed(lambda _line, data: edit(data)), verdict=SERVER_REFUSES)


def _in_trailer(offset: int, change: int) -> Callable[[bytes], bytes]:
    return lambda data: wire.flipped(data, wire.trailer_at(data) + offset, change)


REQUESTS = (
    _row("other opnum", lambda data: wire.put(data, 22, struct.pack("<H", wire.opnum(data) + 1))),
    _row("other interface", lambda data: wire.put(data, 20, bytes((data[20] ^ 1,)))),
    _row("other call id", lambda data: wire.with_call_id(data, wire.call_id(data) + 1)),
    _row("other alloc hint", lambda data: wire.flipped(data, 16)),
    _row("other flags", lambda data: wire.with_flags(data, data[3] | 0x20)),
    _row("a bit flipped in the stub", lambda data: wire.flipped(data, 24)),
    _row("a bit flipped in the token", lambda data: wire.flipped(data, -1)),
    _row("other padding in the verifier", _in_trailer(2, 0x01)),
    _row("other level in the verifier", _in_trailer(1, 0x03)),
    _row("other mechanism in the verifier", _in_trailer(0, 0x03)),
    _row("other logon in the verifier", _in_trailer(4, 0x08)),
    _row("verifier taken away", wire.without_verifier),
    Attack(
        name="last flag taken away",
        play=changed(lambda _line, data: wire.with_flags(data, data[3] & ~wire.LAST), *KINDS, TimedOut, timeout=SHORT),
        verdict=SERVER_REFUSES,
    ),
    Attack(
        name="not passed on",
        play=changed(lambda _line, _data: None, TimedOut, timeout=SHORT, verdict=IN_TIME),
        verdict=IN_TIME,
    ),
    Attack(name="twice", play=twice, verdict=SERVER_REFUSES),
    Attack(name="sent again on another connection", play=of_another_connection, verdict=SERVER_REFUSES),
    Attack(name="the whole conversation again", play=whole_conversation, verdict=SERVER_REFUSES),
    Attack(
        name="fragments in another order",
        play=in_fragments(lambda found: [found[0], found[2], found[1], *found[3:]]),
        verdict=SERVER_REFUSES,
    ),
    Attack(
        name="a fragment missing",
        play=in_fragments(lambda found: [found[0], *found[2:]]),
        verdict=SERVER_REFUSES,
    ),
    Attack(
        name="a fragment twice",
        play=in_fragments(lambda found: [found[0], found[1], *found[1:]]),
        verdict=SERVER_REFUSES,
    ),
    Attack(name="held back until the client has read again", play=held_back, verdict=MARKED),
)
