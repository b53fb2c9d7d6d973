# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interfaces exchanged on the way: no bind is signed, so a call may reach the call of the same number on the other one.

The server behind is the worst that could be: it looks at no request, executes whatever has the number, and answers as
the specification's call of that number would, with success and with nothing in it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    AccessFault,
    BadReply,
    ConnectionLost,
    DhcpError,
    LogonFailed,
    RpcFault,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface
from ansible_collections.msrpc.dhcp.tests.simulator.connection import DhcpConnection
from ansible_collections.msrpc.dhcp.tests.simulator.faults import Effect
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import CREATE, GET, HOME, OURS, ours
from ansible_collections.msrpc.dhcp.tests.unit.hostile import wire
from ansible_collections.msrpc.dhcp.tests.unit.hostile.logons import outcome, strike
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import Line
from ansible_collections.msrpc.dhcp.tests.unit.hostile.requests import KINDS
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    ABSENT,
    NO_LOGON,
    OPNUMS,
    REFUSED,
    Attack,
    Stage,
    is_known,
    read,
    refusal,
    write,
)

_PAGE = bytes(20)  # handle, NULL, two counts, status: how all enumerations answer that find nothing
_STATUS = bytes(4)
_NOTHING = bytes(8)  # NULL, status


def _strings(*texts: str) -> bytes:
    """R_DhcpGetServerSpecificStrings' reply (3.2.4.47): a pointer to a structure of two strings."""
    data = struct.pack("<III", 0x20004, 0x20008, 0x2000C)
    for text in texts:
        units = len(text) + 1
        data += bytes(-len(data) % 4) + struct.pack("<III", units, 0, units) + text.encode("utf-16-le") + bytes(2)
    return data + bytes(-len(data) % 4) + bytes(4)


# By interface and opnum: what MS-DHCPM has where our calls would arrive (section 6), and the reply of an empty server.
COUNTERPARTS: Mapping[tuple[Interface, int], tuple[str, bytes]] = {
    (DHCPSRV2, 2): ("R_DhcpGetMScopeInfo", _NOTHING),
    (DHCPSRV2, 3): ("R_DhcpEnumMScopes", _PAGE),
    (DHCPSRV2, 17): ("R_DhcpEnumOptionsV5", _PAGE),
    (DHCPSRV2, 19): ("R_DhcpSetOptionValueV5", _STATUS),
    (DHCPSRV2, 28): ("R_DhcpEnumClasses", _PAGE),
    (DHCPSRV2, 44): ("R_DhcpBackupDatabase", _STATUS),
    (DHCPSRV2, 46): ("R_DhcpGetServerSpecificStrings", _strings("Microsoft", "Default User Class")),
    (DHCPSRV2, 47): ("R_DhcpCreateOptionV6", _STATUS),
    (DHCPSRV, 20): ("R_DhcpEnumSubnetClients", _PAGE),
    (DHCPSRV, 30): ("R_DhcpEnumSubnetElementsV4", _PAGE),
    (DHCPSRV, 37): ("R_DhcpGetSuperScopeInfoV4", _NOTHING),
    (DHCPSRV, 38): ("R_DhcpDeleteSuperScopeV4", _STATUS),
    (DHCPSRV, 39): ("R_DhcpServerSetConfigV4", _STATUS),
}
# Opnums with which our writes go out.
WRITES = {17, 19, 20, 37, 39, 44}


@contextmanager
def worst_server() -> Iterator[list[str]]:
    """What it has executed of the wrong interface."""
    executed: list[str] = []
    real = DhcpConnection._serve

    def serve(self: Any, request: Any) -> None:
        interface = self.contexts.get(request.context_id)
        found = COUNTERPARTS.get((interface, request.opnum))
        if found is None:
            real(self, request)
            return
        name, reply = found
        executed.append(name)
        self._answer(request, reply, Effect())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DhcpConnection, "_serve", serve)
        yield executed


def sent(stage: Stage) -> set[int]:
    """The opnums of all requests that the client sent."""
    return {wire.opnum(each) for line in stage.relay.lines for each in line.sent if wire.kind(each) == wire.REQUEST}


def exchange(stage: Stage, change: Callable[[bytes], bytes], *, from_line: int = 0) -> None:
    """The interfaces of bind and alter_context on the lines from that one on."""

    def edit(line: Line, data: bytes) -> bytes:
        if wire.kind(data) not in (wire.BIND, wire.ALTER_CONTEXT) or line.number < from_line:
            return data
        stage.relay.struck.set()
        return change(data)

    stage.relay.requests = edit


