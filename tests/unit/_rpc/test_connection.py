# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection against the simulator as an honest server: logon, fragments, deadlines, and what errors say."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from spnego._spnego import NegState, NegTokenResp

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    AccessFault,
    BadReply,
    ConnectionLost,
    DhcpError,
    LogonFailed,
    NameNotFound,
    NoEndpoint,
    NoKerberos,
    RpcFault,
    SecurityError,
    TimedOut,
    TransportError,
    Unreachable,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, status, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import connection as module
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection
from ansible_collections.msrpc.dhcp.tests.simulator import pdu
from ansible_collections.msrpc.dhcp.tests.simulator.connection import DhcpConnection
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADMINISTRATOR,
    READER,
    Site,
    address,
    record,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.unit._rpc.conversation import (
    AUTHS,
    CREATE,
    PATIENCE,
    SUBNET,
    VERSION,
    Tap,
    ask,
    call_id,
    changed,
    creation,
    logged_on,
    lookup,
    replaced,
    version,
    with_token,
)

# A first call that fails may mean that the password is wrong (see Connection._doubt).
DOUBT = "may also be wrong"
SHORT = 0.2  # seconds of a deadline that is meant to pass


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(Site(scopes=(scope("10.0.0.0", 16),))) as running:
        yield running


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on which somebody accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield int(sock.getsockname()[1])


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true, however busy the machine is."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        threading.Event().wait(0.002)
    return condition()


# --- logon ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "username",
    [
        ADMINISTRATOR,
        ADMINISTRATOR.upper(),
        rf"EXAMPLE\{ADMINISTRATOR}",
        rf"example.com\{ADMINISTRATOR}",
        rf".\{ADMINISTRATOR}",
        f"{ADMINISTRATOR}@EXAMPLE.COM",
        f"{ADMINISTRATOR}@example",
    ],
)
@pytest.mark.parametrize("auth", AUTHS)
def test_an_account_logs_on_by_every_form_of_its_name(sim: Simulator, auth: str, username: str) -> None:
    with logged_on(sim, auth, username=username) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("password", ["", "ünï-ﬁ-𐐷", "x" * 200, " leading and trailing ", 'qu"ote\\'])
@pytest.mark.parametrize("auth", AUTHS)
def test_any_password_is_sent_as_it_is(auth: str, password: str) -> None:
    site = {"accounts": [{"username": "svc", "password": password}]}
    with Simulator(site) as sim, logged_on(sim, auth, username="svc", password=password) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_connection_tells_its_mechanism(sim: Simulator, auth: str) -> None:
    with logged_on(sim, auth) as connection:
        assert connection.mechanism == "ntlm"


@pytest.mark.parametrize(("auth", "legs"), [("ntlm", ["bind", "auth3"]), ("negotiate", ["bind", "alter_context"])])
def test_a_logon_takes_the_legs_of_its_protocol(sim: Simulator, auth: str, legs: list[str]) -> None:
    with logged_on(sim, auth) as connection:
        version(connection)
    assert {name: sim.handshakes[name] for name in ("bind", "auth3", "alter_context")} == {
        name: int(name in legs) for name in ("bind", "auth3", "alter_context")
    }


