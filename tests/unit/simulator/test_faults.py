# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recipes and forgeries do what they say, and nothing else.

impacket believes most forged replies; that it still reads them shows that a forgery breaks one thing only.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing

import pytest
from impacket import ntlm
from impacket.dcerpc.v5 import dhcpm, epm, transport
from impacket.dcerpc.v5.rpcrt import DCERPCException

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV
from ansible_collections.msrpc.dhcp.tests.simulator import pdu
from ansible_collections.msrpc.dhcp.tests.simulator.faults import Faults
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Site, address, record, scope
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import (
    AUTH_CONTEXT,
    OID_NTLM,
    TIMEOUT,
    ImpacketClient,
    SpnegoClient,
)

OURS = bytes.fromhex("001c2580a043")
CREATE = "R_DhcpCreateClientInfoVQ"
VERSION = "R_DhcpGetVersion"
WHERE = address("10.0.0.20")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(Site(scopes=(scope("10.0.0.0", 16),))) as running:
        yield running


# --- recipes ----------------------------------------------------------------------------------------------------------


def test_a_status_is_returned_instead_of_executing_the_call(simulator: Simulator) -> None:
    simulator.faults.add(CREATE, status=20014)
    with ImpacketClient(simulator) as client:
        assert client.create(WHERE, OURS, "x") == 20014
    assert simulator.audit == []


def test_a_status_is_returned_although_the_call_was_executed(simulator: Simulator) -> None:
    simulator.faults.add(CREATE, status_after=20013)
    with ImpacketClient(simulator) as client:
        assert client.create(WHERE, OURS, "x") == 20013
    assert len(simulator.audit) == 1


@pytest.mark.parametrize(("recipe", "changes"), [({"fault": 0x721}, 0), ({"fault_after": 0x721}, 1)])
def test_a_fault_comes_before_or_after_the_effect(simulator: Simulator, recipe: dict[str, int], changes: int) -> None:
    simulator.faults.add(CREATE, **recipe)
    with pytest.raises(DCERPCException, match="00000721"), ImpacketClient(simulator) as client:
        client.create(WHERE, OURS, "x")
    assert len(simulator.audit) == changes


@pytest.mark.parametrize(("when", "changes"), [("before", 0), ("after", 1)])
def test_a_connection_is_dropped_before_or_after_the_effect(simulator: Simulator, when: str, changes: int) -> None:
    simulator.faults.add(CREATE, drop=when)
    with ImpacketClient(simulator) as client, pytest.raises(Exception, match=r"closed|reset"):
        client.create(WHERE, OURS, "x")
    assert len(simulator.audit) == changes


def test_a_silent_server_keeps_the_connection_open(simulator: Simulator) -> None:
    simulator.faults.add(VERSION, silent="before")
    with SpnegoClient(simulator) as client:
        client.timeout(0.05)
        with pytest.raises(TimeoutError):
            client.raw(28, bytes(4))
        assert simulator.connections == 1


@pytest.mark.parametrize("torn", ["segments", "fragments"])
def test_a_torn_answer_is_still_the_answer(simulator: Simulator, torn: str) -> None:
    simulator.scope("10.0.0.0").records.put(record(WHERE, OURS, name="n" * 200))
    simulator.faults.add("R_DhcpGetClientInfoVQ", torn=torn)
    with ImpacketClient(simulator) as client:
        assert client.get(WHERE)["ClientInfo"]["ClientName"] == "n" * 200 + "\x00"


def test_a_slow_answer_comes_in_the_end(simulator: Simulator) -> None:
    simulator.faults.add(VERSION, torn="slow")
    with SpnegoClient(simulator) as client:
        assert struct.unpack("<III", client.raw(28, bytes(4))) == (10, 0, 0)


def test_a_truncated_answer_is_followed_by_the_end(simulator: Simulator) -> None:
    simulator.faults.add(VERSION, torn="truncated")
    with SpnegoClient(simulator) as client, pytest.raises(EOFError):
        client.raw(28, bytes(4))


def test_a_delayed_answer_comes(simulator: Simulator) -> None:
    simulator.faults.add(VERSION, delay=0.01)
    with SpnegoClient(simulator) as client:
        assert client.raw(28, bytes(4)) == struct.pack("<III", 10, 0, 0)


