# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that reads octets of a peer, as functions of octets: ``TARGETS``.

A target returns whatever it makes of its octets, or raises a ``DhcpError``; anything else that it raises is a defect.
The targets of the simulator return always: a server answers or hangs up, it does not fail.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import struct
from collections.abc import Callable, Iterator
from functools import cache, partial
from ipaddress import IPv4Address, IPv4Network
from itertools import islice
from typing import Any
from unittest.mock import patch

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.listing import Question
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import ConnectionLost, DecodeError, DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._read import find_clients, survey_scopes
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import (
    calls,
    connection,
    failover_calls,
    kerberos_errors,
    option_calls,
    pdu,
    security,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Address, Channel, Deadline
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials, SecurityContext
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.simulator import store as rules
from ansible_collections.msrpc.dhcp.tests.simulator.connection import (
    DhcpConnection,
    EndpointMapperConnection,
    Logon,
    Rpc,
)
from ansible_collections.msrpc.dhcp.tests.simulator.server import new_server
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADMINISTRATOR,
    Account,
    Site,
    record,
    reservation,
    scope,
)

Target = Callable[[bytes], object]

# What an input may cost: octets allocated at the same time, for each of its own octets and beside them.
PER_OCTET = 64
BESIDE = 128 * 1024

WHERE = Scope(network=IPv4Network("10.0.0.0/24"))
SOMEBODY = ClientId.parse_mac("00:1c:25:80:a0:43")
# A CHALLENGE with every flag that is demanded, a target name and an empty list of target information.
CHALLENGE = (
    b"NTLMSSP\0\x02\0\0\0"
    + struct.pack("<HHII", 2, 2, 56, 0xE28A8235)
    + b"nonsense"
    + bytes(8)
    + struct.pack("<HHI", 4, 4, 58)
    + bytes(8)
    + b"D\0"
    + bytes(4)
)

REPLIES: dict[str, type[calls.Reply]] = {
    name: each
    for module in (calls, option_calls, failover_calls)
    for name, each in vars(module).items()
    if inspect.isclass(each) and issubclass(each, calls.Reply) and each is not calls.Reply
}


class Wire:
    """A socket whose peer has sent these octets and hung up; what is sent to it is forgotten."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def settimeout(self, _seconds: float) -> None:
        """The peer has said everything already."""

    def recv(self, size: int) -> bytes:
        chunk, self._data = self._data[:size], self._data[size:]
        return chunk

    def sendall(self, _data: bytes) -> None:
        """Nobody listens."""

    def close(self) -> None:
        self._data = b""


def channel(data: bytes) -> Channel:
    wire: Any = Wire(data)
    return Channel(wire, "dhcp1 port 49664", Address(2, "192.0.2.1", ()))


def deadline() -> Deadline:
    return Deadline(60.0, option="request_timeout", doing="Reading from dhcp1")


# --- octets of PDUs ---------------------------------------------------------------------------------------------------


def pdus(data: bytes) -> object:
    """A stream of PDUs, each looked at in every way that the connection has."""
    stream = channel(data)
    read: list[object] = []
    looks: tuple[Callable[[pdu.Pdu], object], ...] = (
        pdu.bind_nak_reason,
        lambda each: pdu.check_contexts(pdu.parse_bind_ack(each), ["dhcpsrv", "dhcpsrv2"], "Binding"),
        lambda each: pdu.check_order(each, 1, first=True),
        lambda each: pdu.fault_status(pdu.split(each, pdu.CALL_HEADER_SIZE).body),
        lambda each: pdu.response_context(pdu.split(each, pdu.CALL_HEADER_SIZE).header),
        lambda each: pdu.check_verifier(pdu.split(each, pdu.COMMON_SIZE), security.NTLM, 1),
    )
    while True:
        try:
            message = stream.read_pdu(deadline())
        except ConnectionLost:
            return read
        read.append([_value_or_refusal(partial(look, message)) for look in looks])


def _value_or_refusal(look: Callable[[], object]) -> object:
    try:
        return look()
    except DhcpError as exc:
        return type(exc)


class Clear(SecurityContext):
    """A mechanism that hides nothing and signs nothing: what lies behind a signature can be reached with it."""

    auth_type = security.NTLM
    mechanism = "none"
    title = "nothing"
    advice = "Nothing helps."
    ends_with_auth3 = True

    def __init__(self) -> None:
        super().__init__(None)
        self.token_size = 16

    def first_leg(self) -> bytes:
        return b"first"

    def third_leg(self, token: bytes) -> bytes:
        return token

    def seal(self, header: bytes, body: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        return body, bytes(self.token_size)

    def unseal(self, header: bytes, body: bytes, trailer: bytes, token: bytes) -> bytes:
        return body


def fragments(data: bytes) -> object:
    """The fragments of a reply, or a fault, as they come out of a request; their signatures are taken for right."""
    opened = Connection(
        Endpoint(server="dhcp1"),
        channel(data),
        Clear(),
        account="'somebody'",
        contexts={DHCPSRV: 0, DHCPSRV2: 1},
        max_fragment=5840,
    )
    return opened.call(DHCPSRV, 28, b"request", label="R_DhcpGetVersion")


def logon(data: bytes) -> object:
    """All that a server says from bind_ack on, to a logon whose tokens are taken as they are."""
    return connection._Logon(channel(data), Clear(), "'somebody'", deadline()).run((DHCPSRV, DHCPSRV2))


# --- security tokens --------------------------------------------------------------------------------------------------


def _ntlm(kind: Any, auth: Any) -> SecurityContext:
    credentials = Credentials(auth=auth, username="somebody", password="secret")
    context = security._open_ntlm(credentials, "dhcp1", kind)
    context.first_leg()
    return context


def challenge(data: bytes) -> object:
    """The server's answer to NTLM's NEGOTIATE."""
    return _ntlm(security.NtlmContext, "ntlm").third_leg(data)


def spnego_answer(data: bytes) -> object:
    """The server's first answer in SPNEGO."""
    return _ntlm(security.NegotiateContext, "negotiate").third_leg(data)


