# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks on the logon: on bind, bind_ack, and on the leg or legs that follow."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal, TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    AccessFault,
    BadReply,
    ConnectionLost,
    DecodeError,
    DhcpError,
    LogonFailed,
    NoEndpoint,
    RpcFault,
    SecurityError,
)
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Settings
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import site
from ansible_collections.msrpc.dhcp.tests.unit.hostile import wire
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import PATIENCE, Line, Relay
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    ABSENT,
    NO_LOGON,
    NO_PROOF,
    REFUSED,
    TRUE,
    UNNOTICED,
    Attack,
    Stage,
    attempt,
    is_known,
    read,
    sentence,
)

Change: TypeAlias = Callable[[Stage, Line, bytes], "bytes | None"]
Side: TypeAlias = Literal["requests", "replies"]

NEGOTIATE_MESSAGE = b"NTLMSSP\0\1\0\0\0"
CHALLENGE_MESSAGE = b"NTLMSSP\0\2\0\0\0"
AUTHENTICATE_MESSAGE = b"NTLMSSP\0\3\0\0\0"
SIGN, SEAL, ESS, KEY_EXCH, STRONG = 0x10, 0x20, 0x80000, 0x40000000, 0x20000000

# Who changed the answer that proves our knowledge of the password is told nothing, or told off on the first call.
REFUSALS = (SecurityError, BadReply, DecodeError, LogonFailed, NoEndpoint, AccessFault, RpcFault, ConnectionLost)


def strike(stage: Stage, side: Side, kinds: tuple[int, ...], change: Change) -> None:
    """The change to every PDU of some types; ``struck`` tells whether there was anything to change."""

    def edit(line: Line, data: bytes) -> bytes | None:
        if wire.kind(data) not in kinds:
            return data
        result = change(stage, line, data)
        if result != data:
            stage.relay.struck.set()
        return result

    setattr(stage.relay, side, edit)


def outcome(stage: Stage, *kinds: type[DhcpError], timeout: float = PATIENCE, is_seen: bool = True) -> str:
    """What becomes of a logon under attack. Nothing that was read is believed, and nothing is written.

    ``is_seen``: the relay makes the attack, and knows whether it took place.
    """
    with stage.gateway(connect_timeout=timeout, request_timeout=timeout) as server:
        record, error = attempt(lambda: read(server))
    if error is None:
        assert is_known(record)
        assert not stage.relay.struck.is_set()
        return ABSENT
    assert type(error) in kinds, f"{type(error).__name__}: {error}"
    sentence(error)
    if isinstance(error, (RpcFault, LogonFailed)) or "bind_nak" in str(error):
        assert "not authenticated" in str(error)
    assert stage.relay.struck.is_set() or not is_seen
    _nothing_is_written(stage, timeout)
    if stage.sim.calls:
        return REFUSED  # a read was answered, and the answer not believed
    sent = {wire.kind(each) for line in stage.relay.lines for each in line.sent}
    return NO_PROOF if sent == {wire.BIND} else NO_LOGON


def _nothing_is_written(stage: Stage, timeout: float) -> None:
    """The whole use case fails before its first write."""
    result, error = attempt(lambda: stage.run(timeout=timeout))
    assert error is not None, f"believed: {result}"
    sentence(error)
    assert stage.sim.writes == 0
    assert stage.sim.audit == []


def on_the_way(
    side: Side,
    at: tuple[int, ...],
    change: Callable[[bytes], bytes | None],
    *kinds: type[DhcpError],
    timeout: float = PATIENCE,
) -> Callable[[Stage], str]:
    """Somebody changes one PDU of the logon."""

    def play(stage: Stage) -> str:
        strike(stage, side, at, lambda _stage, _line, data: change(data))
        return outcome(stage, *kinds, timeout=timeout)

    return play


def harmless(side: Side, at: tuple[int, ...], change: Callable[[bytes], bytes]) -> Callable[[Stage], str]:
    """A change of what nobody signs and nobody relies on."""

    def play(stage: Stage) -> str:
        strike(stage, side, at, lambda _stage, _line, data: change(data))
        assert stage.run().action == "created"
        assert stage.relay.struck.is_set()
        return TRUE

    return play


def forged(*names: str, kinds: tuple[type[DhcpError], ...], harmless_for: str = "") -> Callable[[Stage], str]:
    """The simulator's forgeries. Where they concern nothing that the mechanism needs, it logs on."""

    def play(stage: Stage) -> str:
        stage.sim.faults.forge(*names)
        verdict = outcome(stage, *kinds, is_seen=False)
        return TRUE if verdict == ABSENT and stage.mechanism.key == harmless_for else verdict

    return play


