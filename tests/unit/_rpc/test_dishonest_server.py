# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server, or somebody on the way to it, that breaks one rule at a time: nothing that it says is believed.

Each conversation is held without the forgery as well, and succeeds: so the forgery is what was refused.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    ConnectionLost,
    DecodeError,
    LogonFailed,
    NoEndpoint,
    RpcFault,
    SecurityError,
)
from ansible_collections.msrpc.dhcp.tests.simulator import pdu
from ansible_collections.msrpc.dhcp.tests.simulator.connection import DhcpConnection
from ansible_collections.msrpc.dhcp.tests.simulator.faults import FORGERIES
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Site, record, scope
from ansible_collections.msrpc.dhcp.tests.unit._rpc.conversation import (
    AUTHS,
    CREATE,
    PATIENCE,
    VERSION,
    Edit,
    Tap,
    ask,
    call_id,
    changed,
    creation,
    logged_on,
    lookup,
    replaced,
    version,
    with_verifier,
    without_verifier,
)

OURS = "10.0.0.20"
WRONG_SIGNATURE = "the reply's signature is wrong"
NO_SIGNATURE = "has no signature"
OTHERWISE = "is protected otherwise than agreed"

# What is wrong with a reply, and what it gets; the rest of the reply is as it should be, signature included.
REPLIES: dict[str, tuple[type[BadReply], str]] = {
    "clear_reply": (SecurityError, NO_SIGNATURE),
    "signed_only": (SecurityError, OTHERWISE),
    "wrong_signature": (SecurityError, WRONG_SIGNATURE),
    "flipped_bit": (SecurityError, WRONG_SIGNATURE),
    "repeated_sequence": (SecurityError, WRONG_SIGNATURE),
    "wrong_level": (SecurityError, OTHERWISE),
    "wrong_auth_type": (SecurityError, OTHERWISE),
    "wrong_auth_context": (SecurityError, OTHERWISE),
    "wrong_presentation_context": (SecurityError, "belongs to another interface"),
    "short_verifier": (SecurityError, "a signature of 8 bytes"),
    "wrong_call_id": (BadReply, "belongs to call 3, but call 2 was asked"),
    "first_flag_missing": (BadReply, "not in order"),
    "first_flag_repeated": (BadReply, "not in order"),
    "fragments_swapped": (BadReply, "not in order"),
    "wrong_packet_type": (BadReply, "message of type 0"),
    "big_endian": (DecodeError, "order that is not supported"),
}
CHALLENGES = {
    "challenge_without_sign": "NTLMSSP_NEGOTIATE_SIGN",
    "challenge_without_seal": "NTLMSSP_NEGOTIATE_SEAL",
    "challenge_without_128": "NTLMSSP_NEGOTIATE_128",
    "challenge_without_key_exch": "NTLMSSP_NEGOTIATE_KEY_EXCH",
    "challenge_without_ess": "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY",
}
BINDS: dict[str, tuple[type[Exception], str]] = {
    "no_header_signing": (SecurityError, "does not sign the headers"),
    "context_rejected": (NoEndpoint, "has no interface dhcpsrv"),
    "bind_nak": (NoEndpoint, "bind_nak"),
}
MECH_LIST_MICS = {
    "no_mech_list_mic": "did not confirm the SPNEGO logon with a signed list of mechanisms",
    "wrong_mech_list_mic": "signature of the SPNEGO mechanisms is wrong",
}
TOWERS = ("endpoint_port_0", "endpoint_none")
ELSEWHERE = ("endless", "no_password", "endpoint_elsewhere")  # tested by name, here or with the connection


def read_answer(reply: Any) -> Any:
    return reply.Return, reply.ClientInfo and reply.ClientInfo.ClientName


def write_answer(reply: Any) -> Any:
    return reply.Return


READ = (lambda: lookup(OURS), read_answer, (0, "printer"))
WRITE = (lambda: creation("10.0.0.21", identifier=b"another"), write_answer, 0)
Talk = tuple[Callable[[], Any], Callable[[Any], Any], Any]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    known = record(OURS, "001c2580a043", name="printer")
    with Simulator(Site(scopes=(scope("10.0.0.0", records=(known,)),))) as running:
        yield running