def spnego_end(data: bytes) -> object:
    """The server's last answer in SPNEGO, after a challenge that was answered."""
    context = _ntlm(security.NegotiateContext, "negotiate")
    context.third_leg(spnego_challenge())
    context.last_leg(data)
    return context.token_size


class _Tickets:
    """A Kerberos library that takes every token: what comes before it and behind it can be reached with it."""

    token = b"ap-req"
    token_size = 28

    def answer(self, token: bytes) -> bytes:
        return token

    def sign(self, _data: bytes) -> bytes:
        return b"mic"

    def verify(self, _data: bytes, _mic: bytes) -> None:
        """It is right."""


def kerberos(data: bytes) -> object:
    """The server's answers to Kerberos in SPNEGO, each behind its length; the first may be a KRB-ERROR."""
    tickets: Any = _Tickets()
    context, answers = security.NegotiatedKerberosContext(tickets), stubs(data)
    context.first_leg()
    proof = context.third_leg(next(answers, b""))
    context.last_leg(next(answers, b""))
    return proof


def kerberos_refusal(data: bytes) -> object:
    """A KRB-ERROR in the place of an AP-REP."""
    return kerberos_errors.refusal(data)


@cache
def spnego_challenge(token: bytes = CHALLENGE) -> bytes:
    """The CHALLENGE in a NegTokenResp (RFC 4178 4.2.2): accept-incomplete, NTLM, the token."""
    mechanism = bytes.fromhex("a10c060a2b06010401823702020a")
    state = bytes.fromhex("a0030a0101")
    return _tlv(0xA1, _tlv(0x30, state + mechanism + _tlv(0xA2, _tlv(0x04, token))))


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    return bytes((tag, size)) + content if size < 0x80 else struct.pack(">BBH", tag, 0x82, size) + content


# --- the endpoint mapper ----------------------------------------------------------------------------------------------


