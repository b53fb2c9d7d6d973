# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of the connection say to the simulator, and somebody on the way between the two."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint, connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.tests.simulator import pdu
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD, address

AUTHS = ("ntlm", "negotiate")
PATIENCE = 10.0  # seconds after which a test that should not wait at all has failed

SUBNET = address("10.0.0.0")
VERSION = "R_DhcpGetVersion"
CREATE = "R_DhcpCreateClientInfoVQ"


def endpoint(sim: Simulator, **changes: Any) -> Endpoint:
    """The simulator's port; ``port=None`` asks its endpoint mapper."""
    values: dict[str, Any] = {
        "server": sim.host,
        "port": sim.port,
        "endpoint_mapper_port": sim.endpoint_mapper_port,
        "connect_timeout": PATIENCE,
        "request_timeout": PATIENCE,
    }
    return Endpoint(**values | changes)


def logged_on(
    sim: Simulator,
    auth: Any = "ntlm",
    *,
    username: str = ADMINISTRATOR,
    password: str = DEFAULT_PASSWORD,
    **where: Any,
) -> Connection:
    """A connection to the simulator with both interfaces."""
    credentials = Credentials(auth=auth, username=username, password=password)
    return connect(endpoint(sim, **where), credentials, (DHCPSRV, DHCPSRV2))


def ask(connection: Connection, call: calls.Call[calls.ReplyT]) -> calls.ReplyT:
    """The reply to a call, decoded; its status is not judged."""
    return call.Reply.unpack(connection.call(call.INTERFACE, call.OPNUM, call.pack(), label=call.name))


def version(connection: Connection) -> tuple[int, int]:
    """R_DhcpGetVersion, for which no rights are needed."""
    reply = ask(connection, calls.R_DhcpGetVersion())
    return reply.MajorVersion, reply.MinorVersion


def creation(where: str, *, identifier: bytes = b"\x00\x1c\x25\x80\xa0\x43", comment: str | None = None) -> Any:
    """R_DhcpCreateClientInfoVQ: a write."""
    client = structs.DHCP_CLIENT_INFO_VQ(
        ClientIpAddress=address(where),
        SubnetMask=0,
        ClientHardwareAddress=identifier,
        ClientName=None,
        ClientComment=comment,
        ClientLeaseExpires=0,
        OwnerHost=structs.DHCP_HOST_INFO(),
        bClientType=structs.CLIENT_TYPE_DHCP,
        AddressState=structs.ADDRESS_STATE_ACTIVE,
        Status=0,
        ProbationEnds=0,
        QuarantineCapable=0,
    )
    return calls.R_DhcpCreateClientInfoVQ(ClientInfo=client)


def lookup(where: str) -> Any:
    """R_DhcpGetClientInfoVQ by address: a read."""
    wanted = structs.DHCP_SEARCH_INFO(SearchType=structs.SEARCH_ADDRESS, Value=address(where))
    return calls.R_DhcpGetClientInfoVQ(SearchInfo=wanted)


# --- somebody on the way ----------------------------------------------------------------------------------------------

Edit = Callable[[bytes], bytes]


class Port(Protocol):
    """Anything that listens on a port of the loopback."""

    @property
    def port(self) -> int: ...


class Tap:
    """Passes PDUs on between clients and a port: the server's as ``edit`` changes them, the clients' as they are.

    ``sent`` collects what the clients sent.
    """

    def __init__(self, port: int, edit: Edit = bytes) -> None:
        self.sent: list[bytes] = []
        self._upstream = ("127.0.0.1", port)
        self._edit = edit
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._closing = False

    @property
    def port(self) -> int:
        """Where clients connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes accept()
        self._threads[0].join(PATIENCE)
        for each in self._sockets[1:]:
            _hang_up(each)
        for thread in self._threads[1:]:
            thread.join(PATIENCE)
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            client, _address = self._listener.accept()
            if self._closing:
                client.close()
                return
            server = socket.create_connection(self._upstream)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += (client, server)
            for source, target, edit in ((client, server, self._remember), (server, client, self._edit)):
                thread = threading.Thread(target=_pass_on, args=(source, target, edit), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _remember(self, data: bytes) -> bytes:
        self.sent.append(data)
        return data


def _pass_on(source: socket.socket, target: socket.socket, edit: Edit) -> None:
    with suppress(OSError):  # the other side has gone
        for each in _pdus(source):
            target.sendall(edit(each))
    _hang_up(target)


def _hang_up(connected: socket.socket) -> None:
    with suppress(OSError):  # it has gone already
        connected.shutdown(socket.SHUT_RDWR)


def _pdus(source: socket.socket) -> Iterator[bytes]:
    buffer = b""
    while chunk := source.recv(65536):
        buffer += chunk
        while len(buffer) >= pdu.HEADER_SIZE and len(buffer) >= (length := pdu.fragment_length(buffer)):
            yield buffer[:length]
            buffer = buffer[length:]


def call_id(data: bytes) -> int:
    """The call that a PDU belongs to."""
    number: int = struct.unpack_from("<I", data, 12)[0]
    return number


def trailer(data: bytes) -> int:
    """Where the sec_trailer of a PDU begins."""
    auth_length: int = struct.unpack_from("<H", data, 10)[0]
    return len(data) - auth_length - pdu.TRAILER_SIZE


def changed(kind: int, offset: int, octet: int, *, in_trailer: bool = False) -> Edit:
    """Sets one octet of every PDU of a type."""

    def edit(data: bytes) -> bytes:
        if data[2] != kind:
            return data
        where = offset + (trailer(data) if in_trailer else 0)
        return data[:where] + bytes((octet,)) + data[where + 1 :]

    return edit


def replaced(kind: int, by: Callable[[bytes], bytes]) -> Edit:
    """Puts something else in the place of every PDU of a type."""
    return lambda data: by(data) if data[2] == kind else data


def without_verifier(data: bytes) -> bytes:
    """A PDU without sec_trailer and token."""
    end = trailer(data)
    return data[:8] + struct.pack("<HH", end, 0) + data[12:end]


def with_token(data: bytes, token: bytes) -> bytes:
    """A PDU whose logon token is another one."""
    whole = data[: trailer(data) + pdu.TRAILER_SIZE] + token
    return whole[:8] + struct.pack("<HH", len(whole), len(token)) + whole[12:]


def with_verifier(data: bytes, *, token: bytes = bytes(16)) -> bytes:
    """A PDU with a made-up verifier of packet privacy for NTLM."""
    whole = data + pdu.trailer(pdu.Verifier(auth_type=10, level=6, pad=0, context_id=1, value=b"")) + token
    return whole[:8] + struct.pack("<HH", len(whole), len(token)) + whole[12:]
