# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Connection-oriented DCE/RPC over TCP, always sealed (C706 12, MS-RPCE 2.1.1.1 and 3.3).

impacket asks the endpoint mapper, builds the PDUs of the logon and names status codes. What a peer sends is parsed and
verified by ``pdu`` and ``security``: nothing of a reply is believed before its signature, the PDU's header included.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    AccessFault,
    BadReply,
    ConnectionLost,
    DhcpError,
    LogonFailed,
    NoEndpoint,
    RpcFault,
    SecurityError,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import pdu as wire
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Address, Channel, Deadline, resolve
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.foreign import translated
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import Interface
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import (
    Credentials,
    SecurityContext,
    open_context,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.status import RIGHTS, name_of

try:
    from impacket.dcerpc.v5 import rpcrt
except ImportError:
    IMPACKET_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    IMPACKET_IMPORT_ERROR = None

T = TypeVar("T")

# A reply is read into memory whole. A list of 100,000 reservations is some 8 MiB; this leaves room, and an end.
MAX_REPLY = 64 * 1024 * 1024
_MAX_MAPPER_REPLY = 256 * 1024

_PROPOSED_FRAGMENT = 5840  # what Windows itself proposes over TCP
# Less has no room for the header of a request (24), the trailer (8), the largest token that there is, that of Kerberos
# with AES256-SHA384 (88), and one block of stub (16).
_SMALLEST_FRAGMENT = 136
_CONTEXT_ID = 1  # auth_context_id: one logon per connection
_LOGON_CALL_ID = 1

_ACCESS_DENIED = 5  # also nca_s_fault_access_denied
# Codes that say that the logon itself failed: ERROR_LOGON_FAILURE, RPC_S_SEC_PKG_ERROR, SEC_E_LOGON_DENIED,
# STATUS_LOGON_FAILURE. A server may answer with one of them, or with access denied, on the first request after an
# rpc_auth_3 that it did not accept (MS-RPCE 3.3.1.5.2.1).
_LOGON_CODES = frozenset({1326, 1825, 0x8009030C, 0xC000006D})
_EPT_NOT_REGISTERED = 0x16C9A0D6

# Until both sides have keys nothing is signed: somebody on the way can refuse in the server's name.
_UNPROVEN = "Such a refusal is not authenticated: somebody on the way can have sent it."
_NAK_AUTHENTICATION = {8: "it does not know this kind of logon", 9: "its security package reports an error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the server is; ``port`` None asks its endpoint mapper. Times are seconds.

    ``connect_timeout`` covers all from the look-up of the name to the logon, ``request_timeout`` one call.
    """

    server: str
    port: int | None = None
    endpoint_mapper_port: int = 135
    connect_timeout: float = 10.0
    request_timeout: float = 30.0


class Connection:
    """A connection after bind and logon; it belongs to one thread. ``connect`` makes it.

    ``broken`` is true after any error and after ``close``: never to be used again.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        channel: Channel,
        security: SecurityContext,
        *,
        account: str,
        contexts: dict[Interface, int],
        max_fragment: int,
    ) -> None:
        self.broken = False
        self.mechanism = security.mechanism
        self.without_kerberos = security.without_kerberos
        self.kdc_asked = security.kdc_asked
        self.account = account
        self.server = endpoint.server
        self._endpoint = endpoint
        self._channel = channel
        self._security = security
        self._contexts = contexts
        # All fragments but the last carry a multiple of 16 bytes, so only the last needs padding.
        room = max_fragment - wire.CALL_HEADER_SIZE - wire.TRAILER_SIZE - security.token_size
        self._stub_room = room // 16 * 16
        self._call_id = _LOGON_CALL_ID
        # After an rpc_auth_3 only the first verified reply proves that the server accepted the account.
        self._proven = not security.ends_with_auth3

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; more than once does no harm."""
        self.broken = True
        self._channel.close()

    def is_quiet(self) -> bool:
        """Whether it can be used after a pause: in order, not closed by the server, and nothing came unasked."""
        return not self.broken and self._channel.is_quiet()

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes:
        """Send a request once and return the reply's stub, decrypted and verified.

        ``label`` names the call in messages. Raises ``RpcFault`` or ``AccessFault`` for a fault, else a
        ``TransportError``: then the call's outcome is unknown.
        """
        doing = f"{label} on {self._channel.peer}"
        if self.broken:
            raise ConnectionLost(f"{doing}: not sent, because the connection is closed. Run the task again.")
        self.broken = True  # unless the reply is whole
        try:
            deadline = Deadline(self._endpoint.request_timeout, option="request_timeout", doing=doing)
            self._call_id += 1
            context = self._contexts[interface]
            self._channel.send(self._request(context, opnum, stub), deadline)
            reply = self._reply(context, deadline, label)
            self.broken = False
        except ConnectionLost as exc:
            raise ConnectionLost(f"{exc} {self._doubt()}".rstrip()) from exc
        except BadReply as exc:
            raise _in_full(exc, doing) from exc
        finally:
            if self.broken:
                self._channel.close()
        return reply

    def _request(self, context: int, opnum: int, stub: bytes) -> bytes:
        """The request's fragments, each sealed (MS-RPCE 3.3.1.5.2.2)."""
        security = self._security
        fragments: list[bytes] = []
        flags = wire.FIRST_FRAGMENT
        for start in range(0, len(stub) or 1, self._stub_room):
            chunk = stub[start : start + self._stub_room]
            padding = -len(chunk) % 16
            if start + self._stub_room >= len(stub):
                flags |= wire.LAST_FRAGMENT
            header = wire.pack_request_header(
                flags=flags,
                body_length=len(chunk) + padding,
                token_length=security.token_size,
                call_id=self._call_id,
                alloc_hint=len(stub) - start,
                context_id=context,
                opnum=opnum,
            )
            trailer = wire.pack_trailer(security.auth_type, padding, _CONTEXT_ID)
            sealed, token = security.seal(header, chunk + bytes(padding), trailer)
            fragments += (header, sealed, trailer, token)
            flags = 0
        return b"".join(fragments)

    def _reply(self, context: int, deadline: Deadline, label: str) -> bytes:
        """The stub of all fragments, each verified on its own."""
        chunks: list[bytes] = []
        size = 0
        while True:
            pdu = self._channel.read_pdu(deadline)
            if pdu.packet_type == wire.BIND_NAK and not self._proven:
                raise self._refused(f"bind_nak, reason {wire.bind_nak_reason(pdu)}")
            if pdu.packet_type not in (wire.RESPONSE, wire.FAULT):
                raise BadReply(f"the server sent an RPC message of type {pdu.packet_type} instead of a reply.")
            wire.check_order(pdu, self._call_id, first=not chunks)
            parts = wire.split(pdu, wire.CALL_HEADER_SIZE)
            if pdu.packet_type == wire.FAULT:
                raise self._fault(parts, deadline, label)
            if wire.response_context(parts.header) != context:
                raise SecurityError("the reply belongs to another interface.")
            chunks.append(self._open(parts))
            self._proven = True
            size += len(chunks[-1])
            if not chunks[-1] and not pdu.flags & wire.LAST_FRAGMENT:
                raise BadReply("a fragment of the reply is empty and not the last one.")
            if size > MAX_REPLY:
                raise BadReply(f"the reply is larger than {MAX_REPLY} bytes; the rest was not read.")
            if pdu.flags & wire.LAST_FRAGMENT:
                return b"".join(chunks)

    def _open(self, parts: wire.Parts) -> bytes:
        """A fragment's stub, once its verifier is what was agreed and its signature is right."""
        pad_length = wire.check_verifier(parts, self._security.auth_type, _CONTEXT_ID)
        if len(parts.token) != self._security.token_size:
            raise SecurityError(f"the reply has a signature of {len(parts.token)} bytes; nothing of it was believed.")
        body = self._security.unseal(*parts)
        if pad_length > len(body):
            raise BadReply("the reply has more padding than content.")
        return body[: len(body) - pad_length]

    def _fault(self, parts: wire.Parts, deadline: Deadline, label: str) -> DhcpError:
        """The exception for a fault. Windows sends faults without a verifier; where there is one, it must be right."""
        code = wire.fault_status(self._open(parts) if parts.trailer else parts.body)
        if code in _LOGON_CODES and not self._proven:
            return _caused(self._refused(_status(code)), _named(RpcFault, _status(code), code, label))
        what = f"{deadline.doing}: the server answered with an error instead of a reply, the RPC fault {_status(code)}."
        proof = "A fault is not authenticated: whether the call had an effect, only reading tells."
        if code == _ACCESS_DENIED:
            account = self.account[:1].upper() + self.account[1:]
            may = f"{account} may lack the right to this call. {RIGHTS}"
            return _named(AccessFault, " ".join(filter(None, (what, may, self._doubt(), proof))), code, label)
        return _named(RpcFault, f"{what} The server's event log may say why. {proof}", code, label)

    def _refused(self, how: str) -> LogonFailed:
        return _logon_failed(self._channel.peer, self.account, self._security, how)

    def _doubt(self) -> str:
        """What else the failure of a first call may mean; empty once a reply was verified."""
        if self._proven:
            return ""
        return (
            f"As this was the first call after the logon, user name or password of {self.account} may also be wrong: "
            f"with {self._security.title} a server says so only now."
        )


def connect(
    endpoint: Endpoint,
    credentials: Credentials,
    interfaces: Sequence[Interface],
    *,
    on_fallback: Callable[[str], None] = lambda _why: None,
) -> Connection:
    """Find the port, connect, bind all interfaces and log on, within ``endpoint.connect_timeout``.

    ``on_fallback`` is told why NTLM takes the place of a Kerberos that a KDC was asked for, before anything is sent:
    a logon that then fails has shown a proof of the password as well.
    """
    deadline = Deadline(endpoint.connect_timeout, option="connect_timeout", doing=f"Logging on to {endpoint.server}")
    security = open_context(credentials, endpoint.server, deadline)
    if security.kdc_asked and security.without_kerberos is not None:
        on_fallback(security.without_kerberos)
    deadline.doing = f"Looking up {endpoint.server}"
    with ExitStack() as undo:
        try:
            channel = _open_channel(endpoint, interfaces[0], deadline)
            undo.callback(channel.close)
            max_fragment = _Logon(channel, security, credentials.account, deadline).run(interfaces)
        except BadReply as exc:
            raise _in_full(exc, deadline.doing) from exc
        undo.pop_all()
    return Connection(
        endpoint,
        channel,
        security,
        account=credentials.account,
        contexts={interface: number for number, interface in enumerate(interfaces)},
        max_fragment=max_fragment,
    )


def import_all() -> None:
    """Import what a connection needs on some ways only: for a process that forks others, so that each has it."""
    "".encode("idna")
    "".encode("utf-16-le")
    if IMPACKET_IMPORT_ERROR is None:
        from impacket.dcerpc.v5 import epm  # noqa: F401, PLC0415  (see _ask_endpoint_mapper)


def _open_channel(endpoint: Endpoint, interface: Interface, deadline: Deadline) -> Channel:
    """A TCP connection to the server's port, which the endpoint mapper tells where it is not given."""
    addresses = resolve(endpoint.server, deadline)
    port = endpoint.port
    if port is None:
        port, address = _ask_endpoint_mapper(endpoint, addresses, interface, deadline)
        addresses = [address, *(other for other in addresses if other != address)]
    deadline.doing = f"Connecting to {endpoint.server} port {port}"
    return Channel.open(endpoint.server, addresses, port, deadline)


class _Logon:
    """The legs from bind to the end of the logon (MS-RPCE 3.3.1.5.2.1)."""

    def __init__(self, channel: Channel, security: SecurityContext, account: str, deadline: Deadline) -> None:
        self._channel = channel
        self._security = security
        self._account = account
        self._deadline = deadline

    def run(self, interfaces: Sequence[Interface]) -> int:
        """Bind and log on; returns the largest fragment that the server receives."""
        security = self._security
        self._deadline.doing = f"Binding to {self._channel.peer}"
        body = _bind_body(interfaces)
        self._send(wire.BIND, body, security.first_leg())
        pdu = self._answer(wire.BIND_ACK)
        if not pdu.flags & wire.SUPPORT_HEADER_SIGN:
            raise SecurityError(
                "the server does not sign the headers of its messages, which this collection demands. Either it is too "
                "old, or somebody on the way changes messages."
            )
        ack = wire.parse_bind_ack(pdu)
        wire.check_contexts(ack, [interface.name for interface in interfaces], self._deadline.doing)
        if ack.max_receive < _SMALLEST_FRAGMENT:
            raise BadReply(f"the server takes messages of {ack.max_receive} bytes only, too few for any call.")
        token = self._step(security.third_leg, ack)
        self._deadline.doing = f"Logging on to {self._channel.peer} as {self._account} by {security.title}"
        if security.ends_with_auth3:
            self._send(wire.AUTH3, bytes(4), token)
        else:
            self._send(wire.ALTER_CONTEXT, body, token)
            last = wire.parse_bind_ack(self._answer(wire.ALTER_CONTEXT_RESPONSE))
            if last.parts.trailer or not security.ends_silently:
                self._step(security.last_leg, last)
        return min(ack.max_receive, _PROPOSED_FRAGMENT)

    def _send(self, packet_type: int, body: bytes, token: bytes) -> None:
        if wire.COMMON_SIZE + len(body) + wire.TRAILER_SIZE + len(token) > wire.LARGEST:
            raise BadReply("the server's part of the logon is so large that the answer to it fits into no message.")
        trailer = rpcrt.SEC_TRAILER()
        trailer["auth_type"] = self._security.auth_type
        trailer["auth_level"] = wire.PACKET_PRIVACY
        trailer["auth_ctx_id"] = _CONTEXT_ID
        header = rpcrt.MSRPCHeader()
        header["type"] = packet_type
        header["flags"] = wire.FIRST_FRAGMENT | wire.LAST_FRAGMENT | wire.SUPPORT_HEADER_SIGN
        header["call_id"] = _LOGON_CALL_ID
        header["pduData"] = body  # a multiple of 4 bytes in all three types, so the trailer needs no padding
        header["sec_trailer"] = trailer
        header["auth_data"] = token
        self._channel.send(header.get_packet(), self._deadline)

    def _answer(self, expected: int) -> wire.Pdu:
        """The server's next PDU, which must be of the expected type."""
        try:
            pdu = self._channel.read_pdu(self._deadline)
        except ConnectionLost as exc:
            if expected == wire.BIND_ACK:
                raise
            # The server has just seen our proof of the password: this is how some of them refuse it.
            raise self._refused("it closed the connection") from exc
        if pdu.packet_type in (wire.BIND_NAK, wire.FAULT):
            raise self._refusal(pdu, last_leg=expected != wire.BIND_ACK)
        if pdu.packet_type != expected:
            raise BadReply(f"the server sent an RPC message of type {pdu.packet_type} instead of type {expected}.")
        wire.check_order(pdu, _LOGON_CALL_ID, first=True)
        if not pdu.flags & wire.LAST_FRAGMENT:
            raise BadReply("the server's answer comes in fragments, which is not allowed here.")
        return pdu

    def _refusal(self, pdu: wire.Pdu, *, last_leg: bool) -> DhcpError:
        """What a bind_nak or a fault means here."""
        doing = self._deadline.doing
        if pdu.packet_type == wire.BIND_NAK:
            reason = wire.bind_nak_reason(pdu)
            if last_leg or reason in _NAK_AUTHENTICATION or (reason == 0 and self._has_proved):
                return self._refused(f"bind_nak: {_NAK_AUTHENTICATION.get(reason, f'reason {reason}')}")
            return NoEndpoint(
                f"{doing}: the server refuses the connection (bind_nak, reason {reason}). Check that the port is that "
                f"of a DHCP server and that the server is not overloaded. {_UNPROVEN}"
            )
        code = wire.fault_status(wire.split(pdu, wire.CALL_HEADER_SIZE).body)
        kind = AccessFault if code == _ACCESS_DENIED else RpcFault
        what = f"{doing}: the server refuses with the RPC fault {_status(code)}. Check its event log. {_UNPROVEN}"
        fault = _named(kind, what, code, "bind")
        if last_leg or code in _LOGON_CODES or (code == _ACCESS_DENIED and self._has_proved):
            return _caused(self._refused(f"RPC fault {_status(code)}"), fault)
        return fault

    @property
    def _has_proved(self) -> bool:
        """Whether the bind said who we are, so that a refusal for no reason may be about that. An AP-REQ does."""
        return self._security.mechanism == "kerberos"

    def _step(self, step: Callable[[bytes], T], ack: wire.BindAck) -> T:
        """Give the security context the server's token, from a verifier of the kind that was sent."""
        wire.check_verifier(ack.parts, self._security.auth_type, _CONTEXT_ID)
        try:
            return step(ack.parts.token)
        except LogonFailed as exc:
            raise self._refused(str(exc)) from exc

    def _refused(self, how: str) -> LogonFailed:
        return _logon_failed(self._channel.peer, self._account, self._security, how)


def _in_full(exc: BadReply, doing: str) -> BadReply:
    """The whole sentence around the cause that ``pdu`` or ``security`` told."""
    cause = str(exc)
    end = "" if cause.endswith((".", "?")) else "."
    return type(exc)(
        f"{doing}: {cause}{end} Check that it is a DHCP server that answers there, and that nothing on the way to it "
        "changes messages. If both are so, report this message together with the server's version."
    )


def _logon_failed(peer: str, account: str, security: SecurityContext, how: str) -> LogonFailed:
    what = f"{peer} did not accept the logon of {account} by {security.title} ({how})."
    return LogonFailed(f"{what} {security.advice} {_UNPROVEN}")


def _named(kind: type[RpcFault], message: str, code: int, call: str) -> RpcFault:
    name = name_of(code) or rpcrt.rpc_status_codes.get(code, "").strip() or f"0x{code:08X}"
    return kind(message, code, name=name, call=call)


def _caused(refusal: LogonFailed, fault: RpcFault) -> LogonFailed:
    """The refusal of a logon, which has no code of its own, with the fault that has one."""
    refusal.__cause__ = fault
    return refusal


def _bind_body(interfaces: Sequence[Interface]) -> bytes:
    """The body of bind and alter_context: one presentation context per interface (C706 12.6.4.3)."""
    bind = rpcrt.MSRPCBind()
    bind["max_tfrag"] = bind["max_rfrag"] = _PROPOSED_FRAGMENT
    for number, interface in enumerate(interfaces):
        item = rpcrt.CtxItem()
        item["ContextID"] = number
        item["TransItems"] = 1
        item["AbstractSyntax"] = _syntax(interface)
        item["TransferSyntax"] = wire.NDR20
        bind.addCtxItem(item)
    body: bytes = bind.getData()
    return body


def _syntax(interface: Interface) -> bytes:
    return interface.uuid.bytes_le + interface.version.to_bytes(4, "little")


def _status(code: int) -> str:
    name = rpcrt.rpc_status_codes.get(code, "a status unknown here")
    return f"0x{code:08x} ({name.strip()})"


class _MapperTransport:
    """What impacket's ``DCERPC_v5`` needs of a transport, on our channel: whole PDUs, one deadline, an end of size."""

    def __init__(self, channel: Channel, deadline: Deadline) -> None:
        self._channel = channel
        self._deadline = deadline
        self._pending = b""
        self._left = _MAX_MAPPER_REPLY

    def send(self, data: bytes, **_flags: Any) -> None:
        """Send a PDU that impacket built."""
        self._channel.send(data, self._deadline)

    def recv(self, _force: int = 0, count: int = 0) -> bytes:
        """``count`` bytes of the PDU at hand, the rest of it for 0."""
        if not self._pending:
            self._pending = self._channel.read_pdu(self._deadline).data
            self._left -= len(self._pending)
            if self._left < 0:
                raise BadReply("the answer does not end.")
        count = count or len(self._pending)
        data, self._pending = self._pending[:count], self._pending[count:]
        return data


def _ask_endpoint_mapper(
    endpoint: Endpoint, addresses: list[Address], interface: Interface, deadline: Deadline
) -> tuple[int, Address]:
    """The port of the interface, and the address that told it. The host that the answer names is not looked at."""
    from impacket.dcerpc.v5 import epm  # noqa: PLC0415  (with a fixed port it would be loaded for nothing)

    mapper = f"{endpoint.server} port {endpoint.endpoint_mapper_port}"
    deadline.doing = f"Asking the endpoint mapper at {mapper}"
    channel = Channel.open(endpoint.server, addresses, endpoint.endpoint_mapper_port, deadline)
    none = NoEndpoint(
        f"The endpoint mapper at {mapper} knows no {interface.name}, the DHCP Server service. Check that server names "
        "a DHCP server and that this service runs there, or set port."
    )
    try:
        with translated(BadReply, "it gave no answer that can be used; setting port avoids this question"):
            try:
                binding = epm.hept_map(
                    endpoint.server,
                    _syntax(interface),
                    protocol="ncacn_ip_tcp",
                    dce=rpcrt.DCERPC_v5(_MapperTransport(channel, deadline)),
                )
            except IndexError as exc:  # an empty list of towers
                raise none from exc
            except rpcrt.DCERPCException as exc:
                if exc.get_error_code() == _EPT_NOT_REGISTERED:
                    raise none from exc
                raise
            port = int(binding.rpartition("[")[2].rstrip("]"))
    finally:
        channel.close()
    if not port:
        raise none
    return port, channel.address