class _Mapper:
    """Stands for ``Channel`` where the endpoint mapper is asked: the answer is there already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self, *_where: object) -> Channel:
        return channel(self._data)


def endpoint_mapper(data: bytes) -> object:
    """What an endpoint mapper says to bind and ept_map."""
    with patch.object(connection, "Channel", _Mapper(data)):
        return connection._ask_endpoint_mapper(Endpoint(server="dhcp1"), [], DHCPSRV, deadline())


# --- the gateway ------------------------------------------------------------------------------------------------------


class Replies:
    """A connection whose server answers with these stubs, one after the other, and then hangs up."""

    broken = False
    mechanism = "none"
    without_kerberos: str | None = None
    account = "'fuzzer'"
    server = "dhcp1.example.com"

    def __init__(self, stubs: Iterator[bytes]) -> None:
        self._stubs = stubs

    def call(self, _interface: Interface, _opnum: int, _stub: bytes, *, label: str) -> bytes:
        for stub in self._stubs:
            return stub
        raise ConnectionLost(f"{label}: the server closed the connection.")

    def close(self) -> None:
        self.broken = True


def stubs(data: bytes) -> Iterator[bytes]:
    """Stubs that follow one another, each behind its length of 16 bits; the last may be cut short."""
    while len(data) > 2:
        end = 2 + int.from_bytes(data[:2], "little")
        yield data[2:end]
        data = data[end:]


READS: tuple[Callable[[DhcpServer], object], ...] = (
    lambda server: server.scope_addresses(),
    lambda server: server.scope(WHERE.address),
    lambda server: list(server.records(WHERE)),
    lambda server: server.reservations(WHERE),
    lambda server: server.ranges(WHERE),
    lambda server: server.exclusions(WHERE),
    lambda server: server.options(WHERE, IPv4Address("10.0.0.20")),
    lambda server: server.failover(WHERE),
    lambda server: list(islice(server.free_addresses(WHERE), 5000)),
    lambda server: server.record_at(WHERE, IPv4Address("10.0.0.20")),
    lambda server: server.record_of(WHERE, SOMEBODY),
    lambda server: json.dumps(find_clients(server, Question()).found),
    lambda server: json.dumps(survey_scopes(server, None).found),
)


def gateway(data: bytes) -> object:
    """A read of the gateway or a use case, chosen by the first octet, and the replies that it gets."""
    if not data:
        return None
    with DhcpServer(partial(Replies, stubs(data[1:]))) as server:
        return READS[data[0] % len(READS)](server)


# --- the simulator ----------------------------------------------------------------------------------------------------


def _site() -> Site:
    where = scope(
        "10.0.0.0",
        records=(record("10.0.0.20", "001c2580a043", name="printer"), record("10.0.0.21", "001c2580a044")),
        reservations=(reservation("10.0.0.20", "001c2580a043"),),
    )
    return Site(scopes=(where,))


class _Transport:
    """What asyncio gives a protocol: here everything is written into the void."""

    def __init__(self) -> None:
        self.closed = False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 135) if name == "sockname" else self

    def setsockopt(self, *_option: int) -> None:
        """Nothing is sent."""

    def is_closing(self) -> bool:
        return self.closed

    def write(self, _data: bytes) -> None:
        """Nobody listens."""

    def close(self) -> None:
        self.closed = True

    abort = close


class _Acceptor:
    """The simulator's side of a logon that is over, and that hides nothing and signs nothing."""

    complete = True
    account = Account(username=ADMINISTRATOR, password="", rights="administrators")

    def step(self, token: bytes) -> bytes:
        return token

    def signature_size(self, *, seal: bool = True) -> int:
        return 16 if seal else 0

    def unwrap(self, _head: bytes, sealed: bytes, _trailer: bytes, _signature: bytes) -> bytes:
        return sealed

    def wrap(self, _head: bytes, plain: bytes, _trailer: bytes, *, seal: bool = True) -> tuple[bytes, bytes]:
        return plain, bytes(self.signature_size(seal=seal))


def simulator(data: bytes) -> object:
    """What a client sends to the simulator; it is logged on as auth_context_id 1. Returns whether that hung up."""
    protocol = DhcpConnection(new_server(_site()))
    acceptor: Any = _Acceptor()
    logon = Logon(auth_type=security.NTLM, level=pdu.PACKET_PRIVACY, context_id=1, acceptor=acceptor)
    protocol._logons[logon.context_id] = logon
    return _served(protocol, data)


def simulator_mapper(data: bytes) -> object:
    """What a client sends to the simulator's endpoint mapper."""
    return _served(EndpointMapperConnection(new_server(_site())), data)


def _served(protocol: Rpc, data: bytes) -> bool:
    transport: Any = _Transport()

    async def serve() -> None:
        protocol.connection_made(transport)
        protocol.data_received(data)

    _loop().run_until_complete(serve())
    return bool(transport.closed)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def requests(data: bytes) -> object:
    """Requests to the simulator's database: an octet that chooses the call, then its stub behind its length."""
    kinds = list(rules.CALLS.values())
    database = new_server(_site()).store
    answers = []
    while len(data) > 3:
        end = 3 + int.from_bytes(data[1:3], "little")
        try:
            call = kinds[data[0] % len(kinds)].unpack(data[3:end])
        except DecodeError as exc:
            answers.append(str(exc))
        else:
            answers.append(database.execute(call).pack().hex())
        data = data[end:]
    return answers


TARGETS: dict[str, Target] = {
    **{name: reply.unpack for name, reply in REPLIES.items()},
    "challenge": challenge,
    "endpoint_mapper": endpoint_mapper,
    "fragments": fragments,
    "gateway": gateway,
    "kerberos": kerberos,
    "kerberos_refusal": kerberos_refusal,
    "logon": logon,
    "pdus": pdus,
    "requests": requests,
    "simulator": simulator,
    "simulator_mapper": simulator_mapper,
    "spnego_answer": spnego_answer,
    "spnego_end": spnego_end,
}
# Of these the larger part is done by libraries that compile code as they read, which is slow to measure: while fuzzing,
# the process has a limit of memory, and what is kept is measured when it is replayed.
BY_LIBRARIES = frozenset({"challenge", "endpoint_mapper", "kerberos", "logon", "spnego_answer", "spnego_end"})
SERVERS = frozenset({"requests", "simulator", "simulator_mapper"})  # these may not even raise a DhcpError