def converse(sim: Simulator, auth: str, talk: Talk, **where: Any) -> None:
    """Log on, make one call and check its answer."""
    request, answer, expected = talk
    with logged_on(sim, auth, **where) as connection:
        assert answer(ask(connection, request())) == expected


@pytest.mark.parametrize("talk", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("auth", AUTHS)
def test_the_same_conversation_without_a_forgery_succeeds(sim: Simulator, auth: str, talk: Talk) -> None:
    converse(sim, auth, talk, port=None)


def test_every_forgery_of_the_simulator_has_a_test() -> None:
    tested = {*REPLIES, *CHALLENGES, *BINDS, *MECH_LIST_MICS, *TOWERS, *ELSEWHERE}
    assert tested == FORGERIES


# --- replies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("talk", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize(("forgery", "refusal"), REPLIES.items(), ids=REPLIES)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_forged_reply_is_not_believed(
    sim: Simulator, auth: str, forgery: str, refusal: tuple[type[BadReply], str], talk: Talk
) -> None:
    kind, words = refusal
    sim.faults.forge(forgery)
    with logged_on(sim, auth) as connection:
        with pytest.raises(kind, match=words) as caught:
            ask(connection, talk[0]())
        assert caught.value.__class__ is kind
        assert connection.broken


@pytest.mark.parametrize("forgery", REPLIES)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_forged_reply_is_not_believed_after_honest_ones(sim: Simulator, auth: str, forgery: str) -> None:
    with logged_on(sim, auth) as connection:
        assert version(connection) == (10, 0)
        assert version(connection) == (10, 0)
        sim.faults.forge(forgery)
        with pytest.raises(BadReply):
            version(connection)
        assert connection.broken


@pytest.mark.parametrize("forgery", REPLIES)
def test_after_a_forged_reply_nothing_more_is_sent(sim: Simulator, forgery: str) -> None:
    sim.faults.add(VERSION, forge=(forgery,))
    with logged_on(sim) as connection:
        with pytest.raises(BadReply):
            version(connection)
        with pytest.raises(ConnectionLost, match="not sent"):
            ask(connection, creation("10.0.0.21"))
    assert sim.writes == 0