@pytest.mark.parametrize("auth", AUTHS)
def test_the_proof_of_the_password_carries_a_mic(sim: Simulator, auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    real = DhcpConnection._execute

    def spy(self: DhcpConnection, request: Any, *others: Any) -> Any:
        seen.append(request.logon)
        return real(self, request, *others)

    monkeypatch.setattr(DhcpConnection, "_execute", spy)
    with logged_on(sim, auth) as connection:
        version(connection)
    assert getattr(seen[0].acceptor, "mechanism", seen[0].acceptor).has_mic


def test_the_password_never_travels(sim: Simulator) -> None:
    password = "Canary-Pa55"
    site = {"accounts": [{"username": "svc", "password": password}]}
    with Simulator(site) as other, Tap(other.port) as tap:
        with logged_on(sim, username="svc", password=password, port=tap.port) as connection:
            version(connection)
        sent = b"".join(tap.sent)
    assert password.encode() not in sent
    assert password.encode("utf-16-le") not in sent


@pytest.mark.parametrize("auth", AUTHS)
def test_requests_are_sealed(sim: Simulator, auth: str) -> None:
    with Tap(sim.port) as tap:
        with logged_on(sim, auth, port=tap.port) as connection:
            assert ask(connection, creation("10.0.0.20", comment="a comment")).Return == 0
        requests = [each for each in tap.sent if each[2] == pdu.REQUEST]
    assert requests
    assert "comment".encode("utf-16-le") not in b"".join(requests)


def test_kerberos_without_a_name_is_refused_before_the_server_is_asked(sim: Simulator) -> None:
    with pytest.raises(NoKerberos, match=r"127\.0\.0\.1 is an address|pip install"):
        logged_on(sim, "kerberos")
    assert not sim.handshakes


# --- addresses and ports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["fixed", "mapped"])
def test_an_ipv4_address_is_enough(sim: Simulator, port: str) -> None:
    with logged_on(sim, port=sim.port if port == "fixed" else None) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.skipif(not has_ipv6(), reason="environment: this machine has no IPv6 loopback")
@pytest.mark.parametrize("port", ["fixed", "mapped"])
@pytest.mark.parametrize("auth", AUTHS)
def test_an_ipv6_address_is_enough(auth: str, port: str) -> None:
    with Simulator(host="::1") as sim, logged_on(sim, auth, port=sim.port if port == "fixed" else None) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("port", ["fixed", "mapped"])
def test_a_host_name_is_enough(sim: Simulator, port: str) -> None:
    with logged_on(sim, server="localhost", port=sim.port if port == "fixed" else None) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("port", ["fixed", "mapped"])
def test_of_several_addresses_the_one_that_answers_is_taken(
    sim: Simulator, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", several_addresses)
    with logged_on(sim, server="dhcp1.example.com", port=sim.port if port == "fixed" else None) as connection:
        assert version(connection) == (10, 0)


def several_addresses(*_arguments: Any, **_options: Any) -> list[Any]:
    """A resolver's answer: two addresses on which nobody listens, and the right one."""
    known = [
        (socket.AF_INET6, ("::1", 0, 0, 0)),
        (socket.AF_INET, ("127.0.0.2", 0)),
        (socket.AF_INET, ("127.0.0.1", 0)),
    ]
    return [(family, socket.SOCK_STREAM, 6, "", where) for family, where in known]


def test_the_address_that_knows_the_endpoint_is_asked_first(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service on the same port of another of the name's addresses would be somebody else."""
    monkeypatch.setattr(socket, "getaddrinfo", several_addresses)
    with (
        socket.create_server(("127.0.0.2", sim.port)),
        logged_on(sim, server="dhcp1.example.com", port=None) as connection,
    ):
        assert version(connection) == (10, 0)


@pytest.mark.parametrize(("port", "questions"), [("fixed", 0), ("mapped", 1)])
def test_the_endpoint_mapper_is_asked_only_without_a_port(sim: Simulator, port: str, questions: int) -> None:
    with logged_on(sim, port=sim.port if port == "fixed" else None):
        assert sim.handshakes["ept_map"] == questions


def test_no_connection_to_the_endpoint_mapper_is_kept(sim: Simulator) -> None:
    with logged_on(sim, port=None) as connection:
        version(connection)
        assert eventually(lambda: sim.connections == 1)


def test_both_interfaces_share_one_connection_and_one_logon(sim: Simulator) -> None:
    with logged_on(sim, "negotiate") as connection:
        first = ask(connection, calls.R_DhcpEnumSubnets())
        second = ask(
            connection,
            calls.R_DhcpEnumSubnetElementsV5(SubnetAddress=SUBNET, EnumElementType=structs.ELEMENT_RANGES),
        )
        assert sim.connections == 1
    assert first.EnumInfo == (SUBNET,)
    assert second.EnumElementInfo is not None
    assert sim.handshakes == {"bind": 1, "alter_context": 1, "authenticate": 1, "logon": 1}


def test_small_packets_are_not_held_back(sim: Simulator) -> None:
    with logged_on(sim) as connection:
        assert connection._channel._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# --- fragments --------------------------------------------------------------------------------------------------------

# A fragment of 5840 octets has room for 5792 octets of stub: headers, trailer and signature take 48.
ROOM = 5792


@pytest.mark.parametrize("size", [ROOM - 4, ROOM, ROOM + 4, 2 * ROOM, 2 * ROOM + 4, 100_000])
@pytest.mark.parametrize("auth", AUTHS)
def test_a_request_of_any_size_arrives(sim: Simulator, auth: str, size: int) -> None:
    request = calls.R_DhcpGetVersion(ServerIpAddress="x" * ((size - 16) // 2 - 1))
    assert len(request.pack()) == size
    with logged_on(sim, auth) as connection:
        assert ask(connection, request).Return == 0
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_large_write_is_stored_whole(sim: Simulator, auth: str) -> None:
    comment = "".join(chr(0x4E00 + number % 5000) for number in range(20_000))
    with logged_on(sim, auth) as connection:
        assert ask(connection, creation("10.0.0.20", comment=comment)).Return == 0
        assert ask(connection, lookup("10.0.0.20")).ClientInfo.ClientComment == comment


@pytest.mark.parametrize(("offered", "largest"), [(1432, 1432), (4280, 4280), (5840, 5840), (65528, 5840)])
def test_no_fragment_is_larger_than_both_sides_take(sim: Simulator, offered: int, largest: int) -> None:
    sim.settings.max_fragment = offered
    request = calls.R_DhcpGetVersion(ServerIpAddress="x" * 10_000)
    with Tap(sim.port) as tap:
        with logged_on(sim, port=tap.port) as connection:
            assert ask(connection, request).Return == 0
        sizes = [len(each) for each in tap.sent if each[2] == pdu.REQUEST]
    assert largest - 16 < max(sizes) <= largest


def test_the_fragments_of_a_request_are_marked_and_counted(sim: Simulator) -> None:
    request = calls.R_DhcpGetVersion(ServerIpAddress="x" * 7_000)
    with Tap(sim.port) as tap:
        with logged_on(sim, port=tap.port) as connection:
            assert ask(connection, request).Return == 0
        fragments = [each for each in tap.sent if each[2] == pdu.REQUEST]
    hints = [int.from_bytes(each[16:20], "little") for each in fragments]
    assert [each[3] for each in fragments] == [pdu.FIRST, 0, pdu.LAST]
    assert hints == [len(request.pack()) - ROOM * index for index in range(3)]


@pytest.mark.parametrize("auth", AUTHS)
def test_an_empty_stub_is_a_request(sim: Simulator, auth: str) -> None:
    with logged_on(sim, auth) as connection, pytest.raises(RpcFault, match="0x000006f7"):
        connection.call(calls.R_DhcpGetVersion.INTERFACE, 28, b"", label=VERSION)


@pytest.mark.parametrize("torn", ["segments", "fragments"])
@pytest.mark.parametrize("auth", AUTHS)
def test_a_reply_in_pieces_is_put_together(sim: Simulator, auth: str, torn: str) -> None:
    sim.scope("10.0.0.0").records.put(record("10.0.0.20", "001c2580a043", name="printer"))
    sim.faults.add("R_DhcpGetClientInfoVQ", torn=torn)
    with logged_on(sim, auth) as connection:
        assert ask(connection, lookup("10.0.0.20")).ClientInfo.ClientName == "printer"
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("auth", AUTHS)
def test_a_logon_in_pieces_is_put_together(sim: Simulator, auth: str) -> None:
    for name in ("bind", "alter_context", "ept_bind", "ept_map"):
        sim.faults.add(name, torn="segments")
    with logged_on(sim, auth, port=None) as connection:
        assert version(connection) == (10, 0)


@pytest.mark.parametrize("auth", AUTHS)
def test_pages_of_64_kib_arrive_in_many_fragments(auth: str) -> None:
    base = address("10.0.0.0")
    records = tuple(record(base + number, number.to_bytes(6), name=f"client-{number:05}") for number in range(10, 2000))
    with Simulator(Site(scopes=(scope("10.0.0.0", 16, records=records),))) as sim, logged_on(sim, auth) as connection:
        sizes, found, handle, code = [], [], 0, status.MORE_DATA
        while code == status.MORE_DATA:
            page = calls.R_DhcpEnumSubnetClientsVQ(SubnetAddress=base, ResumeHandle=handle, PreferredMaximum=65536)
            stub = connection.call(page.INTERFACE, page.OPNUM, page.pack(), label=page.name)
            reply = page.Reply.unpack(stub)
            sizes.append(len(stub))
            found += [each.ClientName for each in reply.ClientInfo or () if each is not None]
            handle, code = reply.ResumeHandle, reply.Return
    assert found == [each.name for each in records]
    assert len(sizes) > 3
    assert min(sizes[:-1]) > 9 * ROOM


# --- deadlines --------------------------------------------------------------------------------------------------------


def test_a_peer_that_accepts_and_stays_silent_does_not_outlast_the_deadline(sim: Simulator, silent_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match=rf"Binding to 127\.0\.0\.1 port {silent_port}: .*raise connect_timeout"):
        logged_on(sim, port=silent_port, connect_timeout=SHORT)
    assert time.monotonic() - began < PATIENCE / 2


def test_a_silent_endpoint_mapper_does_not_outlast_the_deadline(sim: Simulator, silent_port: int) -> None:
    with pytest.raises(TimedOut, match=rf"endpoint mapper at 127\.0\.0\.1 port {silent_port}.*raise connect_timeout"):
        logged_on(sim, port=None, endpoint_mapper_port=silent_port, connect_timeout=SHORT)


@contextlib.contextmanager
def unanswered(host: str, port: int) -> Iterator[int]:
    """A port on which no connection is answered, since the queue of those that wait to be accepted is full."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server((host, port), backlog=0))
        for _each in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield int(full.getsockname()[1])


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0)) for host in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: known)
    with unanswered("127.0.0.2", sim.port), logged_on(sim, server="dhcp1.example.com", connect_timeout=1) as connection:
        assert version(connection) == (10, 0)


def test_a_peer_that_does_not_accept_does_not_outlast_the_deadline(sim: Simulator) -> None:
    began = time.monotonic()
    with unanswered("127.0.0.1", 0) as port, pytest.raises(TimedOut, match="raise connect_timeout"):
        logged_on(sim, port=port, connect_timeout=SHORT)
    assert time.monotonic() - began < PATIENCE / 2


@pytest.mark.parametrize("leg", ["ept_bind", "ept_map", "bind", "alter_context"])
def test_silence_at_any_leg_of_the_logon_does_not_outlast_the_deadline(sim: Simulator, leg: str) -> None:
    sim.faults.add(leg, silent="before")
    with pytest.raises(TimedOut):
        logged_on(sim, "negotiate", port=None, connect_timeout=SHORT)
    sim.faults.clear()
    with logged_on(sim, "negotiate", port=None) as connection:
        assert version(connection) == (10, 0)


def test_all_legs_of_the_logon_share_one_deadline(sim: Simulator) -> None:
    for leg in ("ept_bind", "ept_map", "bind", "alter_context"):
        sim.faults.add(leg, delay=0.2)
    with pytest.raises(TimedOut, match=r"no complete answer within 0\.5 s"):
        logged_on(sim, "negotiate", port=None, connect_timeout=0.5)


@pytest.mark.parametrize("silent", ["before", "after"])
def test_a_call_without_answer_does_not_outlast_the_deadline(sim: Simulator, silent: str) -> None:
    sim.faults.add(VERSION, silent=silent)
    with logged_on(sim, request_timeout=SHORT) as connection:
        with pytest.raises(TimedOut, match=rf"R_DhcpGetVersion on 127\.0\.0\.1 port {sim.port}: .*request_timeout"):
            version(connection)
        assert connection.broken


def test_an_answer_that_comes_too_late_is_not_waited_for(sim: Simulator) -> None:
    sim.faults.add(VERSION, delay=5)
    began = time.monotonic()
    with logged_on(sim, request_timeout=SHORT) as connection, pytest.raises(TimedOut):
        version(connection)
    assert time.monotonic() - began < 4


def test_an_answer_within_the_deadline_is_waited_for(sim: Simulator) -> None:
    sim.faults.add(VERSION, delay=0.1)
    with logged_on(sim) as connection:
        assert version(connection) == (10, 0)


def test_a_sender_of_single_octets_does_not_outlast_the_deadline(sim: Simulator) -> None:
    sim.faults.add(VERSION, torn="slow")  # more than 0.7 s for the whole reply
    with logged_on(sim, request_timeout=SHORT) as connection:
        with pytest.raises(TimedOut):
            version(connection)
        assert connection.broken


def test_a_reply_that_stops_in_the_middle_does_not_outlast_the_deadline(sim: Simulator) -> None:
    with (
        Tap(sim.port, replaced(pdu.RESPONSE, lambda data: data[:-1])) as tap,
        logged_on(sim, port=tap.port, request_timeout=SHORT) as connection,
        pytest.raises(TimedOut),
    ):
        version(connection)


def test_a_reply_without_its_last_fragment_does_not_outlast_the_deadline(sim: Simulator) -> None:
    sim.faults.add(CREATE, torn="fragments")
    with (
        Tap(sim.port, lambda data: b"" if data[2] == pdu.RESPONSE and data[3] & pdu.LAST else data) as tap,
        logged_on(sim, port=tap.port, request_timeout=SHORT) as connection,
        pytest.raises(TimedOut),
    ):
        ask(connection, creation("10.0.0.20"))


def test_a_server_that_reads_nothing_does_not_outlast_the_deadline(sim: Simulator) -> None:
    """The request is larger than what the sockets between the two hold."""
    with logged_on(sim, request_timeout=1) as connection:
        connection._channel._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for each in tuple(sim._server.connections):
            sim._loop.call_soon_threadsafe(each.transport.pause_reading)
        with pytest.raises(TimedOut):
            connection.call(calls.R_DhcpGetVersion.INTERFACE, 28, bytes(12 << 20), label=VERSION)


def test_the_deadline_of_a_call_begins_with_the_call(sim: Simulator) -> None:
    for _each in range(4):
        sim.faults.add(VERSION, times=None, delay=0.1)
    with logged_on(sim, connect_timeout=0.3, request_timeout=0.3) as connection:
        assert [version(connection) for _each in range(4)] == [(10, 0)] * 4


# --- size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", AUTHS)
def test_a_reply_without_end_is_not_read_to_the_end(sim: Simulator, auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REPLY", 1 << 20)
    sim.faults.forge("endless")
    with logged_on(sim, auth) as connection:
        with pytest.raises(BadReply, match=f"R_DhcpGetVersion on .*: the reply is larger than {1 << 20} bytes"):
            version(connection)
        assert connection.broken


def test_the_limit_is_64_mib() -> None:
    assert module.MAX_REPLY == 64 * 1024 * 1024


@pytest.mark.parametrize(("limit", "taken"), [(12, True), (11, False)])
def test_a_reply_may_be_as_large_as_the_limit(
    sim: Simulator, limit: int, *, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_REPLY", limit)
    outcome = contextlib.nullcontext() if taken else pytest.raises(BadReply, match="larger than 11 bytes")
    with outcome, logged_on(sim) as connection:
        assert version(connection) == (10, 0)


# --- errors -----------------------------------------------------------------------------------------------------------


def test_a_refused_connection_is_told(sim: Simulator, closed_port: int) -> None:
    with pytest.raises(
        Unreachable, match=rf"127\.0\.0\.1 port {closed_port}: cannot connect \(127\.0\.0\.1: .*refused"
    ):
        logged_on(sim, port=closed_port)


def test_a_refused_connection_to_the_endpoint_mapper_is_told(sim: Simulator, closed_port: int) -> None:
    with pytest.raises(Unreachable, match=rf"endpoint mapper at 127\.0\.0\.1 port {closed_port}: cannot connect"):
        logged_on(sim, port=None, endpoint_mapper_port=closed_port)


def test_a_name_that_does_not_exist_is_told(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NameNotFound, match=r"'dhcp9\.example\.com' does not resolve: Name or service not known"):
        logged_on(sim, server="dhcp9.example.com")


def test_a_server_without_dhcp_is_told(sim: Simulator) -> None:
    sim.faults.forge("endpoint_none")
    with pytest.raises(NoEndpoint, match=rf"127\.0\.0\.1 port {sim.endpoint_mapper_port} knows no dhcpsrv"):
        logged_on(sim, port=None)


def test_the_port_of_another_rpc_service_is_told(sim: Simulator) -> None:
    with pytest.raises(
        NoEndpoint, match=rf"port {sim.endpoint_mapper_port}: the server has no interface dhcpsrv there"
    ):
        logged_on(sim, port=sim.endpoint_mapper_port)


def test_a_refused_bind_is_told(sim: Simulator) -> None:
    sim.faults.forge("bind_nak")
    with pytest.raises(NoEndpoint, match=r"refuses the connection \(bind_nak, reason 0\)"):
        logged_on(sim)


@pytest.mark.parametrize(
    "account", [{"password": "Wrong-1"}, {"username": "mallory"}, {"username": r"OTHER\dhcp-admin"}]
)
def test_a_negotiate_logon_that_fails_is_told_at_once(sim: Simulator, account: dict[str, str]) -> None:
    with pytest.raises(LogonFailed, match=r"did not accept the logon of .* by NTLM in SPNEGO .*Check user name"):
        logged_on(sim, "negotiate", **account)
    assert sim.handshakes["refused"] == 1


@pytest.mark.parametrize(
    "account", [{"password": "Wrong-1"}, {"username": "mallory"}, {"username": r"OTHER\dhcp-admin"}]
)
def test_an_ntlm_logon_that_fails_is_told_at_the_first_call(sim: Simulator, account: dict[str, str]) -> None:
    with logged_on(sim, "ntlm", **account) as connection, pytest.raises(AccessFault, match=DOUBT) as caught:
        version(connection)
    assert caught.value.code == 5
    assert sim.counters[VERSION] == 0


@pytest.mark.parametrize("code", [1326, 1825, 0x8009030C, 0xC000006D])
def test_a_first_call_that_says_that_the_logon_failed_is_a_failed_logon(sim: Simulator, code: int) -> None:
    sim.faults.add(VERSION, fault=code)
    with logged_on(sim, "ntlm") as connection, pytest.raises(LogonFailed, match=f"0x{code:08x}"):
        version(connection)


@pytest.mark.parametrize("code", [1326, 1825, 0x8009030C, 0xC000006D])
def test_a_later_call_that_says_so_is_a_fault(sim: Simulator, code: int) -> None:
    sim.faults.add(VERSION, nth=2, fault=code)
    with logged_on(sim, "ntlm") as connection:
        version(connection)
        with pytest.raises(RpcFault):
            version(connection)


def test_after_a_negotiate_logon_a_first_call_that_says_so_is_a_fault(sim: Simulator) -> None:
    sim.faults.add(VERSION, fault=1326)
    with logged_on(sim, "negotiate") as connection, pytest.raises(RpcFault):
        version(connection)


def nak(data: bytes) -> bytes:
    return pdu.bind_nak(call_id=call_id(data), reason=9)


def test_a_bind_nak_to_the_first_call_is_a_failed_logon(sim: Simulator) -> None:
    with (
        Tap(sim.port, replaced(pdu.RESPONSE, nak)) as tap,
        logged_on(sim, "ntlm", port=tap.port) as connection,
        pytest.raises(LogonFailed, match="bind_nak, reason 9"),
    ):
        version(connection)


def test_a_bind_nak_to_a_later_call_is_no_reply(sim: Simulator) -> None:
    answers = iter((bytes, nak))

    def changed_later(data: bytes) -> bytes:
        return next(answers)(data)

    with (
        Tap(sim.port, replaced(pdu.RESPONSE, changed_later)) as tap,
        logged_on(sim, "ntlm", port=tap.port) as connection,
    ):
        version(connection)
        with pytest.raises(BadReply, match="message of type 13"):
            version(connection)


@pytest.mark.parametrize("reason", [8, 9])
def test_a_bind_nak_about_the_logon_is_a_failed_logon(sim: Simulator, reason: int) -> None:
    edit = replaced(pdu.BIND_ACK, lambda data: pdu.bind_nak(call_id=call_id(data), reason=reason))
    with Tap(sim.port, edit) as tap, pytest.raises(LogonFailed, match="bind_nak: it"):
        logged_on(sim, port=tap.port)


@pytest.mark.parametrize(
    ("code", "kind"), [(5, AccessFault), (0x1C01000B, RpcFault), (1326, LogonFailed), (0xC000006D, LogonFailed)]
)
def test_a_fault_to_the_bind_is_told(sim: Simulator, code: int, kind: type[DhcpError]) -> None:
    edit = replaced(pdu.BIND_ACK, lambda data: pdu.fault(code, call_id=call_id(data)))
    with Tap(sim.port, edit) as tap, pytest.raises(kind, match=f"0x{code:08x}") as caught:
        logged_on(sim, port=tap.port)
    assert caught.value.__class__ is kind
    fault = caught.value if isinstance(caught.value, RpcFault) else caught.value.__cause__
    assert isinstance(fault, RpcFault)
    assert (fault.code, fault.call) == (code, "bind")


@pytest.mark.parametrize(
    "answer",
    [lambda data: pdu.fault(0x1C01000B, call_id=call_id(data)), nak, lambda data: pdu.bind_nak(call_id=call_id(data))],
    ids=["fault", "bind_nak 9", "bind_nak 0"],
)
def test_any_refusal_of_the_last_leg_is_a_failed_logon(sim: Simulator, answer: Callable[[bytes], bytes]) -> None:
    with Tap(sim.port, replaced(pdu.ALTER_CONTEXT_RESP, answer)) as tap, pytest.raises(LogonFailed):
        logged_on(sim, "negotiate", port=tap.port)


@pytest.mark.parametrize("kind", [pdu.BIND_ACK, pdu.ALTER_CONTEXT_RESP])
def test_a_token_that_says_reject_is_a_failed_logon(sim: Simulator, kind: int) -> None:
    reject = NegTokenResp(NegState.reject).pack()
    with (
        Tap(sim.port, replaced(kind, lambda data: with_token(data, reject))) as tap,
        pytest.raises(LogonFailed, match=rf"127\.0\.0\.1 port {tap.port} did not accept the logon of 'dhcp-admin'"),
    ):
        logged_on(sim, "negotiate", port=tap.port)


def test_a_connection_closed_on_the_proof_of_the_password_is_a_failed_logon(sim: Simulator) -> None:
    sim.faults.add("alter_context", drop="before")
    with pytest.raises(LogonFailed, match="it closed the connection"):
        logged_on(sim, "negotiate")


def test_a_connection_closed_on_the_bind_is_lost(sim: Simulator) -> None:
    sim.faults.add("bind", drop="before")
    with pytest.raises(ConnectionLost, match=f"Binding to .* port {sim.port}: the server closed the connection"):
        logged_on(sim, "negotiate")


def test_access_denied_as_a_status_is_told(sim: Simulator) -> None:
    with logged_on(sim, username=READER) as connection:
        reply = ask(connection, creation("10.0.0.20"))
        with pytest.raises(status.AccessDenied, match=rf"{CREATE} answered 5 \(ERROR_ACCESS_DENIED\)"):
            status.raise_for(reply.Return, CREATE)
        assert not connection.broken


@pytest.mark.parametrize("auth", AUTHS)
def test_access_denied_as_a_fault_is_told(sim: Simulator, auth: str) -> None:
    sim.settings.access_denied = "fault"
    with logged_on(sim, auth, username=READER) as connection:
        version(connection)
        with pytest.raises(AccessFault, match="'dhcp-reader' may lack the right to this call") as caught:
            ask(connection, creation("10.0.0.20"))
    assert caught.value.code == 5
    assert DOUBT not in str(caught.value)


@pytest.mark.parametrize(("auth", "doubted"), [("ntlm", True), ("negotiate", False)])
def test_a_first_call_that_is_denied_casts_doubt_on_an_ntlm_logon_alone(
    sim: Simulator, auth: str, *, doubted: bool
) -> None:
    sim.faults.add(VERSION, fault=5)
    with logged_on(sim, auth) as connection, pytest.raises(AccessFault) as caught:
        version(connection)
    assert (DOUBT in str(caught.value)) is doubted


@pytest.mark.parametrize(("auth", "doubted"), [("ntlm", True), ("negotiate", False)])
def test_a_connection_lost_at_the_first_call_casts_doubt_on_an_ntlm_logon_alone(
    sim: Simulator, auth: str, *, doubted: bool
) -> None:
    sim.faults.add(VERSION, drop="before")
    with logged_on(sim, auth) as connection, pytest.raises(ConnectionLost) as caught:
        version(connection)
    assert (DOUBT in str(caught.value)) is doubted


def test_another_fault_is_told_with_its_name(sim: Simulator) -> None:
    sim.faults.add(VERSION, fault=0x1C010002)
    with logged_on(sim) as connection, pytest.raises(RpcFault, match=r"0x1c010002 \(nca_s_op_rng_error\)") as caught:
        version(connection)
    assert (caught.value.code, type(caught.value)) == (0x1C010002, RpcFault)
    assert (caught.value.name, caught.value.call) == ("nca_s_op_rng_error", VERSION)


def test_a_fault_without_a_name_is_told_with_its_number(sim: Simulator) -> None:
    sim.faults.add(VERSION, fault=0x0BADC0DE)
    with logged_on(sim) as connection, pytest.raises(RpcFault, match=r"0x0badc0de \(a status unknown here\)"):
        version(connection)


def test_a_fault_says_that_it_proves_nothing(sim: Simulator) -> None:
    sim.faults.add(CREATE, fault_after=0x1C010002)
    with logged_on(sim) as connection, pytest.raises(RpcFault, match="only reading tells"):
        ask(connection, creation("10.0.0.20"))
    assert len(sim.audit) == 1


# --- after an error ---------------------------------------------------------------------------------------------------

TROUBLES: dict[str, tuple[dict[str, Any], type[DhcpError]]] = {
    "fault": ({"fault": 0x1C010002}, RpcFault),
    "access denied": ({"fault": 5}, AccessFault),
    "dropped before": ({"drop": "before"}, ConnectionLost),
    "dropped after": ({"drop": "after"}, ConnectionLost),
    "truncated": ({"torn": "truncated"}, ConnectionLost),
    "silent": ({"silent": "after"}, TimedOut),
    "slow": ({"torn": "slow"}, TimedOut),
    "wrong signature": ({"forge": ("wrong_signature",)}, SecurityError),
    "wrong call id": ({"forge": ("wrong_call_id",)}, BadReply),
    "big-endian": ({"forge": ("big_endian",)}, BadReply),
}


@pytest.mark.parametrize(("recipe", "kind"), TROUBLES.values(), ids=TROUBLES)
def test_after_any_error_a_connection_is_broken_and_not_used_again(
    sim: Simulator, recipe: dict[str, Any], kind: type[DhcpError]
) -> None:
    sim.faults.add(CREATE, **recipe)
    with logged_on(sim, request_timeout=SHORT) as connection:
        with pytest.raises(kind):
            ask(connection, creation("10.0.0.20"))
        assert connection.broken
        assert connection._channel._socket.fileno() == -1
        with pytest.raises(ConnectionLost, match=r"not sent, because the connection is closed\. Run the task"):
            version(connection)
    assert sim.counters[VERSION] == 0


@pytest.mark.parametrize(("recipe", "kind"), TROUBLES.values(), ids=TROUBLES)
def test_a_write_is_sent_once_whatever_becomes_of_it(
    sim: Simulator, recipe: dict[str, Any], kind: type[DhcpError]
) -> None:
    sim.faults.add(CREATE, **recipe)
    with logged_on(sim, request_timeout=SHORT) as connection, pytest.raises(kind):
        ask(connection, creation("10.0.0.20"))
    with logged_on(sim) as connection:
        version(connection)
    assert sim.counters[CREATE] == 1


@pytest.mark.parametrize("leg", ["ept_bind", "ept_map", "bind", "alter_context"])
def test_a_logon_that_fails_leaves_no_connection_open(sim: Simulator, leg: str) -> None:
    sim.faults.add(leg, silent="before")
    with pytest.raises(TimedOut):
        logged_on(sim, "negotiate", port=None, connect_timeout=SHORT)
    assert eventually(lambda: sim.connections == 0)


def test_a_call_that_succeeds_leaves_the_connection_whole(sim: Simulator) -> None:
    with logged_on(sim) as connection:
        version(connection)
        assert not connection.broken


def test_a_closed_connection_is_broken(sim: Simulator) -> None:
    connection = logged_on(sim)
    connection.close()
    connection.close()
    assert connection.broken
    assert eventually(lambda: sim.connections == 0)


def test_leaving_the_block_closes_the_connection(sim: Simulator) -> None:
    with logged_on(sim) as connection:
        pass
    assert connection.broken
    assert eventually(lambda: sim.connections == 0)


def test_a_status_is_no_error_of_the_connection(sim: Simulator) -> None:
    with logged_on(sim) as connection:
        assert ask(connection, lookup("10.0.0.20")).Return == 20013
        assert ask(connection, creation("10.0.0.20")).Return == 0


def test_a_server_that_went_away_is_told(sim: Simulator) -> None:
    with logged_on(sim) as connection:
        version(connection)
        for each in tuple(sim._server.connections):
            sim._loop.call_soon_threadsafe(each.drop)
        assert select.select([connection._channel._socket], [], [], PATIENCE)[0]
        with pytest.raises(ConnectionLost, match=rf"{VERSION} on .* the server closed the connection"):
            version(connection)


# --- several connections ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", AUTHS)
def test_two_threads_with_a_connection_each_do_not_disturb_each_other(sim: Simulator, auth: str) -> None:
    start = threading.Barrier(2, timeout=PATIENCE)

    def create(network: int) -> list[str | None]:
        with logged_on(sim, auth) as connection:
            start.wait()
            for number in range(1, 41):
                where, identifier = f"10.0.{network}.{number}", bytes((network, number, 0, 0, 0, 0))
                comment = f"{network}-{number}"
                assert ask(connection, creation(where, identifier=identifier, comment=comment)).Return == 0
            return [
                ask(connection, lookup(f"10.0.{network}.{number}")).ClientInfo.ClientComment for number in range(1, 41)
            ]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(create, (1, 2)))
    assert found == [[f"{network}-{number}" for number in range(1, 41)] for network in (1, 2)]


def test_a_connection_that_breaks_leaves_another_one_alone(sim: Simulator) -> None:
    with logged_on(sim) as first, logged_on(sim) as second:
        sim.faults.add(CREATE, drop="before")
        with pytest.raises(ConnectionLost):
            ask(first, creation("10.0.0.20"))
        assert version(second) == (10, 0)


# --- what the messages say --------------------------------------------------------------------------------------------

CANARY = "Canary-Pa55"
REMEDIES = (
    ". Check ",
    "? Check ",
    "or raise ",
    "set port",
    "may lack the right",
    "event log",
    "only reading tells",
    "Run the task again",
)


def failing_call(**recipe: Any) -> Callable[[Simulator, str], None]:
    def run(sim: Simulator, auth: str) -> None:
        sim.faults.add(VERSION, **recipe)
        with canary(sim, auth, request_timeout=SHORT) as connection:
            version(connection)

    return run


def failing_logon(*forgeries: str, **where: Any) -> Callable[[Simulator, str], None]:
    def run(sim: Simulator, auth: str) -> None:
        sim.faults.forge(*forgeries)
        with canary(sim, auth, **where) as connection:
            version(connection)

    return run


def canary(sim: Simulator, auth: str, **options: Any) -> Connection:
    return logged_on(sim, auth, **{"username": "svc", "password": CANARY} | options)


FAILURES: dict[str, Callable[[Simulator, str], None]] = {
    "fault": failing_call(fault=0x1C010002),
    "access denied": failing_call(fault=5),
    "logon failure": failing_call(fault=1326),
    "dropped": failing_call(drop="before"),
    "truncated": failing_call(torn="truncated"),
    "silent": failing_call(silent="before"),
    "clear reply": failing_call(forge=("clear_reply",)),
    "wrong signature": failing_call(forge=("wrong_signature",)),
    "wrong level": failing_call(forge=("wrong_level",)),
    "wrong call id": failing_call(forge=("wrong_call_id",)),
    "wrong context": failing_call(forge=("wrong_presentation_context",)),
    "wrong type": failing_call(forge=("wrong_packet_type",)),
    "fragments swapped": failing_call(forge=("fragments_swapped",)),
    "short verifier": failing_call(forge=("short_verifier",)),
    "big-endian": failing_call(forge=("big_endian",)),
    "wrong password": failing_logon(password=CANARY + "?"),
    "unknown account": failing_logon(username="mallory"),
    "weak challenge": failing_logon("challenge_without_seal"),
    "no password": failing_logon("no_password"),
    "no header signing": failing_logon("no_header_signing"),
    "no interface": failing_logon("context_rejected"),
    "bind_nak": failing_logon("bind_nak"),
    "no endpoint": failing_logon("endpoint_none", port=None),
    "endpoint 0": failing_logon("endpoint_port_0", port=None),
    "refused": failing_logon(port=1),
    "endpoint mapper refused": failing_logon(port=None, endpoint_mapper_port=1),
}


@pytest.fixture(scope="module")
def failures() -> dict[tuple[str, str], tuple[DhcpError, int, int]]:
    """What each failure raised, and the ports of the server that it failed at."""
    raised = {}
    for name, run in FAILURES.items():
        for auth in AUTHS:
            with Simulator({"accounts": [{"username": "svc", "password": CANARY}]}) as sim:
                with pytest.raises(DhcpError) as caught:
                    run(sim, auth)
                raised[name, auth] = (caught.value, sim.port, sim.endpoint_mapper_port)
    return raised


@pytest.fixture(params=[(name, auth) for name in FAILURES for auth in AUTHS], ids="-".join)
def failure(request: pytest.FixtureRequest, failures: dict[Any, Any]) -> Any:
    return failures[request.param]


def test_a_message_names_server_and_port(failure: tuple[DhcpError, int, int]) -> None:
    error, port, mapper = failure
    assert any(f"127.0.0.1 port {number}" in str(error) for number in (port, mapper, 1))


def test_a_message_names_a_remedy(failure: tuple[DhcpError, int, int]) -> None:
    assert any(remedy in str(failure[0]) for remedy in REMEDIES)


def test_a_message_is_a_sentence(failure: tuple[DhcpError, int, int]) -> None:
    text = str(failure[0])
    assert text.endswith(".")
    assert not {"..", " .", "  ", "None", "\n"} & {
        text[at : at + size] for size in (1, 2, 4) for at in range(len(text))
    }


def test_a_message_never_names_the_password(failure: tuple[DhcpError, int, int]) -> None:
    assert CANARY not in "".join(traceback.format_exception(failure[0]))


def test_a_failed_call_is_named(failures: dict[tuple[str, str], tuple[DhcpError, int, int]]) -> None:
    """But for a failed logon, which is no matter of the call."""
    errors = [failures[name, auth][0] for name in list(FAILURES)[:15] for auth in AUTHS]
    assert all(VERSION in str(error) for error in errors if not isinstance(error, LogonFailed))


def test_every_failure_but_a_fault_is_one_of_the_transport(
    failures: dict[tuple[str, str], tuple[DhcpError, int, int]],
) -> None:
    assert all(isinstance(error, (TransportError, RpcFault)) for error, _port, _mapper in failures.values())


# --- single legs, changed on the way ----------------------------------------------------------------------------------


def test_a_tiny_fragment_size_is_refused(sim: Simulator) -> None:
    sim.settings.max_fragment = 100
    with pytest.raises(BadReply, match="takes messages of 100 bytes only"):
        logged_on(sim)


def test_a_fragment_size_that_has_room_for_stub_is_used(sim: Simulator) -> None:
    sim.settings.max_fragment = 136
    with logged_on(sim) as connection:
        assert ask(connection, creation("10.0.0.20", comment="x" * 500)).Return == 0


@pytest.mark.parametrize("kind", [pdu.BIND_ACK, pdu.ALTER_CONTEXT_RESP])
def test_another_type_of_answer_is_refused(sim: Simulator, kind: int) -> None:
    with (
        Tap(sim.port, changed(kind, 2, pdu.RESPONSE)) as tap,
        pytest.raises(BadReply, match=f"message of type 2 instead of type {kind}"),
    ):
        logged_on(sim, "negotiate", port=tap.port)


@pytest.mark.parametrize("kind", [pdu.BIND_ACK, pdu.ALTER_CONTEXT_RESP])
def test_an_answer_to_another_call_is_refused(sim: Simulator, kind: int) -> None:
    with (
        Tap(sim.port, changed(kind, 12, 77)) as tap,
        pytest.raises(BadReply, match="belongs to call 77"),
    ):
        logged_on(sim, "negotiate", port=tap.port)


@pytest.mark.parametrize("kind", [pdu.BIND_ACK, pdu.ALTER_CONTEXT_RESP])
@pytest.mark.parametrize(("flags", "words"), [(pdu.FIRST, "comes in fragments"), (pdu.LAST, "not in order")])
def test_an_answer_in_fragments_is_refused(sim: Simulator, kind: int, flags: int, words: str) -> None:
    with (
        Tap(sim.port, changed(kind, 3, flags | pdu.HEADER_SIGN)) as tap,
        pytest.raises(BadReply, match=words),
    ):
        logged_on(sim, "negotiate", port=tap.port)
