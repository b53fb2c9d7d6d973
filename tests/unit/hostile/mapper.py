# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks by the endpoint mapper, which nobody authenticates: where it sends the client, and what listens there."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    DecodeError,
    DhcpError,
    LogonFailed,
    NoEndpoint,
    SecurityError,
    Unreachable,
)
from ansible_collections.msrpc.dhcp.tests.unit.hostile import wire
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import Edit, Line, Relay, of
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    NO_LOGON,
    NO_PROOF,
    TRUE,
    Attack,
    Stage,
    is_known,
    read,
    refusal,
)


def refused(stage: Stage, *kinds: type[DhcpError]) -> None:
    """The client finds no server, says so, and asks and writes nothing."""
    with stage.gateway(port=None) as server:
        refusal(lambda: read(server), *kinds)
    assert stage.sim.calls == 0
    assert stage.sim.handshakes["authenticate"] == 0


def answers(make: Callable[[bytes], bytes | None], *kinds: type[DhcpError]) -> Callable[[Stage], str]:
    """Something else in the place of its reply."""

    def play(stage: Stage) -> str:
        stage.mapper.replies = of(wire.RESPONSE, make)
        refused(stage, *kinds)
        assert not stage.sim.handshakes["bind"]
        return NO_PROOF

    return play


def forged(name: str) -> Callable[[Stage], str]:
    """The simulator's forgeries."""

    def play(stage: Stage) -> str:
        stage.sim.faults.forge(name)
        refused(stage, NoEndpoint)
        return NO_PROOF

    return play


def another_host(stage: Stage) -> str:
    """A tower with another host's address: only its port is looked at."""
    asked: list[str] = []
    real = socket.socket.connect

    def connect(self: socket.socket, where: Any) -> None:
        asked.append(where[0])
        real(self, where)

    stage.sim.faults.forge("endpoint_elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        with stage.gateway(port=None) as server:
            assert is_known(read(server))
    assert set(asked) == {"127.0.0.1"}
    return TRUE


def another_port(listener: Callable[[Stage, ExitStack], int], *kinds: type[DhcpError]) -> Callable[[Stage], str]:
    """A port of the same host at which something else listens."""

    def play(stage: Stage) -> str:
        with ExitStack() as stack:
            port = listener(stage, stack)
            true, false = struct.pack(">H", stage.sim.port), struct.pack(">H", port)
            stage.mapper.replies = of(wire.RESPONSE, lambda data: data.replace(true, false))
            refused(stage, *kinds)
            sent = {wire.kind(each) for line in _lines(stack) for each in line.sent}
        return NO_PROOF if sent <= {wire.BIND} else NO_LOGON

    return play


# Where the listeners of ``another_port`` put down what they were sent.
_HEARD: dict[int, Relay] = {}


def _lines(stack: ExitStack) -> list[Line]:
    relay = _HEARD.get(id(stack))
    return [] if relay is None else relay.lines


def _listening(stack: ExitStack, upstream: int | None, requests: Edit) -> int:
    relay = stack.enter_context(Relay(upstream, requests=requests))
    _HEARD[id(stack)] = relay
    stack.callback(_HEARD.pop, id(stack))
    return relay.port


def nobody(_stage: Stage, stack: ExitStack) -> int:
    """A port that was just closed."""
    sock = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port: int = sock.getsockname()[1]
    sock.close()
    return port


def an_echo(_stage: Stage, stack: ExitStack) -> int:
    """Every octet comes back."""
    return _listening(stack, None, lambda line, data: line.answer(data))


def a_web_server(_stage: Stage, stack: ExitStack) -> int:
    """HTTP."""
    return _listening(
        stack, None, lambda line, _data: line.answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    )


def another_rpc_server(stage: Stage, stack: ExitStack) -> int:
    """The endpoint mapper itself: an honest RPC server without the interface."""
    return _listening(stack, stage.sim.endpoint_mapper_port, lambda _line, data: data)


def a_yes_man(_stage: Stage, stack: ExitStack) -> int:
    """An RPC server that accepts every interface and every logon, and knows no secret."""

    def agree(line: Line, data: bytes) -> None:
        results = struct.pack("<HH16sI", 0, 0, bytes.fromhex("045d888aeb1cc9119fe808002b104860"), 2) * 2
        body = struct.pack("<HHIH2sB3x", 5840, 5840, 1, 0, b"\0\0", 2) + results
        head = wire.make(wire.BIND_ACK, body, call=wire.call_id(data), flags=wire.FIRST | wire.LAST | wire.HEADER_SIGN)
        line.answer(wire.verified(head, data[wire.trailer_at(data)], wire.token(data)))

    return _listening(stack, None, agree)


def to_another_call(stage: Stage) -> str:
    """Nobody has to guess a call id who may say anything: the port in it is asked for a proof, as any."""
    stage.mapper.replies = of(wire.RESPONSE, lambda data: wire.with_call_id(data, 99))
    with stage.gateway(port=None) as server:
        assert is_known(read(server))
    return TRUE


def _row(name: str, play: Callable[[Stage], str], verdict: str = NO_PROOF) -> Attack:
    return Attack(name=name, play=play, verdict=verdict)


def no_tower(data: bytes) -> bytes:
    """Success, with an empty list."""
    stub = bytes(20) + struct.pack("<IIIII", 0, 4, 0, 0, 0)
    return wire.make(wire.RESPONSE, struct.pack("<IHBB", len(stub), 0, 0, 0) + stub, call=wire.call_id(data))


def without_end(data: bytes) -> bytes:
    """Fragments without a last one."""
    return wire.with_flags(data, 0) * 10_000


FORGED = {
    "endpoint_elsewhere": _row("names another host", another_host, TRUE),
    "endpoint_port_0": _row("names port 0", forged("endpoint_port_0")),
    "endpoint_none": _row("knows no DHCP server", forged("endpoint_none")),
}

MAPPER = (
    *FORGED.values(),
    _row("names a port at which nobody listens", another_port(nobody, Unreachable)),
    _row("names a port that echoes", another_port(an_echo, BadReply)),
    _row("names the port of a web server", another_port(a_web_server, DecodeError)),
    _row("names the port of another RPC server", another_port(another_rpc_server, NoEndpoint)),
    _row(
        "names a port that agrees to everything",
        another_port(a_yes_man, BadReply, SecurityError, LogonFailed),
    ),
    _row("an empty list", answers(no_tower, NoEndpoint)),
    _row("rubbish", answers(lambda data: data[:20] + b"\xff" * (len(data) - 20), BadReply, NoEndpoint)),
    _row("large counts", answers(lambda data: wire.put(data, 64, b"\xff" * 8), BadReply, NoEndpoint)),
    _row("a list without end", answers(without_end, BadReply)),
    _row("a fault", answers(lambda data: wire.fault(wire.ACCESS_DENIED, wire.call_id(data)), BadReply)),
    _row("bind_nak", answers(lambda data: wire.bind_nak(wire.call_id(data)), BadReply)),
    _row("a reply to another call", to_another_call, TRUE),
    _row("no RPC at all", answers(lambda _data: b"HTTP/1.1 400 Bad Request\r\n\r\n", DecodeError)),
)
