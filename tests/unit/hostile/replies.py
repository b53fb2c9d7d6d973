# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks on replies: a dishonest server that has the keys, and somebody on the way who has none."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import TypeAlias

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    AccessFault,
    BadReply,
    DhcpError,
    RpcFault,
    SecurityError,
    TimedOut,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import connection
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import CREATE, GET, HOME, OURS, RESERVE
from ansible_collections.msrpc.dhcp.tests.unit.hostile import wire
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import PATIENCE, Edit, Line
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    MARKED,
    OPNUMS,
    REFUSED,
    SHORT,
    Attack,
    Stage,
    is_known,
    read,
    refusal,
)

# Puts the attack on the replies to one call: on the first, or on it and on all replies that follow.
Strike: TypeAlias = Callable[[Stage, str, bool], None]
Kinds: TypeAlias = tuple[type[DhcpError], ...]


def forged(name: str, *, torn: bool = False) -> Strike:
    """The simulator forges, signature and seal included; ``faults.py`` says how."""

    def strike(stage: Stage, call: str, onwards: bool) -> None:
        faults = stage.sim.faults
        after = (lambda _store: faults.forge(name)) if onwards else None
        faults.add(call, forge=(name,), after=after, torn="fragments" if torn else None)

    return strike


def on_the_way(edit: Edit, *, torn: bool = False) -> Strike:
    """Somebody without keys changes each fragment of the reply."""

    def strike(stage: Stage, call: str, onwards: bool) -> None:
        aimed_at: list[tuple[int, int]] = []

        def replies(line: Line, data: bytes) -> bytes | None:
            if wire.kind(data) not in (wire.RESPONSE, wire.FAULT):
                return data
            this = (line.number, wire.call_id(data))
            if not aimed_at and line.opnum == OPNUMS[call]:
                aimed_at.append(this)
            return edit(line, data) if this in aimed_at or (aimed_at and onwards) else data

        stage.relay.replies = replies
        if torn:
            stage.sim.faults.add(None if onwards else call, torn="fragments", times=None)

    return strike


def replies(strike: Strike, *kinds: type[DhcpError], timeout: float = PATIENCE) -> Callable[[Stage], str]:
    """The attack on a read, on a write, and on a write and all that follows."""

    def play(stage: Stage) -> str:
        verdict = _at_a_read(stage, strike, kinds, timeout)
        stage.honest()
        _at_a_write(stage, strike, timeout)
        stage.honest()
        _from_a_write_on(stage, strike, timeout)
        return verdict

    return play


def _at_a_read(stage: Stage, strike: Strike, kinds: Kinds, timeout: float) -> str:
    """The value is not believed and the connection not used again; the same question on another one is answered."""
    strike(stage, GET, False)
    before = len(stage.relay.lines)
    with stage.gateway(request_timeout=timeout) as server:
        assert server.version() == (10, 0)
        error = refusal(lambda: read(server), *kinds)
        assert len(stage.relay.lines) == before + 1
        assert server.calls == 2
        assert is_known(read(server))
    assert len(stage.relay.lines) == before + 2
    assert stage.sim.writes == 0
    if isinstance(error, RpcFault):
        assert "A fault is not authenticated" in str(error)
        return MARKED
    assert "made up" not in str(error)
    return REFUSED


def _at_a_write(stage: Stage, strike: Strike, timeout: float) -> None:
    """The write is sent once, and proved by a read."""
    strike(stage, CREATE, False)
    result = stage.run(timeout=timeout if timeout == PATIENCE else 2.0)
    assert result.action == "created"
    assert result.failure == ""
    assert result.writes == {CREATE: 1, RESERVE: 1}


def _from_a_write_on(stage: Stage, strike: Strike, timeout: float) -> None:
    """What cannot be proved is unknown."""
    strike(stage, CREATE, True)
    result = stage.run(timeout=timeout if timeout == PATIENCE else 2.0)
    assert result.action == "unknown"
    assert not result.changed
    assert "whether it was written is unknown" in result.failure
    assert result.writes == {CREATE: 1}


# --- what somebody on the way does ------------------------------------------------------------------------------------


def edited(edit: Callable[[bytes], bytes]) -> Strike:
    """Each fragment by itself."""
    return on_the_way(lambda _line, data: edit(data))


def instead(make: Callable[[bytes], bytes]) -> Strike:
    """Something else in the place of the first fragment, nothing in that of the others."""
    return on_the_way(lambda _line, data: make(data) if data[3] & wire.FIRST else None)