def test_a_stub_replaces_that_of_the_answer(simulator: Simulator) -> None:
    simulator.faults.add(VERSION, stub=b"rubbish")
    with SpnegoClient(simulator) as client:
        assert client.raw(28, bytes(4)) == b"rubbish"


def test_a_hook_changes_the_database_before_a_call(simulator: Simulator) -> None:
    def somebody_else(store: Store) -> None:
        store.scope("10.0.0.0").records.put(record(WHERE, b"other"))

    simulator.faults.add(CREATE, before=somebody_else)
    with ImpacketClient(simulator) as client:
        assert client.create(WHERE, OURS, "x") == 20013


def test_a_hook_changes_the_database_after_a_call(simulator: Simulator) -> None:
    def vanish(store: Store) -> None:
        del store.scope("10.0.0.0").records[WHERE]

    simulator.faults.add(CREATE, after=vanish)
    with ImpacketClient(simulator) as client:
        assert client.create(WHERE, OURS, "x") == 0
    assert not simulator.scope("10.0.0.0").records


def test_a_recipe_is_for_the_nth_call() -> None:
    faults = Faults()
    faults.add(CREATE, nth=2, status=5)
    assert [faults.take(CREATE).status for _each in range(3)] == [None, 5, None]


def test_a_recipe_without_a_name_counts_every_call() -> None:
    faults = Faults()
    faults.add(nth=2, status=5)
    assert [faults.take(name).status for name in (CREATE, VERSION, CREATE)] == [None, 5, None]


def test_a_recipe_without_a_name_does_not_count_handshakes() -> None:
    faults = Faults()
    faults.add(status=5)
    assert [faults.take(name).status for name in ("bind", VERSION)] == [None, 5]


def test_a_recipe_can_last() -> None:
    faults = Faults()
    faults.add(CREATE, times=None, status=5)
    assert [faults.take(CREATE).status for _each in range(3)] == [5, 5, 5]


def test_recipes_that_meet_are_combined() -> None:
    faults = Faults()
    faults.add(CREATE, status=5)
    faults.add(torn="slow")
    effect = faults.take(CREATE)
    assert (effect.status, effect.torn) == (5, "slow")


def test_a_forgery_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such forgery: magic"):
        Faults().forge("magic")


def test_faults_can_be_cleared() -> None:
    faults = Faults()
    faults.add(CREATE, status=5)
    faults.forge("clear_reply")
    faults.clear()
    assert (faults.take(CREATE).status, faults.forged("clear_reply")) == (None, False)


# --- forged replies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forgery",
    [
        "clear_reply",
        "wrong_signature",
        "wrong_auth_type",
        "wrong_auth_context",
        "wrong_presentation_context",
        "wrong_call_id",
        "repeated_sequence",
        "first_flag_missing",
        "first_flag_repeated",
    ],
)
def test_impacket_believes_a_forged_reply(simulator: Simulator, forgery: str) -> None:
    simulator.faults.forge(forgery)
    with ImpacketClient(simulator) as client:
        assert client.version() == (10, 0)


def test_a_flipped_bit_reaches_impacket(simulator: Simulator) -> None:
    simulator.faults.forge("flipped_bit")
    with ImpacketClient(simulator) as client:
        assert client.version() == (11, 0)


@pytest.mark.parametrize("forgery", ["flipped_bit", "wrong_signature", "repeated_sequence"])
def test_a_forged_signature_is_seen_by_who_looks(simulator: Simulator, forgery: str) -> None:
    simulator.faults.forge(forgery)
    with SpnegoClient(simulator) as client, pytest.raises(ValueError, match="wrong signature"):
        client.raw(28, bytes(4))


@pytest.mark.parametrize(
    ("forgery", "position", "value"),
    [
        ("wrong_level", -23, 1),
        ("wrong_auth_type", -24, 10),
        ("wrong_auth_context", -20, (AUTH_CONTEXT + 1) & 0xFF),
        ("wrong_call_id", 12, 3),
        ("wrong_presentation_context", 20, 7),
        ("first_flag_missing", 3, 2),
        ("wrong_packet_type", 2, 0),
        ("big_endian", 4, 0),
    ],
)
def test_a_forged_field_is_the_only_one(simulator: Simulator, forgery: str, position: int, value: int) -> None:
    simulator.faults.forge(forgery)
    with SpnegoClient(simulator) as client:
        reply = client.reply(28, bytes(4))
        assert reply[position] == value
        assert client.open(reply) == struct.pack("<III", 10, 0, 0)


