# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator speaks with a client that is not ours: impacket, with its own NDR, PDUs and NTLM."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from impacket.dcerpc.v5 import dhcpm, epm, transport
from impacket.dcerpc.v5.rpcrt import DCERPCException

from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADMINISTRATOR,
    DEFAULT_PASSWORD,
    NOBODY,
    READER,
    Site,
    address,
    record,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import ImpacketClient, SpnegoClient

OURS = bytes.fromhex("001c2580a043")
MANY = 1000


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(Site(scopes=(scope("10.0.0.0", 16),))) as running:
        yield running


def test_impacket_logs_on_and_gets_the_version(simulator: Simulator) -> None:
    with ImpacketClient(simulator) as client:
        assert client.version() == (10, 0)


def test_impacket_creates_a_client(simulator: Simulator) -> None:
    with ImpacketClient(simulator) as client:
        client.create(address("10.0.0.20"), OURS, "printer-3f")
    stored = simulator.scope("10.0.0.0").records["10.0.0.20"]
    assert (stored.client_id, stored.name, stored.comment) == (OURS, "printer-3f", None)


def test_impacket_is_told_that_a_client_exists(simulator: Simulator) -> None:
    with ImpacketClient(simulator) as client:
        statuses = [client.create(address("10.0.0.20"), OURS, "x") for _twice in range(2)]
    assert statuses == [0, 20013]


def test_impacket_reads_a_client(simulator: Simulator) -> None:
    simulator.scope("10.0.0.0").records.put(record("10.0.0.20", OURS, name="Drücker", comment="東棟"))
    with ImpacketClient(simulator) as client:
        found = client.get(address("10.0.0.20"))["ClientInfo"]
    identifier = b"".join(found["ClientHardwareAddress"]["Data_"])
    assert (found["ClientName"], found["ClientComment"], identifier) == (
        "Drücker\x00",
        "東棟\x00",
        bytes.fromhex("0000000a01") + OURS,
    )


def test_impacket_walks_the_pages_of_a_scope(simulator: Simulator) -> None:
    wanted = [address("10.0.0.10") + number for number in range(MANY)]
    for each in wanted:
        simulator.scope("10.0.0.0").records.put(record(each, each.to_bytes(6, "big"), name=f"host-{each}"))
    read, statuses, handle = [], [234], 0
    with ImpacketClient(simulator) as client:
        while statuses[-1] == 234:
            page = client.page(address("10.0.0.0"), handle)
            read += [each["ClientIpAddress"] for each in page["ClientInfo"]["Clients"]]
            handle = page["ResumeHandle"]
            statuses.append(page["ErrorCode"])
    assert (read, statuses) == (wanted, [234, 234, 234, 0])


def test_impacket_sends_a_request_larger_than_a_fragment(simulator: Simulator) -> None:
    name = "n" * 10_000
    with ImpacketClient(simulator) as client:
        client.create(address("10.0.0.20"), OURS, name)
    assert simulator.scope("10.0.0.0").records["10.0.0.20"].name == name


def test_impacket_finds_the_port_by_the_endpoint_mapper(simulator: Simulator) -> None:
    binding = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{simulator.host}[{simulator.endpoint_mapper_port}]")
    rpc = binding.get_dce_rpc()
    rpc.connect()
    try:
        found = epm.hept_map(simulator.host, dhcpm.MSRPC_UUID_DHCPSRV2, protocol="ncacn_ip_tcp", dce=rpc)
    finally:
        rpc.disconnect()
    assert found == f"ncacn_ip_tcp:{simulator.host}[{simulator.port}]"


def test_an_interface_that_is_not_ours_has_no_endpoint(simulator: Simulator) -> None:
    binding = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{simulator.host}[{simulator.endpoint_mapper_port}]")
    rpc = binding.get_dce_rpc()
    rpc.connect()
    try:
        with pytest.raises(DCERPCException, match="ept_s_not_registered"):
            epm.hept_map(simulator.host, epm.MSRPC_UUID_PORTMAP, protocol="ncacn_ip_tcp", dce=rpc)
    finally:
        rpc.disconnect()