def whole(edit: Callable[[list[bytes]], list[bytes]]) -> Edit:
    """All fragments of a reply at once."""
    kept: dict[tuple[int, int], list[bytes]] = {}

    def gather(line: Line, data: bytes) -> bytes | None:
        fragments = kept.setdefault((line.number, wire.call_id(data)), [])
        fragments.append(data)
        return b"".join(edit(fragments)) if data[3] & wire.LAST else None

    return gather


def fragments(edit: Callable[[list[bytes]], list[bytes]], *kinds: type[DhcpError]) -> Callable[[Stage], str]:
    """An attack on replies of several fragments. The reply to a write has one, so that arrives; its proof does not."""

    def play(stage: Stage) -> str:
        strike = on_the_way(whole(lambda found: edit(found) if len(found) > 1 else found), torn=True)
        verdict = _at_a_read(stage, strike, kinds, PATIENCE)
        stage.honest()
        strike(stage, CREATE, True)
        result = stage.run()
        assert result.action == "created"
        assert result.changed
        assert "acknowledged the writes, but reading them back failed" in result.failure
        return verdict

    return play


def _first_reply(line: Line) -> bytes:
    return next(each for each in line.received if wire.kind(each) == wire.RESPONSE)


def again(line: Line, data: bytes) -> bytes:
    """The connection's first reply, as it was."""
    return _first_reply(line) if data[3] & wire.FIRST else b""


def again_for_this_call(line: Line, data: bytes) -> bytes:
    """The connection's first reply, with the call id that is waited for."""
    return wire.with_call_id(again(line, data), wire.call_id(data)) if data[3] & wire.FIRST else b""


def of_another_connection(stage: Stage, call: str, onwards: bool) -> None:
    """What the server told another connection of the same account, asked the same at the same place."""
    with stage.gateway() as other:
        other.version()
        read(other)
    told = next(each for each in reversed(stage.relay.lines[-1].received) if wire.kind(each) == wire.RESPONSE)
    on_the_way(lambda _line, data: wire.with_call_id(told, wire.call_id(data)))(stage, call, onwards)


def reflected(line: Line, _data: bytes) -> bytes:
    """The client's own request, as a response: same call, same context, a token of the right session."""
    return wire.with_kind(line.sent[-1], wire.RESPONSE)


def crossed(stage: Stage) -> str:
    """Two connections at a time; each gets what the other asked for."""
    meeting = threading.Barrier(2, timeout=PATIENCE)
    at_hand: dict[int, bytes] = {}

    def exchange(line: Line, data: bytes) -> bytes:
        if line.opnum != OPNUMS[GET] or line.number > 1:
            return data
        at_hand[line.number] = data
        meeting.wait()
        return wire.with_call_id(at_hand[1 - line.number], wire.call_id(data))

    errors: list[DhcpError] = []
    with stage.gateway() as first, stage.gateway() as second:
        for server in (first, second):
            server.version()
        stage.relay.replies = exchange
        other = threading.Thread(target=lambda: errors.append(refusal(lambda: read(second), SecurityError)))
        other.start()
        errors.append(refusal(lambda: read(first), SecurityError))
        other.join(PATIENCE)
    assert len(errors) == 2
    return REFUSED


def every_bit(stage: Stage) -> str:
    """Two bits of every octet of a reply, one at a time: header, stub, sec_trailer, token."""
    size, flips = 1, 0
    position = (0, 1)

    def flip(_line: Line, data: bytes) -> bytes:
        nonlocal size, flips
        if wire.kind(data) != wire.RESPONSE:
            return data
        size, flips = len(data), flips + 1
        return wire.flipped(data, *position)

    stage.relay.replies = flip
    where = 0
    while where < size:
        for bit in (0x01, 0x80):
            position = (where, bit)
            longer = where in (8, 9)  # frag_length: what is not there is waited for
            with stage.gateway(request_timeout=SHORT if longer else PATIENCE) as server:
                refusal(server.version, TimedOut, SecurityError, BadReply)
        where += 1
    assert flips == 2 * size
    return REFUSED


def sent_ahead(stage: Stage) -> str:
    """A fault behind a true reply, with the number of the next call: it is there before that is asked, a write."""
    stage.run()
    write = next(each for each in stage.relay.lines[0].sent if _is_create(each))
    stage.honest()

    def append(_line: Line, data: bytes) -> bytes:
        if wire.kind(data) != wire.RESPONSE or wire.call_id(data) != wire.call_id(write) - 1:
            return data
        stage.relay.struck.set()
        return data + wire.fault(wire.ACCESS_DENIED, wire.call_id(write))

    stage.relay.replies = append
    result = stage.run()
    assert stage.relay.struck.is_set()
    assert result.action == "created"
    assert result.writes == {CREATE: 1, RESERVE: 1}
    return MARKED