def test_a_signed_reply_is_in_clear(simulator: Simulator) -> None:
    simulator.faults.forge("signed_only")
    with SpnegoClient(simulator) as client:
        reply = client.reply(28, bytes(4))
    assert (reply[24:36], reply[-23]) == (struct.pack("<III", 10, 0, 0), 5)


def test_fragments_are_swapped(simulator: Simulator) -> None:
    simulator.faults.forge("fragments_swapped")
    with SpnegoClient(simulator) as client:
        assert client.reply(28, bytes(4))[3] == pdu.LAST


def test_a_verifier_is_too_short(simulator: Simulator) -> None:
    simulator.faults.forge("short_verifier")
    with SpnegoClient(simulator) as client:
        assert struct.unpack_from("<H", client.reply(28, bytes(4)), 10)[0] == 8


def test_a_reply_without_end_goes_on_until_the_client_leaves(simulator: Simulator) -> None:
    simulator.faults.add(VERSION, forge=("endless",))
    with SpnegoClient(simulator) as client:
        assert client.swallow(1 << 20) >= 1 << 20


# --- forged logons ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forgery", "flag"),
    [
        ("challenge_without_sign", ntlm.NTLMSSP_NEGOTIATE_SIGN),
        ("challenge_without_seal", ntlm.NTLMSSP_NEGOTIATE_SEAL),
        ("challenge_without_128", ntlm.NTLMSSP_NEGOTIATE_128),
        ("challenge_without_key_exch", ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH),
        ("challenge_without_ess", ntlm.NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY),
    ],
)
def test_a_challenge_lacks_one_flag(simulator: Simulator, forgery: str, flag: int) -> None:
    simulator.faults.forge(forgery)
    with SpnegoClient(simulator, logon=False) as client:
        flags = ntlm.NTLMAuthChallenge(client.challenge())["flags"]
    demanded = sum(
        (
            ntlm.NTLMSSP_NEGOTIATE_SIGN,
            ntlm.NTLMSSP_NEGOTIATE_SEAL,
            ntlm.NTLMSSP_NEGOTIATE_128,
            ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH,
            ntlm.NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY,
        )
    )
    assert flags & demanded == demanded & ~flag


def test_impacket_goes_on_without_sealing(simulator: Simulator) -> None:
    simulator.faults.forge("challenge_without_seal")
    with ImpacketClient(simulator) as client:
        assert client.version() == (10, 0)


def test_a_server_without_passwords_takes_everyone(simulator: Simulator) -> None:
    simulator.faults.forge("no_password")
    with SpnegoClient(simulator, password="anything") as client:
        assert simulator.handshakes["logon"] == 1
        assert not client.mech_list_mic_is_valid


def test_impacket_gets_an_answer_from_a_server_without_passwords(simulator: Simulator) -> None:
    simulator.faults.forge("no_password", "clear_reply")
    with ImpacketClient(simulator, password="anything") as client:
        assert client.version() == (0, 0)


def test_a_mech_list_mic_is_missing(simulator: Simulator) -> None:
    simulator.faults.forge("no_mech_list_mic")
    with SpnegoClient(simulator) as client:
        assert len(client.last_token) < 16


def test_a_mech_list_mic_is_wrong_and_nothing_else(simulator: Simulator) -> None:
    simulator.faults.forge("wrong_mech_list_mic")
    with SpnegoClient(simulator) as client:
        assert not client.mech_list_mic_is_valid
        assert client.raw(28, bytes(4)) == struct.pack("<III", 10, 0, 0)


@pytest.mark.parametrize(("forgeries", "expected"), [((), pdu.HEADER_SIGN), (("no_header_signing",), 0)])
def test_header_signing_is_agreed_or_not(simulator: Simulator, forgeries: tuple[str, ...], expected: int) -> None:
    simulator.faults.forge(*forgeries)
    with SpnegoClient(simulator, logon=False) as client:
        client.challenge()
        assert client.bind_flags & pdu.HEADER_SIGN == expected


def test_a_bind_is_refused(simulator: Simulator) -> None:
    simulator.faults.forge("bind_nak")
    with pytest.raises(ConnectionRefusedError), SpnegoClient(simulator):
        pass


def test_interfaces_are_refused(simulator: Simulator) -> None:
    simulator.faults.forge("context_rejected")
    with pytest.raises(DCERPCException, match="abstract_syntax_not_supported"), ImpacketClient(simulator):
        pass