def from_the_start(change: Callable[[bytes], bytes]) -> Callable[[Stage], str]:
    """Nothing that the client reads passes for an answer, and no write goes out."""

    def play(stage: Stage) -> str:
        exchange(stage, change)
        for client in (ours(), ours(scope=HOME), {"mac_address": OURS, "scope": HOME}):
            with worst_server():
                try:
                    result = stage.run(client)
                except DhcpError:
                    pass
                else:
                    assert result.failure
        with worst_server(), stage.gateway() as server, pytest.raises(DhcpError):
            write(server)
        assert not sent(stage) & WRITES
        assert stage.relay.struck.is_set()
        return REFUSED

    return play


def on_a_later_connection(change: Callable[[bytes], bytes], *lost: str) -> Callable[[Stage], str]:
    """The first connection is let through up to a call, and cut there; the interfaces are exchanged on the next."""

    def play(stage: Stage) -> str:
        for call in lost:
            exchange(stage, change, from_line=1)
            stage.relay.lines.clear()
            stage.sim.faults.add(call, drop="before")
            with worst_server():
                try:
                    result = stage.run()
                except DhcpError:
                    pass
                else:
                    assert result.failure
            later = [each for line in stage.relay.lines[1:] for each in line.sent]
            assert not {wire.opnum(each) for each in later if wire.kind(each) == wire.REQUEST} & WRITES
            assert len(stage.relay.lines) > 1
            stage.honest()
        return REFUSED

    return play


def on_an_additional_connection(stage: Stage) -> str:
    """The connection that has read is let through; on that of a bulk write's helper the interfaces are exchanged."""
    exchange(stage, wire.swapped, from_line=1)
    with worst_server(), stage.gateway() as server:
        assert is_known(read(server))
        with pytest.raises(DhcpError):
            write(server.sibling())
    assert len(stage.relay.lines) == 2
    assert not sent(stage) & WRITES
    return REFUSED


def in_the_third_leg(stage: Stage) -> str:
    """The bind as it was, the alter_context otherwise: a context keeps the interface that it has got."""
    strike(stage, "requests", (wire.ALTER_CONTEXT,), lambda _stage, _line, data: wire.swapped(data))
    return outcome(stage, LogonFailed, ConnectionLost, BadReply, AccessFault, RpcFault)


def between_two_calls(stage: Stage) -> str:
    """An alter_context of somebody's own, before the write; the server's answer to it is kept from the client."""

    def slip_in(line: Line, data: bytes) -> bytes:
        if wire.kind(data) == wire.REQUEST and wire.opnum(data) == OPNUMS[CREATE]:
            own = wire.without_verifier(wire.with_kind(wire.swapped(line.sent[0]), wire.ALTER_CONTEXT))
            stage.relay.struck.set()
            line.ask(wire.with_call_id(own, 99))
        return data

    stage.relay.requests = slip_in
    stage.relay.replies = lambda _line, data: None if wire.call_id(data) == 99 else data
    with worst_server() as executed:
        result = stage.run()
    assert stage.relay.struck.is_set()
    assert executed == []
    assert result.audit == ()
    assert "was sent without a verified answer" in result.failure
    return REFUSED


def on_a_request(stage: Stage) -> str:
    """In the header of a request, which is signed; see also the rows of requests."""

    def other(_line: Line, data: bytes) -> bytes:
        if wire.kind(data) != wire.REQUEST or wire.opnum(data) != OPNUMS[GET]:
            return data
        return wire.put(data, 20, bytes((data[20] ^ 1,)))

    stage.relay.requests = other
    with worst_server() as executed, stage.gateway() as server:
        refusal(lambda: read(server), *KINDS)
        stage.honest()
        assert is_known(read(server))
    assert executed == []
    return REFUSED


def _both(index: int) -> Callable[[bytes], bytes]:
    return lambda data: wire.with_syntaxes(data, *[wire.abstract_syntax(data, index)] * 2)


SWAPPED = (
    Attack(name="the two exchanged", play=from_the_start(wire.swapped), verdict=REFUSED),
    Attack(name="dhcpsrv in the place of dhcpsrv2", play=from_the_start(_both(0)), verdict=REFUSED),
    Attack(name="dhcpsrv2 in the place of dhcpsrv", play=from_the_start(_both(1)), verdict=REFUSED),
    Attack(
        name="exchanged on a later connection",
        play=on_a_later_connection(wire.swapped, "R_DhcpV4FailoverGetScopeRelationship", CREATE),
        verdict=REFUSED,
    ),
    Attack(name="exchanged on an additional connection", play=on_an_additional_connection, verdict=REFUSED),
    Attack(
        name="exchanged in the alter_context of the logon",
        play=in_the_third_leg,
        verdict=NO_LOGON,
        but={"ntlm": ABSENT},
    ),
    Attack(name="exchanged by an alter_context between two calls", play=between_two_calls, verdict=REFUSED),
    Attack(name="exchanged in the header of a request", play=on_a_request, verdict=REFUSED),
)