def _is_create(data: bytes) -> bool:
    return wire.kind(data) == wire.REQUEST and wire.opnum(data) == OPNUMS[CREATE]


def made_up(data: bytes) -> bytes:
    """A reply that says that it was done, without a signature."""
    return wire.make(wire.RESPONSE, struct.pack("<I", 8) + data[20:24] + bytes(8), call=wire.call_id(data))


def made_up_refusal(data: bytes) -> bytes:
    """A reply that says that the client exists already (20014), without a signature."""
    body = struct.pack("<I", 8) + data[20:24] + struct.pack("<II", 0, 20014)
    return wire.make(wire.RESPONSE, body, call=wire.call_id(data))


def signed_at_random(data: bytes) -> bytes:
    """A reply that says that it was done, with a token of the right size and kind."""
    token = wire.token(data)
    return wire.verified(made_up(data), data[wire.trailer_at(data)], token[:4] + bytes(len(token) - 4))


def _signed_fault(data: bytes) -> bytes:
    whole_fault = wire.fault(wire.ACCESS_DENIED, wire.call_id(data))
    return wire.verified(whole_fault, data[wire.trailer_at(data)], bytes(len(wire.token(data))))


def endless(stage: Stage) -> str:
    """Fragments without a last one, each signed as it should be; the limit is lowered for the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "MAX_REPLY", 1 << 18)
        stage.sim.faults.add(GET, forge=("endless",))
        with stage.gateway() as server:
            assert server.version() == (10, 0)
            assert "is larger than" in str(refusal(lambda: read(server), BadReply))
            assert is_known(read(server))
        stage.honest()
        stage.sim.faults.add(CREATE, forge=("endless",))
        assert stage.run().action == "created"
    return REFUSED


def taken_for_an_old_server(stage: Stage) -> str:
    """A fault that says that there is no such call, to the calls of Windows Server 2012: the version decides."""

    def replies(line: Line, data: bytes) -> bytes:
        if wire.kind(data) != wire.RESPONSE or line.opnum not in (96, 120):
            return data
        stage.relay.struck.set()
        return wire.fault(wire.NO_SUCH_CALL, wire.call_id(data))

    stage.relay.replies = replies
    result = stage.run()
    assert stage.relay.struck.is_set()
    assert result.action == "created"
    assert "could not be read" in result.warning
    assert "A fault is not authenticated" in result.warning
    stage.honest()
    stage.relay.replies = replies
    with pytest.raises(RpcFault, match="not authenticated"):
        stage.run({"mac_address": OURS, "scope": HOME})
    return MARKED


def _sure(forgery: str, *kinds: type[DhcpError], name: str) -> Attack:
    return Attack(name=name, play=replies(forged(forgery), *(kinds or (SecurityError,))), verdict=REFUSED)


def _row(name: str, strike: Strike, *kinds: type[DhcpError], verdict: str = REFUSED) -> Attack:
    return Attack(name=name, play=replies(strike, *(kinds or (SecurityError,))), verdict=verdict)


# The forgeries of the simulator that concern replies, with the rows that they are.
FORGED = {
    "clear_reply": _sure("clear_reply", name="not sealed and not signed, by the server itself"),
    "signed_only": _sure("signed_only", name="signed, not sealed"),
    "wrong_signature": _sure("wrong_signature", name="wrong signature"),
    "flipped_bit": _sure("flipped_bit", name="sealed stub changed by the sender after signing"),
    "repeated_sequence": _sure("repeated_sequence", name="sequence number of the message before"),
    "wrong_level": _sure("wrong_level", name="other protection level in the verifier"),
    "wrong_auth_type": _sure("wrong_auth_type", name="other mechanism in the verifier"),
    "wrong_auth_context": _sure("wrong_auth_context", name="other logon in the verifier"),
    "short_verifier": _sure("short_verifier", name="token too short"),
    "wrong_presentation_context": _sure("wrong_presentation_context", name="other interface, signed"),
    "wrong_call_id": _sure("wrong_call_id", BadReply, name="other call, signed"),
    "first_flag_missing": _sure("first_flag_missing", BadReply, name="no first fragment, signed"),
    "first_flag_repeated": _sure("first_flag_repeated", BadReply, name="two first fragments, signed"),
    "fragments_swapped": _sure("fragments_swapped", BadReply, name="fragments swapped by the sender"),
    "wrong_packet_type": _sure("wrong_packet_type", BadReply, name="a request in the place of the reply, signed"),
    "big_endian": _sure("big_endian", BadReply, name="big-endian, signed"),
    "endless": Attack(name="a reply without end", play=endless, verdict=REFUSED),
}

REPLIES = (
    *FORGED.values(),
    Attack(name="any one bit flipped", play=every_bit, verdict=REFUSED),
    _row("a bit flipped in the header", edited(lambda data: wire.flipped(data, 22))),
    _row("a bit flipped in the stub", edited(lambda data: wire.flipped(data, 24))),
    _row("a bit flipped in the sec_trailer", edited(lambda data: wire.flipped(data, wire.trailer_at(data) + 3))),
    _row("a bit flipped in the token", edited(lambda data: wire.flipped(data, -1))),
    _row("verifier taken away", edited(wire.without_verifier)),
    _row("made up: success, without signature", instead(made_up)),
    _row("made up: refusal, without signature", instead(made_up_refusal)),
    _row("made up, with a made-up signature", instead(signed_at_random)),
    _row("an earlier reply of the connection again", on_the_way(again), BadReply),
    _row("the same with the call id that is waited for", on_the_way(again_for_this_call)),
    _row("a reply of another connection", of_another_connection),
    Attack(name="replies of two connections exchanged", play=crossed, verdict=REFUSED),
    _row("the client's own request, as the reply", on_the_way(reflected)),
    _row("other interface", edited(lambda data: wire.put(data, 20, bytes((data[20] ^ 1,))))),
    _row("other call", edited(lambda data: wire.with_call_id(data, wire.call_id(data) + 1)), BadReply),
    _row("last flag taken away", edited(lambda data: wire.with_flags(data, data[3] & ~wire.LAST))),
    _row("first flag taken away", edited(lambda data: wire.with_flags(data, data[3] & ~wire.FIRST)), BadReply),
    Attack(
        name="fragments in another order",
        play=fragments(lambda found: [found[1], found[0], *found[2:]], BadReply),
        verdict=REFUSED,
    ),
    Attack(
        name="later fragments in another order",
        play=fragments(lambda found: [found[0], found[2], found[1], *found[3:]], SecurityError),
        verdict=REFUSED,
    ),
    Attack(
        name="a fragment missing",
        play=fragments(lambda found: [found[0], *found[2:]], SecurityError),
        verdict=REFUSED,
    ),
    Attack(
        name="a fragment twice",
        play=fragments(lambda found: [found[0], found[1], *found[1:]], SecurityError),
        verdict=REFUSED,
    ),
    Attack(
        name="cut after the first fragment",
        play=fragments(lambda found: [wire.with_flags(found[0], wire.FIRST | wire.LAST)], SecurityError),
        verdict=REFUSED,
    ),
    _row("no RPC at all", instead(lambda _data: b"HTTP/1.1 400 Bad Request\r\n\r\n"), BadReply),
    *(
        _row(f"{name} in the place of the reply", instead(make), BadReply)
        for name, make in (
            ("bind_nak", lambda data: wire.bind_nak(wire.call_id(data))),
            ("shutdown", lambda data: wire.make(wire.SHUTDOWN, b"", call=wire.call_id(data))),
            ("orphaned", lambda data: wire.make(wire.ORPHANED, b"", call=wire.call_id(data))),
            ("cancel", lambda data: wire.make(wire.CO_CANCEL, b"", call=wire.call_id(data))),
            ("alter_context_resp", lambda data: wire.with_kind(data, wire.ALTER_CONTEXT_RESP)),
        )
    ),
    _row("fault with a made-up signature", instead(_signed_fault)),
    _row("fault for another call", instead(lambda data: wire.fault(5, wire.call_id(data) + 1)), BadReply),
    _row(
        "fault: access denied",
        instead(lambda data: wire.fault(wire.ACCESS_DENIED, wire.call_id(data))),
        AccessFault,
        verdict=MARKED,
    ),
    _row(
        "fault: protocol error",
        instead(lambda data: wire.fault(wire.PROTOCOL_ERROR, wire.call_id(data))),
        RpcFault,
        verdict=MARKED,
    ),
    Attack(name="fault: no such call", play=taken_for_an_old_server, verdict=MARKED),
    Attack(name="fault that is there before a write is sent", play=sent_ahead, verdict=MARKED),
)