# --- tokens -----------------------------------------------------------------------------------------------------------


def in_token(mark: bytes, offset: int, change: Callable[[bytes], bytes], size: int) -> Callable[[bytes], bytes]:
    """A change of octets behind a mark in a PDU; without the mark there is nothing to change."""

    def edit(data: bytes) -> bytes:
        where = data.find(mark)
        if where < 0:
            return data
        where += offset
        return wire.put(data, where, change(data[where : where + size]))

    return edit


def without_flag(flag: int) -> Callable[[bytes], bytes]:
    """Takes a flag out of four octets."""
    return lambda octets: struct.pack("<I", struct.unpack("<I", octets)[0] & ~flag)


def inverted(octets: bytes) -> bytes:
    """Other octets."""
    return bytes(each ^ 0xFF for each in octets)


def spnego(edit: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A change of the SPNEGO token in a PDU; a PDU of another mechanism is left alone."""

    def change(data: bytes) -> bytes:
        found = wire.trailer_at(data)
        if not wire.auth_length(data) or data[found] != 9:
            return data
        return wire.with_token(data, edit(wire.token(data)))

    return change


def other_list(value: bytes) -> bytes:
    """A list of mechanisms with one more."""
    content = wire.init_field(value, 0xA0)
    _tag, listed, _rest = wire.take(content)
    return wire.edit_init(value, 0xA0, wire.field(0xA0, wire.der(0x30, listed + wire.OID_OTHER)))


def ntlm_alone(value: bytes) -> bytes:
    """A list of mechanisms from which all but NTLM is gone."""
    listed = wire.take(wire.init_field(value, 0xA0))[1]
    if listed == wire.OID_NTLM:
        return value
    return wire.edit_init(value, 0xA0, wire.field(0xA0, wire.der(0x30, wire.OID_NTLM)))


def chosen(oid: bytes) -> Callable[[bytes], bytes]:
    """An answer that names another mechanism."""
    return lambda value: wire.edit_response(value, 0xA1, wire.field(0xA1, oid))


def state(number: int) -> Callable[[bytes], bytes]:
    """An answer with another state of the negotiation."""
    return lambda value: wire.edit_response(value, 0xA0, wire.field(0xA0, bytes((0x0A, 1, number))))


def without_mic(value: bytes) -> bytes:
    """A NegTokenResp without mechListMIC."""
    return wire.edit_response(value, 0xA3, wire.field(0xA3, None))


def other_mic(value: bytes) -> bytes:
    """A NegTokenResp whose mechListMIC is another one."""
    return wire.edit_response(value, 0xA3, lambda old: wire.der(0xA3, wire.flipped(old, -1)))


def mic_as_token(value: bytes) -> bytes:
    """A NegTokenResp with its mechListMIC a second time, as the response token."""
    return wire.add_to_response(without_mic(value), 0xA2, wire.response_field(value, 0xA3))


# --- plays of their own -----------------------------------------------------------------------------------------------


def of_another_connection(kind: int) -> Callable[[Stage], str]:
    """What the server told another connection in the same place."""

    def play(stage: Stage) -> str:
        with stage.gateway() as server:
            assert is_known(read(server))
        told = [each for each in stage.relay.lines[0].received if wire.kind(each) == kind]
        stage.relay.lines.clear()
        stage.sim.reset_counters()
        strike(stage, "replies", (kind,), lambda _stage, _line, _data: told[0])
        if told and not wire.auth_length(told[0]):
            assert stage.run().action == "created"
            return TRUE  # there is nothing in it that anybody relies on
        return outcome(stage, *REFUSALS)

    return play


def reflected(stage: Stage) -> str:
    """The client's own bind as the server's bind_ack, its token with it."""

    def reflect(_stage: Stage, line: Line, data: bytes) -> bytes:
        return wire.with_token(data, wire.token(line.sent[0]))

    strike(stage, "replies", (wire.BIND_ACK,), reflect)
    return outcome(stage, *REFUSALS)


def echo(stage: Stage) -> str:
    """Every PDU comes back as it was sent."""

    def back(line: Line, data: bytes) -> None:
        stage.relay.struck.set()
        line.answer(data)

    stage.relay.requests = back
    return outcome(stage, BadReply)


def to_another_server(stage: Stage) -> str:
    """Every octet goes to another DHCP server, which knows the account as well."""
    settings = Settings(keytab=None if stage.keys is None else stage.keys.another_server)
    with Simulator(site(settings)) as other, Relay(other.port) as detour:
        with stage.gateway(port=detour.port) as server:
            record, error = attempt(lambda: read(server))
        if error is not None:
            assert type(error) in REFUSALS
            sentence(error)
            assert other.calls == 0
            return NO_LOGON
        assert is_known(record)
        assert other.calls == 1
        assert stage.sim.calls == 0
        return UNNOTICED


BIND, BIND_ACK = (wire.BIND,), (wire.BIND_ACK,)
THIRD, FOURTH = (wire.AUTH3, wire.ALTER_CONTEXT), (wire.ALTER_CONTEXT_RESP,)
NTLM_ONLY = {"kerberos": ABSENT, "spnego_kerberos": ABSENT}
SPNEGO_ONLY = {"ntlm": ABSENT, "kerberos": ABSENT}
# Kerberos ends with an alter_context_resp without token and verifier.
WITH_FOURTH_LEG = {"ntlm": ABSENT}
WITH_FOURTH_TOKEN = {"ntlm": ABSENT, "kerberos": ABSENT}
BY_TICKET = {"kerberos": NO_PROOF, "spnego_kerberos": NO_PROOF}


def _bind(
    name: str, change: Callable[[bytes], bytes], *kinds: type[DhcpError], but: dict[str, str] | None = None
) -> Attack:
    return Attack(
        name=f"bind: {name}", play=on_the_way("requests", BIND, change, *kinds), verdict=NO_PROOF, but=but or {}
    )


def _ack(
    name: str, change: Callable[[bytes], bytes], *kinds: type[DhcpError], but: dict[str, str] | None = None
) -> Attack:
    return Attack(
        name=f"bind_ack: {name}", play=on_the_way("replies", BIND_ACK, change, *kinds), verdict=NO_PROOF, but=but or {}
    )


def _third(
    name: str, change: Callable[[bytes], bytes], *kinds: type[DhcpError], but: dict[str, str] | None = None
) -> Attack:
    play = on_the_way("requests", THIRD, change, *(kinds or REFUSALS))
    return Attack(name=f"third leg: {name}", play=play, verdict=NO_LOGON, but=but or {})


def _fourth(
    name: str, change: Callable[[bytes], bytes], *kinds: type[DhcpError], but: dict[str, str] | None = None
) -> Attack:
    play = on_the_way("replies", FOURTH, change, *(kinds or (SecurityError,)))
    return Attack(name=f"alter_context_resp: {name}", play=play, verdict=NO_LOGON, but=but or WITH_FOURTH_LEG)


def _in_trailer(offset: int, octet: int) -> Callable[[bytes], bytes]:
    return lambda data: (
        wire.put(data, wire.trailer_at(data) + offset, bytes((octet,))) if wire.auth_length(data) else data
    )


_CHALLENGE_FORGERIES = (
    ("challenge_without_sign", SIGN),
    ("challenge_without_seal", SEAL),
    ("challenge_without_128", STRONG),
    ("challenge_without_key_exch", KEY_EXCH),
    ("challenge_without_ess", ESS),
)

FORGED = {
    **{
        name: Attack(
            name=f"server: {name.replace('_', ' ')}",
            play=forged(name, kinds=(SecurityError,)),
            verdict=NO_PROOF,
            but=NTLM_ONLY,
        )
        for name, _flag in _CHALLENGE_FORGERIES
    },
    "no_header_signing": Attack(
        name="server: signs no headers", play=forged("no_header_signing", kinds=(SecurityError,)), verdict=NO_PROOF
    ),
    "context_rejected": Attack(
        name="server: has no such interface", play=forged("context_rejected", kinds=(NoEndpoint,)), verdict=NO_PROOF
    ),
    "bind_nak": Attack(
        name="server: bind_nak", play=forged("bind_nak", kinds=(NoEndpoint, LogonFailed)), verdict=NO_PROOF
    ),
    "no_password": Attack(
        name="server: does not know the password, and makes up its keys",
        play=forged("no_password", kinds=(SecurityError, LogonFailed)),
        verdict=NO_LOGON,
        but=BY_TICKET,
    ),
    "no_mech_list_mic": Attack(
        name="server: no mechListMIC",
        play=forged("no_mech_list_mic", kinds=(SecurityError,), harmless_for="spnego_kerberos"),
        verdict=NO_LOGON,
        but=SPNEGO_ONLY | {"spnego_kerberos": TRUE},
    ),
    "wrong_mech_list_mic": Attack(
        name="server: wrong mechListMIC",
        play=forged("wrong_mech_list_mic", kinds=(SecurityError,)),
        verdict=NO_LOGON,
        but=SPNEGO_ONLY,
    ),
}

LOGONS = (
    *FORGED.values(),
    Attack(
        name="server: no password, no mechListMIC",
        play=forged("no_password", "no_mech_list_mic", kinds=(SecurityError, LogonFailed)),
        verdict=NO_LOGON,
        but=BY_TICKET,
    ),
    Attack(
        name="server: no password, no seal",
        play=forged("no_password", "signed_only", kinds=(SecurityError, LogonFailed)),
        verdict=NO_LOGON,
        but=BY_TICKET,
    ),
    # bind
    _bind("header signing taken out", lambda data: wire.with_flags(data, data[3] & ~wire.HEADER_SIGN), SecurityError),
    _bind("authentication taken out", wire.without_verifier, SecurityError),
    _bind("level lowered to integrity", _in_trailer(1, 5), SecurityError),
    _bind("level lowered to connect", _in_trailer(1, 2), SecurityError),
    _bind(
        "other mechanism", lambda data: _in_trailer(0, 10 if data[wire.trailer_at(data)] == 9 else 9)(data), LogonFailed
    ),
    _bind("other logon", _in_trailer(4, 9), SecurityError),
    _bind(
        "NTLM flags for signing and sealing taken out",
        in_token(NEGOTIATE_MESSAGE, 12, without_flag(SIGN | SEAL), 4),
        SecurityError,
        but=NTLM_ONLY,
    ),
    Attack(
        name="bind: another mechanism in the SPNEGO list",
        play=on_the_way("requests", BIND, spnego(other_list), LogonFailed),
        verdict=NO_LOGON,
        but=SPNEGO_ONLY,
    ),
    Attack(
        name="bind: Kerberos taken out of the SPNEGO list (downgrade)",
        play=on_the_way("requests", BIND, spnego(ntlm_alone), SecurityError, BadReply, LogonFailed),
        verdict=NO_PROOF,
        but={"ntlm": ABSENT, "spnego_ntlm": ABSENT, "kerberos": ABSENT},
    ),
    _bind(
        "interfaces that the server does not have",
        lambda data: wire.with_syntaxes(data, inverted(wire.abstract_syntax(data, 0)), wire.abstract_syntax(data, 1)),
        NoEndpoint,
    ),
    Attack(
        name="bind: smaller fragments, other association",
        play=harmless("requests", BIND, lambda data: wire.put(data, 16, struct.pack("<HHI", 2048, 2048, 77))),
        verdict=TRUE,
    ),
    # bind_ack
    _ack("header signing taken out", lambda data: wire.with_flags(data, data[3] & ~wire.HEADER_SIGN), SecurityError),
    _ack("authentication taken out", wire.without_verifier, SecurityError),
    _ack(
        "other mechanism",
        lambda data: _in_trailer(0, 10 if data[wire.trailer_at(data)] == 9 else 9)(data),
        SecurityError,
    ),
    _ack("level lowered", _in_trailer(1, 2), SecurityError),
    _ack("other logon", _in_trailer(4, 9), SecurityError),
    _ack("an interface refused", lambda data: wire.put(data, 36, b"\2\0\0\0"), BadReply),
    _ack("the other interface refused", lambda data: wire.put(data, 60, b"\2\0\0\0"), BadReply),
    _ack("other transfer syntax", lambda data: wire.put(data, 40, bytes(16)), BadReply),
    _ack("one interface answered", lambda data: wire.put(data, 32, b"\1"), BadReply),
    _ack("fragments of no size", lambda data: wire.put(data, 16, bytes(4)), BadReply),
    _ack("other call", lambda data: wire.with_call_id(data, 7), BadReply),
    _ack("in fragments", lambda data: wire.with_flags(data, data[3] & ~wire.LAST), BadReply),
    _ack("other type", lambda data: wire.with_kind(data, wire.ALTER_CONTEXT_RESP), BadReply),
    _ack("bind_nak in its place", lambda data: wire.bind_nak(wire.call_id(data)), NoEndpoint, LogonFailed),
    _ack(
        "fault in its place", lambda data: wire.fault(wire.ACCESS_DENIED, wire.call_id(data)), AccessFault, LogonFailed
    ),
    _ack("shutdown in its place", lambda data: wire.make(wire.SHUTDOWN, b"", call=wire.call_id(data)), BadReply),
    _ack("no RPC at all", lambda _data: b"HTTP/1.1 400 Bad Request\r\n\r\n", DecodeError),
    _ack("a token that is none", lambda data: wire.with_token(data, b"\xff" * 80), *REFUSALS),
    _ack("an empty token", lambda data: wire.with_token(data, b"\0"), *REFUSALS),
    _ack(
        "NTLM flags for signing and sealing taken out",
        in_token(CHALLENGE_MESSAGE, 20, without_flag(SIGN | SEAL), 4),
        SecurityError,
        but=NTLM_ONLY,
    ),
    _ack(
        "NTLM flag for 128 bits taken out",
        in_token(CHALLENGE_MESSAGE, 20, without_flag(STRONG), 4),
        SecurityError,
        but=NTLM_ONLY,
    ),
    Attack(
        name="bind_ack: other NTLM challenge",
        play=on_the_way("replies", BIND_ACK, in_token(CHALLENGE_MESSAGE, 24, inverted, 8), *REFUSALS),
        verdict=NO_LOGON,
        but=NTLM_ONLY,
    ),
    _ack("other SPNEGO mechanism chosen", spnego(chosen(wire.OID_OTHER)), SecurityError, but=SPNEGO_ONLY),
    _ack("SPNEGO logon said to be over", spnego(state(0)), SecurityError, but=SPNEGO_ONLY),
    _ack("SPNEGO logon said to be refused", spnego(state(2)), LogonFailed, but=SPNEGO_ONLY),
    Attack(
        name="bind_ack: that of another connection",
        play=of_another_connection(wire.BIND_ACK),
        verdict=NO_LOGON,
        but=BY_TICKET,
    ),
    Attack(name="bind_ack: the client's own token in it", play=reflected, verdict=NO_PROOF),
    Attack(name="every PDU of the client sent back to it", play=echo, verdict=NO_PROOF),
    # the third leg
    _third("a bit flipped in the token", lambda data: wire.flipped(data, -1)),
    _third("token taken out", wire.without_verifier),
    _third("other level", _in_trailer(1, 5)),
    _third("other NTLM flags", in_token(AUTHENTICATE_MESSAGE, 60, without_flag(SEAL), 4), but=NTLM_ONLY),
    _third("mechListMIC taken out", spnego(without_mic), but=SPNEGO_ONLY),
    _third("other mechListMIC", spnego(other_mic), but=SPNEGO_ONLY),
    # the fourth, where there is one
    _fourth("authentication taken out", wire.without_verifier, but=WITH_FOURTH_TOKEN),
    _fourth("other mechanism", _in_trailer(0, 10), but=WITH_FOURTH_TOKEN),
    _fourth("level lowered", _in_trailer(1, 2), but=WITH_FOURTH_TOKEN),
    _fourth("other logon", _in_trailer(4, 9), but=WITH_FOURTH_TOKEN),
    _fourth("other call", lambda data: wire.with_call_id(data, 7), BadReply),
    _fourth("bind_nak in its place", lambda data: wire.bind_nak(wire.call_id(data)), LogonFailed),
    _fourth("fault in its place", lambda data: wire.fault(wire.ACCESS_DENIED, wire.call_id(data)), LogonFailed),
    _fourth("mechListMIC taken out", spnego(without_mic), but=SPNEGO_ONLY | {"spnego_kerberos": REFUSED}),
    _fourth("other mechListMIC", spnego(other_mic), but=SPNEGO_ONLY),
    _fourth("mechListMIC as the response token", spnego(mic_as_token), but=SPNEGO_ONLY),
    _fourth("SPNEGO logon said not to be over", spnego(state(1)), but=SPNEGO_ONLY),
    Attack(
        name="alter_context_resp: that of another connection",
        play=of_another_connection(wire.ALTER_CONTEXT_RESP),
        verdict=NO_LOGON,
        but=WITH_FOURTH_LEG | {"kerberos": TRUE},
    ),
    Attack(
        name="the whole conversation led to another server of the domain",
        play=to_another_server,
        verdict=UNNOTICED,
        but={"kerberos": NO_LOGON, "spnego_kerberos": NO_LOGON},
    ),
)