# --- the endpoint mapper ----------------------------------------------------------------------------------------------


def tower_port(simulator: Simulator) -> str | None:
    binding = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{simulator.host}[{simulator.endpoint_mapper_port}]")
    binding.set_connect_timeout(TIMEOUT)
    rpc = binding.get_dce_rpc()
    rpc.connect()
    try:
        found = epm.hept_map(simulator.host, dhcpm.MSRPC_UUID_DHCPSRV, protocol="ncacn_ip_tcp", dce=rpc)
    finally:
        rpc.disconnect()
    return None if found is None else str(found)


def test_the_endpoint_mapper_answers_port_0(simulator: Simulator) -> None:
    simulator.faults.forge("endpoint_port_0")
    assert tower_port(simulator) == "ncacn_ip_tcp:127.0.0.1[0]"


def test_the_endpoint_mapper_knows_no_dhcp_server(simulator: Simulator) -> None:
    simulator.faults.forge("endpoint_none")
    with pytest.raises(DCERPCException, match="ept_s_not_registered"):
        tower_port(simulator)


def test_the_endpoint_mapper_names_another_host(simulator: Simulator) -> None:
    simulator.faults.forge("endpoint_elsewhere")
    binding = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{simulator.host}[{simulator.endpoint_mapper_port}]")
    rpc = binding.get_dce_rpc()
    rpc.connect()
    try:
        rpc.bind(epm.MSRPC_UUID_PORTMAP)
        tower = pdu.ept_map_reply(DHCPSRV, host="0.0.0.0", port=0)[48:-5]  # noqa: S104
        rpc.call(pdu.EPT_MAP, struct.pack("<III", 0, 1, len(tower)) + struct.pack("<I", len(tower)) + tower)
        reply = rpc.recv()
    finally:
        rpc.disconnect()
    assert bytes((192, 0, 2, 1)) in reply


# --- garbage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(64),
        struct.pack("<BBBB4sHHI", 5, 0, 0, 3, b"\x10\0\0\0", 16, 0, 1),
        struct.pack("<BBBB4sHHI", 5, 0, 11, 3, b"\x10\0\0\0", 20, 0, 1) + bytes(4),
        struct.pack("<BBBB4sHHI", 5, 0, 11, 3, b"\x10\0\0\0", 24, 200, 1) + bytes(8),
        struct.pack("<BBBB4sHHI", 5, 0, 11, 3, b"\x10\0\0\0", 0xFFFF, 0, 1),
        struct.pack("<BBBB4sHHI", 5, 0, 14, 3, b"\x10\0\0\0", 28, 0, 1) + bytes(12),
        struct.pack("<BBBB4sHHI", 5, 0, 16, 3, b"\x10\0\0\0", 16, 0, 1),
        struct.pack("<BBBB4sHHI", 5, 0, 77, 3, b"\x10\0\0\0", 16, 0, 1),
    ],
)
def test_garbage_closes_its_connection_and_nothing_else(simulator: Simulator, garbage: bytes) -> None:
    with closing(socket.create_connection((simulator.host, simulator.port), timeout=TIMEOUT)) as connection:
        connection.sendall(garbage)
        assert connection.recv(100) == b""
    with ImpacketClient(simulator) as client:
        assert client.version() == (10, 0)


def test_garbage_closes_a_connection_to_the_endpoint_mapper(simulator: Simulator) -> None:
    where = (simulator.host, simulator.endpoint_mapper_port)
    with closing(socket.create_connection(where, timeout=TIMEOUT)) as connection:
        connection.sendall(bytes(64))
        assert connection.recv(100) == b""


@pytest.mark.parametrize("token", [b"", b"NTLMSSP\x00", bytes(40), OID_NTLM, b"\x60\x84\xff\xff\xff\xff"])
def test_a_token_that_is_none_is_refused(simulator: Simulator, token: bytes) -> None:
    with SpnegoClient(simulator, logon=False) as client, pytest.raises(ConnectionRefusedError):
        client.handshake(11, token or b"\x00")


def test_a_request_with_a_wrong_signature_is_refused_and_closed(simulator: Simulator) -> None:
    with SpnegoClient(simulator) as client, pytest.raises(ConnectionRefusedError):
        client.raw(28, bytes(4), tamper=True)
    assert "wrong signature" in simulator.refusals