@pytest.mark.parametrize(
    ("username", "domain"),
    [(ADMINISTRATOR, ""), (ADMINISTRATOR, "example"), (f"{ADMINISTRATOR}@example.com", ""), ("DHCP-Admin", "EXAMPLE")],
)
def test_accounts_have_all_usual_spellings(simulator: Simulator, username: str, domain: str) -> None:
    with ImpacketClient(simulator, username, domain=domain) as client:
        assert client.version() == (10, 0)


@pytest.mark.parametrize(
    ("username", "password", "domain"),
    [
        (ADMINISTRATOR, "wrong", "EXAMPLE"),
        ("somebody", DEFAULT_PASSWORD, "EXAMPLE"),
        (ADMINISTRATOR, DEFAULT_PASSWORD, "ELSEWHERE"),
        ("", "", ""),
    ],
)
def test_a_wrong_logon_is_refused(simulator: Simulator, username: str, password: str, domain: str) -> None:
    with (
        pytest.raises(DCERPCException, match="access_denied"),
        ImpacketClient(simulator, username, password, domain=domain) as client,
    ):
        client.version()
    assert simulator.handshakes["logon"] == 0


@pytest.mark.parametrize("level", [2, 5])
def test_calls_without_packet_privacy_are_refused(simulator: Simulator, level: int) -> None:
    with pytest.raises(DCERPCException, match="access_denied"), ImpacketClient(simulator, level=level) as client:
        client.version()
    assert simulator.calls == 0


def test_an_opnum_that_the_server_does_not_have_is_out_of_range(simulator: Simulator) -> None:
    with pytest.raises(DCERPCException, match="nca_s_op_rng_error"), ImpacketClient(simulator) as client:
        client.raw(99, b"")


def test_a_stub_that_does_not_decode_is_a_fault(simulator: Simulator) -> None:
    with pytest.raises(DCERPCException, match="rpc_x_bad_stub_data"), ImpacketClient(simulator) as client:
        client.raw(44, bytes(4))


def test_everybody_may_ask_for_the_version(simulator: Simulator) -> None:
    with ImpacketClient(simulator, NOBODY) as client:
        assert client.version() == (10, 0)


def test_an_account_without_rights_may_not_read(simulator: Simulator) -> None:
    with ImpacketClient(simulator, NOBODY) as client:
        assert client.get(address("10.0.0.20"))["ErrorCode"] == 5


def test_a_reader_may_not_write(simulator: Simulator) -> None:
    with ImpacketClient(simulator, READER) as client:
        assert client.create(address("10.0.0.20"), OURS, "x") == 5
    assert simulator.audit == []


def test_denied_access_is_a_fault_where_the_setting_says_so(simulator: Simulator) -> None:
    simulator.settings.access_denied = "fault"
    with pytest.raises(DCERPCException, match="access_denied"), ImpacketClient(simulator, READER) as client:
        client.create(address("10.0.0.20"), OURS, "x")


def test_the_audit_names_the_account(simulator: Simulator) -> None:
    with ImpacketClient(simulator) as client:
        client.create(address("10.0.0.20"), OURS, "x")
    assert [(each.account, each.address) for each in simulator.audit] == [(ADMINISTRATOR, "10.0.0.20")]


def test_ntlm_in_spnego_gets_in(simulator: Simulator) -> None:
    with SpnegoClient(simulator) as client:
        assert struct.unpack("<III", client.raw(28, bytes(4))) == (10, 0, 0)


def test_spnego_answers_with_a_mech_list_mic(simulator: Simulator) -> None:
    with SpnegoClient(simulator) as client:
        assert client.mech_list_mic_is_valid


def test_spnego_with_a_wrong_password_is_refused(simulator: Simulator) -> None:
    with pytest.raises(ConnectionRefusedError), SpnegoClient(simulator, password="wrong"):
        pass
    assert simulator.handshakes["refused"] == 1


def test_several_clients_are_served_at_once(simulator: Simulator) -> None:
    clients = [SpnegoClient(simulator) for _each in range(8)]
    try:
        for client in clients:
            client.__enter__()
        versions = [client.raw(28, bytes(4)) for _round in range(3) for client in clients]
    finally:
        for client in clients:
            client.__exit__(None, None, None)
    assert set(versions) == {struct.pack("<III", 10, 0, 0)}