@pytest.mark.parametrize(
    "forgery", ["clear_reply", "flipped_bit", "wrong_signature", "wrong_level", "wrong_auth_type", "wrong_auth_context"]
)
@pytest.mark.parametrize("auth", AUTHS)
def test_one_forged_fragment_among_honest_ones_is_enough(
    sim: Simulator, auth: str, forgery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last fragment alone is forged; what came before it is not believed either."""
    sim.faults.add("R_DhcpGetClientInfoVQ", torn="fragments")
    real = DhcpConnection._response

    def last_one_forged(self: Any, request: Any, part: bytes, flags: int, *more: Any) -> bytes:
        if flags == pdu.LAST:
            more[-1].forgeries |= {forgery}
        return real(self, request, part, flags, *more)

    monkeypatch.setattr(DhcpConnection, "_response", last_one_forged)
    with logged_on(sim, auth) as connection:
        with pytest.raises(SecurityError):
            ask(connection, lookup(OURS))
        assert connection.broken


@pytest.mark.parametrize(("pad", "taken"), [(16, True), (17, False), (255, False)])
@pytest.mark.parametrize("auth", AUTHS)
def test_more_padding_than_content_is_refused(
    sim: Simulator, auth: str, pad: int, *, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stub is empty then, which is none of the codec's replies, but one of the connection's."""
    real = DhcpConnection._verifier

    def padded(self: Any, logon: Any, _padding: int, effect: Any) -> Any:
        return real(self, logon, pad, effect)

    monkeypatch.setattr(DhcpConnection, "_verifier", padded)
    request = lookup(OURS)
    sim.faults.add(request.name, stub=bytes(16))
    with logged_on(sim, auth) as connection:
        if taken:
            assert connection.call(request.INTERFACE, request.OPNUM, request.pack(), label=request.name) == b""
            return
        with pytest.raises(BadReply, match="more padding than content"):
            ask(connection, request)
        assert connection.broken


# --- somebody on the way ----------------------------------------------------------------------------------------------


def flipped(data: bytes, where: int) -> bytes:
    return data[:where] + bytes((data[where] ^ 1,)) + data[where + 1 :]


@pytest.mark.parametrize(
    "where",
    [1, 5, 6, 7, 16, 19, 22, 23, 24, -17, -18, -21, -22, -24, -16, -15, -12, -8, -4, -1],
    ids=lambda where: f"octet {where}",
)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_bit_flipped_on_the_way_is_noticed(sim: Simulator, auth: str, where: int) -> None:
    """Header, stub, sec_trailer and signature of a reply are all signed, or checked."""
    with (
        Tap(sim.port, replaced(pdu.RESPONSE, lambda data: flipped(data, where))) as tap,
        logged_on(sim, auth, port=tap.port) as connection,
    ):
        with pytest.raises(BadReply):
            version(connection)
        assert connection.broken


@pytest.mark.parametrize("auth", AUTHS)
def test_the_last_flag_taken_away_on_the_way_is_noticed(sim: Simulator, auth: str) -> None:
    with (
        Tap(sim.port, changed(pdu.RESPONSE, 3, pdu.FIRST)) as tap,
        logged_on(sim, auth, port=tap.port) as connection,
        pytest.raises(SecurityError, match=WRONG_SIGNATURE),
    ):
        version(connection)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_reply_that_is_cut_into_two_on_the_way_is_noticed(sim: Simulator, auth: str) -> None:
    """The last flag put where it is not, so that the rest of the reply goes missing."""
    sim.faults.add("R_DhcpGetClientInfoVQ", torn="fragments")
    edit = replaced(pdu.RESPONSE, lambda data: data[:3] + bytes((data[3] | pdu.LAST,)) + data[4:])
    with (
        Tap(sim.port, edit) as tap,
        logged_on(sim, auth, port=tap.port) as connection,
        pytest.raises(SecurityError, match=WRONG_SIGNATURE),
    ):
        ask(connection, lookup(OURS))


@pytest.mark.parametrize("auth", AUTHS)
def test_a_reply_that_was_sent_before_is_noticed(sim: Simulator, auth: str) -> None:
    """The first reply comes again in place of the second, with the call id that is waited for."""
    replies: list[bytes] = []

    def again(data: bytes) -> bytes:
        replies.append(data)
        return replies[0][:12] + data[12:16] + replies[0][16:]

    with Tap(sim.port, replaced(pdu.RESPONSE, again)) as tap, logged_on(sim, auth, port=tap.port) as connection:
        version(connection)
        with pytest.raises(SecurityError, match=WRONG_SIGNATURE):
            version(connection)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_reply_on_another_interface_is_noticed(sim: Simulator, auth: str) -> None:
    with (
        Tap(sim.port, changed(pdu.RESPONSE, 20, 1)) as tap,
        logged_on(sim, auth, port=tap.port) as connection,
        pytest.raises(SecurityError, match="another interface"),
    ):
        version(connection)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_reply_whose_verifier_was_taken_away_is_not_believed(sim: Simulator, auth: str) -> None:
    with (
        Tap(sim.port, replaced(pdu.RESPONSE, without_verifier)) as tap,
        logged_on(sim, auth, port=tap.port) as connection,
        pytest.raises(SecurityError, match=NO_SIGNATURE),
    ):
        version(connection)


def test_a_fault_with_a_made_up_verifier_is_not_believed(sim: Simulator) -> None:
    edit = replaced(pdu.RESPONSE, lambda data: with_verifier(pdu.fault(0x1C010002, call_id=call_id(data))))
    with (
        Tap(sim.port, edit) as tap,
        logged_on(sim, port=tap.port) as connection,
        pytest.raises(SecurityError, match=WRONG_SIGNATURE),
    ):
        version(connection)


def test_a_fault_with_a_right_verifier_is_read(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def signed_fault(self: Any, request: Any, _stub: bytes, effect: Any) -> None:
        body = struct.pack("<II8x", 0x1C010002, 0)
        head = pdu.header(pdu.FAULT, flags=3, length=24 + 16 + 24, auth_length=16, call_id=request.call_id)
        head += pdu.response_head(hint=32, context_id=request.context_id)
        verifier = pdu.trailer(self._verifier(request.logon, 0, effect))
        self.send(self._protect(request.logon, head, body, verifier, effect), effect)

    monkeypatch.setattr(DhcpConnection, "_answer", signed_fault)
    with logged_on(sim) as connection, pytest.raises(RpcFault, match="0x1c010002") as caught:
        version(connection)
    assert caught.value.code == 0x1C010002


def test_a_fault_to_another_call_is_not_believed(sim: Simulator) -> None:
    edit = replaced(pdu.RESPONSE, lambda data: pdu.fault(5, call_id=call_id(data) + 1))
    with (
        Tap(sim.port, edit) as tap,
        logged_on(sim, port=tap.port) as connection,
        pytest.raises(BadReply, match="belongs to call 3"),
    ):
        version(connection)


def test_a_fault_without_a_status_is_refused(sim: Simulator) -> None:
    def short(data: bytes) -> bytes:
        return pdu.header(pdu.FAULT, flags=3, length=24, auth_length=0, call_id=call_id(data)) + bytes(8)

    with (
        Tap(sim.port, replaced(pdu.RESPONSE, short)) as tap,
        logged_on(sim, port=tap.port) as connection,
        pytest.raises(DecodeError, match="too short to hold a status"),
    ):
        version(connection)


def test_a_reply_shorter_than_its_header_is_refused(sim: Simulator) -> None:
    def short(data: bytes) -> bytes:
        return pdu.header(pdu.RESPONSE, flags=3, length=20, auth_length=0, call_id=call_id(data)) + bytes(4)

    with (
        Tap(sim.port, replaced(pdu.RESPONSE, short)) as tap,
        logged_on(sim, port=tap.port) as connection,
        pytest.raises(DecodeError, match="too short"),
    ):
        version(connection)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_request_changed_on_the_way_is_refused_by_the_server(sim: Simulator, auth: str) -> None:
    """Our headers are signed: nobody can make one call out of another."""

    class Changing(Tap):
        def _remember(self, data: bytes) -> bytes:
            return data[:22] + b"\x13" + data[23:] if data[2] == pdu.REQUEST else data

    with (
        Changing(sim.port) as tap,
        logged_on(sim, auth, port=tap.port) as connection,
        pytest.raises(RpcFault),
    ):
        version(connection)
    assert sim.calls == 0
    assert "wrong signature" in sim.refusals


# --- the logon --------------------------------------------------------------------------------------------------------


def no_proof_was_sent(sim: Simulator) -> bool:
    return not any(sim.handshakes[each] for each in ("authenticate", "auth3", "alter_context", "logon"))


@pytest.mark.parametrize(("forgery", "name"), CHALLENGES.items(), ids=CHALLENGES)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_challenge_that_lacks_a_flag_is_not_answered(sim: Simulator, auth: str, forgery: str, name: str) -> None:
    sim.faults.forge(forgery)
    with pytest.raises(SecurityError, match=f"lacks {name}: a weaker session than demanded"):
        logged_on(sim, auth)
    assert sim.handshakes["bind"] == 1
    assert no_proof_was_sent(sim)


@pytest.mark.parametrize("forgeries", [tuple(CHALLENGES), ("challenge_without_sign", "challenge_without_seal")])
def test_a_challenge_that_lacks_several_flags_is_not_answered(sim: Simulator, forgeries: tuple[str, ...]) -> None:
    sim.faults.forge(*forgeries)
    with pytest.raises(SecurityError) as caught:
        logged_on(sim)
    assert all(CHALLENGES[each] in str(caught.value) for each in forgeries)
    assert no_proof_was_sent(sim)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_challenge_with_all_flags_is_answered(sim: Simulator, auth: str) -> None:
    """What the tests above do not see is there to be seen."""
    converse(sim, auth, READ)
    assert sim.handshakes["authenticate"] == 1
    assert sim.handshakes["logon"] == 1


@pytest.mark.parametrize(("forgery", "refusal"), BINDS.items(), ids=BINDS)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_bind_that_is_not_taken_as_it_was_meant_ends_the_logon(
    sim: Simulator, auth: str, forgery: str, refusal: tuple[type[Exception], str]
) -> None:
    sim.faults.forge(forgery)
    with pytest.raises(refusal[0], match=refusal[1]):
        logged_on(sim, auth)
    assert no_proof_was_sent(sim)


BIND_ACKS: dict[str, tuple[Edit, type[BadReply], str]] = {
    "without header signing": (changed(pdu.BIND_ACK, 3, 3), SecurityError, "does not sign the headers"),
    "without a verifier": (replaced(pdu.BIND_ACK, without_verifier), SecurityError, NO_SIGNATURE),
    "another type of logon": (changed(pdu.BIND_ACK, 0, 16, in_trailer=True), SecurityError, OTHERWISE),
    "another level": (changed(pdu.BIND_ACK, 1, 2, in_trailer=True), SecurityError, OTHERWISE),
    "another logon": (changed(pdu.BIND_ACK, 4, 9, in_trailer=True), SecurityError, OTHERWISE),
    "an interface refused": (changed(pdu.BIND_ACK, 36, 2), BadReply, "does not accept the interface dhcpsrv "),
    "the other interface refused": (changed(pdu.BIND_ACK, 60, 2), BadReply, "the interface dhcpsrv2 "),
    "another transfer syntax": (changed(pdu.BIND_ACK, 40, 0), BadReply, "does not accept the interface dhcpsrv "),
    "fewer results": (changed(pdu.BIND_ACK, 32, 1), BadReply, "2 interfaces were asked for, but 1"),
    "more results than there are": (changed(pdu.BIND_ACK, 32, 200), DecodeError, "too short for what it says"),
    "a token that is none": (changed(pdu.BIND_ACK, 8, 0xFF, in_trailer=True), BadReply, "logon is no "),
}


@pytest.mark.parametrize(("edit", "kind", "words"), BIND_ACKS.values(), ids=BIND_ACKS)
@pytest.mark.parametrize("auth", AUTHS)
def test_a_bind_ack_changed_on_the_way_gets_no_proof_of_the_password(
    sim: Simulator, auth: str, edit: Edit, kind: type[BadReply], words: str
) -> None:
    with Tap(sim.port, edit) as tap, pytest.raises(kind, match=words):
        logged_on(sim, auth, port=tap.port)
    assert no_proof_was_sent(sim)


ENDS: dict[str, tuple[Edit, str]] = {
    "without a verifier": (replaced(pdu.ALTER_CONTEXT_RESP, without_verifier), NO_SIGNATURE),
    "another type of logon": (changed(pdu.ALTER_CONTEXT_RESP, 0, 10, in_trailer=True), OTHERWISE),
    "another level": (changed(pdu.ALTER_CONTEXT_RESP, 1, 2, in_trailer=True), OTHERWISE),
    "another logon": (changed(pdu.ALTER_CONTEXT_RESP, 4, 9, in_trailer=True), OTHERWISE),
    "another MIC": (
        replaced(pdu.ALTER_CONTEXT_RESP, lambda data: flipped(data, len(data) - 12)),
        "mechanisms is wrong",
    ),
}


@pytest.mark.parametrize(("edit", "words"), ENDS.values(), ids=ENDS)
def test_the_end_of_a_negotiate_logon_changed_on_the_way_is_refused(sim: Simulator, edit: Edit, words: str) -> None:
    with Tap(sim.port, edit) as tap, pytest.raises(SecurityError, match=words):
        logged_on(sim, "negotiate", port=tap.port)


@pytest.mark.parametrize(("forgery", "words"), MECH_LIST_MICS.items(), ids=MECH_LIST_MICS)
def test_the_end_of_a_negotiate_logon_has_to_be_signed(sim: Simulator, forgery: str, words: str) -> None:
    sim.faults.forge(forgery)
    with pytest.raises(SecurityError, match=words):
        logged_on(sim, "negotiate")


@pytest.mark.parametrize("talk", [READ, WRITE], ids=["read", "write"])
def test_a_server_that_knows_no_password_is_not_believed_by_ntlm(sim: Simulator, talk: Talk) -> None:
    sim.faults.forge("no_password")
    with logged_on(sim, "ntlm") as connection:
        with pytest.raises(SecurityError, match="its sender does not know the account's password"):
            ask(connection, talk[0]())
        assert connection.broken


def test_a_server_that_knows_no_password_is_not_believed_by_negotiate(sim: Simulator) -> None:
    sim.faults.forge("no_password")
    with pytest.raises(SecurityError, match="signature of the SPNEGO mechanisms is wrong"):
        logged_on(sim, "negotiate")


def test_a_server_that_knows_no_password_does_not_get_by_without_a_signed_list(sim: Simulator) -> None:
    sim.faults.forge("no_password", "no_mech_list_mic")
    with pytest.raises(SecurityError):
        logged_on(sim, "negotiate")


@pytest.mark.parametrize("forgery", ["clear_reply", "wrong_level", "signed_only"])
def test_a_server_that_knows_no_password_does_not_get_by_without_seal(sim: Simulator, forgery: str) -> None:
    sim.faults.forge("no_password", forgery)
    with logged_on(sim, "ntlm") as connection, pytest.raises(SecurityError):
        ask(connection, creation("10.0.0.21"))


def test_what_a_server_without_passwords_is_told_cannot_be_read(sim: Simulator) -> None:
    """The request was sent, as it has to be with AUTH3, but sealed: nothing came of it."""
    sim.faults.forge("no_password")
    with logged_on(sim, "ntlm") as connection, pytest.raises(SecurityError):
        ask(connection, creation("10.0.0.21"))
    assert sim.audit == []


@pytest.mark.parametrize("auth", AUTHS)
def test_something_else_than_rpc_is_refused(sim: Simulator, auth: str) -> None:
    edit = replaced(pdu.BIND_ACK, lambda _data: b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with Tap(sim.port, edit) as tap, pytest.raises(DecodeError, match="does not speak RPC"):
        logged_on(sim, auth, port=tap.port)


# --- the endpoint mapper ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("talk", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("auth", AUTHS)
def test_another_host_that_the_endpoint_mapper_names_is_not_looked_at(
    sim: Simulator, auth: str, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = socket.socket.connect

    def connect(self: socket.socket, where: Any) -> None:
        asked.append(where[0])
        real(self, where)

    monkeypatch.setattr(socket.socket, "connect", connect)
    sim.faults.forge("endpoint_elsewhere")
    converse(sim, auth, talk, port=None)
    assert set(asked) == {"127.0.0.1"}


@pytest.mark.parametrize("forgery", TOWERS)
@pytest.mark.parametrize("auth", AUTHS)
def test_an_endpoint_mapper_that_names_no_port_is_refused(sim: Simulator, auth: str, forgery: str) -> None:
    sim.faults.forge(forgery)
    with pytest.raises(NoEndpoint, match="knows no dhcpsrv"):
        logged_on(sim, auth, port=None)
    assert sim.handshakes["ept_map"] == 1
    assert sim.handshakes["bind"] == 0


def test_an_endpoint_mapper_that_names_another_service_gets_no_logon(sim: Simulator) -> None:
    """The port of the endpoint mapper itself, say, which has no DHCP interface."""

    def elsewhere(data: bytes) -> bytes:
        return data.replace(struct.pack(">H", sim.port), struct.pack(">H", sim.endpoint_mapper_port))

    with (
        Tap(sim.endpoint_mapper_port, replaced(pdu.RESPONSE, elsewhere)) as tap,
        pytest.raises(NoEndpoint, match="has no interface dhcpsrv"),
    ):
        logged_on(sim, port=None, endpoint_mapper_port=tap.port)
    assert no_proof_was_sent(sim)


def no_tower(data: bytes) -> bytes:
    """ept_map succeeds, with an empty list of towers."""
    stub = bytes(20) + struct.pack("<IIIII", 0, 4, 0, 0, 0)
    body = pdu.response_head(hint=len(stub), context_id=0) + stub
    return pdu.header(pdu.RESPONSE, flags=3, length=16 + len(body), auth_length=0, call_id=call_id(data)) + body


def test_an_endpoint_mapper_with_an_empty_list_is_refused(sim: Simulator) -> None:
    with (
        Tap(sim.endpoint_mapper_port, replaced(pdu.RESPONSE, no_tower)) as tap,
        pytest.raises(NoEndpoint, match=f"port {tap.port} knows no dhcpsrv"),
    ):
        logged_on(sim, port=None, endpoint_mapper_port=tap.port)


@pytest.mark.parametrize(
    "garbage",
    [
        lambda data: data[:20] + b"\xff" * (len(data) - 20),
        lambda data: data[:48] + bytes(len(data) - 48),
        lambda data: data[:8] + struct.pack("<H", 24) + data[10:24],
        lambda data: data[:64] + b"\xff" * 8 + data[72:],
        lambda data: pdu.fault(0x1C010003, call_id=call_id(data)),
        lambda data: pdu.bind_nak(call_id=call_id(data), reason=4),
        lambda _data: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["ones", "zeros", "cut", "large counts", "fault", "bind_nak", "HTTP"],
)
def test_an_endpoint_mapper_that_talks_rubbish_is_refused(sim: Simulator, garbage: Callable[[bytes], bytes]) -> None:
    with (
        Tap(sim.endpoint_mapper_port, replaced(pdu.RESPONSE, garbage)) as tap,
        pytest.raises((BadReply, NoEndpoint), match=f"port {tap.port}"),
    ):
        logged_on(sim, port=None, endpoint_mapper_port=tap.port)
    assert no_proof_was_sent(sim)


def test_an_endpoint_mapper_that_does_not_end_is_refused(sim: Simulator) -> None:
    endless = replaced(pdu.RESPONSE, lambda data: (data[:3] + b"\0" + data[4:]) * 10_000)
    with (
        Tap(sim.endpoint_mapper_port, endless) as tap,
        pytest.raises(BadReply, match=f"endpoint mapper at .* port {tap.port}: the answer does not end"),
    ):
        logged_on(sim, port=None, endpoint_mapper_port=tap.port)


@pytest.mark.parametrize("drop", ["ept_bind", "ept_map"])
def test_an_endpoint_mapper_that_hangs_up_is_told(sim: Simulator, drop: str) -> None:
    sim.faults.add(drop, drop="before")
    with pytest.raises(ConnectionLost, match=r"Asking the endpoint mapper at .*: the server closed the connection"):
        logged_on(sim, port=None)


def test_an_endpoint_mapper_is_refused_its_own_fault(sim: Simulator) -> None:
    sim.faults.add("ept_map", fault=0x1C010003)
    with pytest.raises(BadReply, match="gave no answer that can be used; setting port avoids this question"):
        logged_on(sim, port=None)


def test_what_was_refused_once_may_be_right_the_next_time(sim: Simulator) -> None:
    sim.faults.add(CREATE, forge=("clear_reply",))
    with logged_on(sim) as connection, pytest.raises(SecurityError):
        ask(connection, creation("10.0.0.21", identifier=b"another"))
    with logged_on(sim, request_timeout=PATIENCE) as connection:
        assert ask(connection, lookup("10.0.0.21")).Return == 0


def test_a_logon_that_was_refused_is_no_failed_logon(sim: Simulator) -> None:
    """A weak server says nothing about the account, so nobody is sent to look at its password."""
    sim.faults.forge("challenge_without_seal")
    with pytest.raises(SecurityError) as caught:
        logged_on(sim)
    assert not isinstance(caught.value, LogonFailed)
