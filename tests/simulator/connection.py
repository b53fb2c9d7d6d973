# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One client's connection: from octets to calls and back, with logon, seal, fragments, and faults by recipe.

A connection that receives garbage closes; nothing that a client sends ends the server.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface
from ansible_collections.msrpc.dhcp.tests.simulator import pdu, security, store
from ansible_collections.msrpc.dhcp.tests.simulator.faults import Effect, Faults
from ansible_collections.msrpc.dhcp.tests.simulator.pdu import Garbage, Pdu, Verifier
from ansible_collections.msrpc.dhcp.tests.simulator.security import Acceptor, Refused
from ansible_collections.msrpc.dhcp.tests.simulator.store import Caller, Store

LARGEST_REQUEST = 1 << 24
LARGEST_FRAGMENT_BEFORE_BIND = 5840
SMALLEST_FRAGMENT = 1432  # MUST_RECV_FRAG_SIZE of C706
TINY_FRAGMENT = 88  # room for 40 octets of stub
TICK = 0.002  # seconds between the pieces of a torn answer
SLOW_TICK = 0.01
MOST_LOGONS = 16
BURST = 16  # fragments of an endless reply between two looks at what else there is to do

ANY_HOST = "0.0.0.0"  # noqa: S104
ANOTHER_HOST = "192.0.2.1"


@dataclass(kw_only=True)
class Server:
    """What all connections of a server share."""

    store: Store
    faults: Faults
    accounts: security.Accounts
    handshakes: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    # Encoded answers by call and request, where the settings ask for it.
    kept: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    connections: set[Rpc] = field(default_factory=set)
    host: str = "127.0.0.1"
    port: int = 0

    def refuse(self, reason: str) -> None:
        """Remember why somebody was turned away."""
        self.refusals.append(reason)

    def reset(self) -> None:
        """Count from zero, with an empty audit; database and faults stay as they are."""
        self.store.reset()
        self.handshakes.clear()
        self.refusals.clear()


@dataclass(kw_only=True)
class Logon:
    """A security context of a connection, named by the client's auth_context_id."""

    auth_type: int
    level: int
    context_id: int
    acceptor: Acceptor
    failed: bool = False

    @property
    def private(self) -> bool:
        """Whether calls may be made in it."""
        return self.acceptor.complete and not self.failed and self.level == security.LEVEL_PRIVACY


@dataclass(kw_only=True)
class Request:
    """A request of which not all fragments may be there yet."""

    call_id: int
    context_id: int
    opnum: int
    logon: Logon
    stub: bytearray


class Rpc(asyncio.Protocol):
    """What the DHCP server's and the endpoint mapper's connections have in common."""

    interfaces: tuple[Interface, ...] = ()

    def __init__(self, server: Server) -> None:
        self.server = server
        self.transport: asyncio.Transport
        self.contexts: dict[int, Interface] = {}
        self.max_reply = SMALLEST_FRAGMENT
        self._buffer = bytearray()
        self._bound = False
        self._silent = False
        self._group = int.from_bytes(os.urandom(3), "little") + 1
        self._resume: Callable[[], None] | None = None
        self._writable = True
        self._arrived = 0.0

    # --- octets -------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Without TCP_NODELAY every small answer would wait for an acknowledgement."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client, whatever it was in the middle of."""
        del exc
        self._resume = None
        self._silent = True
        self.server.connections.discard(self)

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        self._writable = False

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable = True
        if self._resume is not None:
            self._resume()

    def data_received(self, data: bytes) -> None:
        """Cut the stream into PDUs."""
        if self._silent:
            return
        self._arrived = asyncio.get_running_loop().time()
        self._buffer += data
        try:
            while len(self._buffer) >= pdu.HEADER_SIZE and not self._silent:
                length = pdu.fragment_length(bytes(self._buffer[: pdu.HEADER_SIZE]))
                if length > max(self.server.store.settings.max_fragment, LARGEST_FRAGMENT_BEFORE_BIND):
                    raise Garbage("a fragment larger than agreed")
                if len(self._buffer) < length:
                    return
                raw = bytes(self._buffer[:length])
                del self._buffer[:length]
                self.received(pdu.parse(raw))
        except Garbage as exc:
            self.server.refuse(str(exc))
            self._silent = True
            self.transport.close()

    def received(self, message: Pdu) -> None:
        """A PDU came in."""
        raise NotImplementedError

    def send(self, data: bytes, effect: Effect) -> None:
        """An answer goes out, after the recipe's delay and the latency since the last octet that came in."""
        latency = self.server.store.settings.latency
        loop = asyncio.get_running_loop()
        if latency:
            loop.call_at(self._arrived + latency + (effect.delay or 0), self._write, data, effect)
        elif effect.delay:
            loop.call_later(effect.delay, self._write, data, effect)
        else:
            self._write(data, effect)

    def _write(self, data: bytes, effect: Effect) -> None:
        """As whole or as torn as the recipe wants it."""
        if self.transport.is_closing():
            return
        if effect.torn == "segments":
            self._trickle(data, size=7, tick=TICK)
        elif effect.torn == "slow":
            self._trickle(data, size=1, tick=SLOW_TICK)
        elif effect.torn == "truncated":
            self.transport.write(data[:-5])
            self.transport.close()
        else:
            self.transport.write(data)

    def _trickle(self, data: bytes, *, size: int, tick: float) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(data[:size])
        if len(data) > size:
            loop = asyncio.get_running_loop()
            loop.call_later(tick, lambda: self._trickle(data[size:], size=size, tick=tick))

    def drop(self) -> None:
        """Close without a word."""
        self._silent = True
        self.transport.abort()

    def hush(self) -> None:
        """Say nothing any more, and keep the connection open."""
        self._silent = True

    # --- bind ---------------------------------------------------------------------------------------------------------

    def bind(self, message: Pdu, effect: Effect) -> pdu.Bind | None:
        """Answers to the offers of a bind or alter_context are put into ``contexts``."""
        offered = pdu.parse_bind(message.body)
        if message.kind == pdu.BIND and self._bound:
            raise Garbage("a second bind")
        if message.kind == pdu.ALTER_CONTEXT and not self._bound:
            raise Garbage("alter_context before bind")
        if effect.forged("bind_nak"):
            self.send(pdu.bind_nak(call_id=message.call_id), effect)
            return None
        self._bound = True
        if message.kind == pdu.BIND:
            mine = self.server.store.settings.max_fragment
            self.max_reply = max(min(offered.max_receive or mine, mine), SMALLEST_FRAGMENT)
        return offered

    def bind_ack(self, message: Pdu, offered: pdu.Bind, effect: Effect, token: Verifier | None) -> None:
        """bind_ack or alter_context_resp, with the logon's token."""
        answers = []
        for offer in offered.offers:
            answer, interface = pdu.judge(offer, () if effect.forged("context_rejected") else self.interfaces)
            # A context keeps its interface as long as the connection lasts (MS-RPCE 3.3.1.5.6).
            if interface is not None and self.contexts.setdefault(offer.context_id, interface) is not interface:
                raise Garbage("another interface for a context that there is")
            answers.append(answer)
        first = message.kind == pdu.BIND
        body = pdu.bind_ack_body(
            max_fragment=self.server.store.settings.max_fragment,
            group=offered.group or self._group,
            port=str(self.server.port) if first else "",
            answers=answers,
        )
        flags = pdu.FIRST | pdu.LAST
        if first and message.flags & pdu.HEADER_SIGN and not effect.forged("no_header_signing"):
            flags |= pdu.HEADER_SIGN
        verifier = b""
        if token is not None:
            body += bytes(-len(body) % 4)
            verifier = pdu.trailer(token) + token.value
        kind = pdu.BIND_ACK if first else pdu.ALTER_CONTEXT_RESP
        head = pdu.header(
            kind,
            flags=flags,
            length=pdu.HEADER_SIZE + len(body) + len(verifier),
            auth_length=0 if token is None else len(token.value),
            call_id=message.call_id,
        )
        self.send(head + body + verifier, effect)

    def interrupted(self, effect: Effect, when: str) -> bool:
        """Whether the recipe ends the connection, or all talk on it, at this moment."""
        if effect.drop == when:
            self.drop()
        elif effect.silent == when:
            self.hush()
        else:
            return False
        return True


class DhcpConnection(Rpc):
    """A connection to the DHCP server: dhcpsrv and dhcpsrv2 (MS-DHCPM 2.1)."""

    interfaces = (DHCPSRV, DHCPSRV2)

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._logons: dict[int, Logon] = {}
        self._request: Request | None = None

    def received(self, message: Pdu) -> None:
        """A PDU came in."""
        if message.kind == pdu.REQUEST:
            self._fragment(message)
        elif message.kind in (pdu.BIND, pdu.ALTER_CONTEXT):
            self._handshake(message)
        elif message.kind == pdu.AUTH3:
            self._auth3(message)
        elif message.kind not in (pdu.CO_CANCEL, pdu.ORPHANED):
            raise Garbage(f"a PDU of type {message.kind}")

    def _handshake(self, message: Pdu) -> None:
        name = "bind" if message.kind == pdu.BIND else "alter_context"
        self.server.handshakes[name] += 1
        effect = self.server.faults.take(name)
        if self.interrupted(effect, "before"):
            return
        offered = self.bind(message, effect)
        if offered is None:
            return
        token = None
        if message.verifier is not None:
            try:
                answer = self._step(message.verifier)
            except Refused as exc:
                self.server.refuse(str(exc))
                if exc.token is None or message.verifier.auth_type != security.AUTH_SPNEGO:
                    self._refuse_logon(message, effect)
                    return
                answer = exc.token
            token = replace(message.verifier, pad=0, value=answer or b"")
        if not self.interrupted(effect, "after"):
            self.bind_ack(message, offered, effect, token)

    def _refuse_logon(self, message: Pdu, effect: Effect) -> None:
        if message.kind == pdu.BIND:
            self.send(pdu.bind_nak(call_id=message.call_id, reason=8), effect)  # authentication type not recognized
        else:
            self.send(pdu.fault(pdu.FAULT_ACCESS_DENIED, call_id=message.call_id), effect)

    def _auth3(self, message: Pdu) -> None:
        """AUTH3 has no answer: a client learns of a refused logon from its first call (MS-RPCE 3.3.1.5.2)."""
        self.server.handshakes["auth3"] += 1
        if message.verifier is None:
            raise Garbage("auth3 without a token")
        try:
            self._step(message.verifier)
        except Refused as exc:
            self.server.refuse(str(exc))

    def _step(self, verifier: Verifier) -> bytes | None:
        logon = self._logons.get(verifier.context_id)
        if logon is None:
            if len(self._logons) >= MOST_LOGONS:
                raise Garbage("too many logons")
            shared = self.server
            acceptor = security.acceptor(
                verifier.auth_type, verifier.level, shared.accounts, shared.store.settings, shared.faults.forged
            )
            logon = Logon(
                auth_type=verifier.auth_type, level=verifier.level, context_id=verifier.context_id, acceptor=acceptor
            )
            self._logons[verifier.context_id] = logon
        if (logon.auth_type, logon.level) != (verifier.auth_type, verifier.level) or logon.failed:
            raise Refused("another type or level of authentication than at first")
        if b"NTLMSSP\x00\x03" in verifier.value:
            self.server.handshakes["authenticate"] += 1
        try:
            answer = logon.acceptor.step(verifier.value)
        except Refused:
            logon.failed = True
            self.server.handshakes["refused"] += 1
            raise
        if logon.acceptor.complete:
            self.server.handshakes["logon"] += 1
        return answer

    # --- requests -----------------------------------------------------------------------------------------------------

    def _fragment(self, message: Pdu) -> None:
        """A fragment of a request: every one is verified before it is believed."""
        head = pdu.parse_request(message)
        logon = None if message.verifier is None else self._logons.get(message.verifier.context_id)
        if logon is None or not logon.private:
            if message.flags & pdu.LAST:
                self._fault(message, head.context_id, pdu.FAULT_ACCESS_DENIED)
            return
        try:
            stub = self._unseal(message, head, logon)
        except Refused as exc:
            self.server.refuse(str(exc))
            self._fault(message, head.context_id, pdu.FAULT_ACCESS_DENIED)
            self._silent = True
            self.transport.close()
            return
        request = self._assemble(message, head, logon, stub)
        if message.flags & pdu.LAST:
            self._request = None
            self._serve(request)

    def _unseal(self, message: Pdu, head: pdu.RequestHead, logon: Logon) -> bytes:
        verifier = message.verifier
        if verifier is None or (verifier.auth_type, verifier.level) != (logon.auth_type, logon.level):
            raise Refused("a verifier of another type or level than the logon's")
        if self.server.faults.forged("no_password"):
            return b""  # a server without keys reads nothing
        begin = pdu.HEADER_SIZE + head.begin
        end = pdu.HEADER_SIZE + len(message.body)
        raw = message.raw
        if end < begin + verifier.pad:
            raise Refused("more padding than stub")
        plain = logon.acceptor.unwrap(raw[:begin], raw[begin:end], raw[end : end + pdu.TRAILER_SIZE], verifier.value)
        return plain[: len(plain) - verifier.pad]

    def _assemble(self, message: Pdu, head: pdu.RequestHead, logon: Logon, stub: bytes) -> Request:
        request = self._request
        if message.flags & pdu.FIRST:
            if request is not None:
                raise Garbage("a request inside another")
            request = Request(
                call_id=message.call_id,
                context_id=head.context_id,
                opnum=head.opnum,
                logon=logon,
                stub=bytearray(),
            )
        same = request is not None and (request.call_id, request.context_id, request.opnum, request.logon) == (
            message.call_id,
            head.context_id,
            head.opnum,
            logon,
        )
        if request is None or not same:
            raise Garbage("a fragment of another request")
        request.stub += stub
        if len(request.stub) > LARGEST_REQUEST:
            raise Garbage("a request without end")
        self._request = request
        return request

    def _fault(self, message: Pdu | Request, context_id: int, status: int, effect: Effect | None = None) -> None:
        self.send(pdu.fault(status, call_id=message.call_id, context_id=context_id), effect or Effect())

    def _serve(self, request: Request) -> None:
        """The whole request is there: decode, execute, answer."""
        interface = self.contexts.get(request.context_id)
        if interface is None:
            self._fault(request, request.context_id, pdu.FAULT_UNKNOWN_CONTEXT)
            return
        kind = self.server.store.call_type(interface, request.opnum)
        if kind is None:
            self.server.store.counters[f"{interface.name} {request.opnum}"] += 1
            self._fault(request, request.context_id, pdu.FAULT_OP_RANGE)
            return
        if self.server.faults.forged("no_password"):
            self._answer(request, bytes(32), self.server.faults.take(kind.__name__))
            return
        try:
            call = kind.unpack(bytes(request.stub))
        except DecodeError as exc:
            self.server.refuse(str(exc))
            self._fault(request, request.context_id, pdu.FAULT_BAD_STUB)
            return
        self._call(request, call)

    def _call(self, request: Request, call: calls.Call[Any]) -> None:
        database = self.server.store
        database.count(call)
        effect = self.server.faults.take(call.name)
        for hook in effect.before:
            hook(database)
        if self.interrupted(effect, "before"):
            return
        outcome = effect.fault if effect.fault is not None else self._execute(request, call, effect)
        for hook in effect.after:
            hook(database)
        if self.interrupted(effect, "after"):
            return
        if effect.fault_after is not None:
            outcome = effect.fault_after
        if isinstance(outcome, int):
            self._fault(request, request.context_id, outcome, effect)
            return
        if effect.status_after is not None:
            outcome = store.refusal(call, effect.status_after)
        stub = outcome if isinstance(outcome, bytes) else outcome.pack()
        self._answer(request, stub if effect.stub is None else effect.stub, effect)

    def _execute(self, request: Request, call: calls.Call[Any], effect: Effect) -> calls.Reply | bytes | int:
        """The reply, perhaps encoded already, or the status of a fault."""
        database = self.server.store
        caller = self._caller(request.logon)
        if not caller.may(call):
            denied_by_fault = database.settings.access_denied == "fault"
            return pdu.FAULT_ACCESS_DENIED if denied_by_fault else store.refusal(call, store.ACCESS_DENIED)
        if effect.status is not None:
            return store.refusal(call, effect.status)
        if call.WRITES or not database.settings.keep_answers:
            self.server.kept.clear()
            return database.execute(call, caller)
        key = (call.name, bytes(request.stub))
        if key not in self.server.kept:
            self.server.kept[key] = database.execute(call, caller).pack()
        return self.server.kept[key]

    def _caller(self, logon: Logon) -> Caller:
        account = logon.acceptor.account
        if account is None:
            return Caller(name="", rights="none")
        return Caller(name=account.username, rights=account.rights)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, request: Request, stub: bytes, effect: Effect) -> None:
        if effect.forged("endless"):
            self._endless(request, effect)
            return
        limit = TINY_FRAGMENT if effect.torn == "fragments" else self.max_reply
        room = _room(limit, request.logon)
        if effect.forged("first_flag_repeated") or effect.forged("fragments_swapped"):
            room = min(room, max(len(stub) // 2, 1))  # at least two fragments
        fragments = []
        for begin in range(0, max(len(stub), 1), room):
            flags = (pdu.FIRST if begin == 0 else 0) | (pdu.LAST if begin + room >= len(stub) else 0)
            part = stub[begin : begin + room]
            fragments.append(self._response(request, part, flags, len(stub) - begin, effect))
        if effect.forged("fragments_swapped"):
            fragments[0], fragments[1] = fragments[1], fragments[0]
        self.send(b"".join(fragments), effect)

    def _endless(self, request: Request, effect: Effect) -> None:
        """Fragments without a last one, as fast as the client takes them."""
        room = _room(self.max_reply, request.logon)
        flags = [pdu.FIRST]

        def more() -> None:
            for _each in range(BURST):
                if self._silent or self.transport.is_closing() or not self._writable:
                    return
                self.transport.write(self._response(request, bytes(room), flags[0], room, effect))
                flags[0] = 0
            asyncio.get_running_loop().call_soon(more)

        self._resume = more
        more()

    def _response(self, request: Request, part: bytes, flags: int, hint: int, effect: Effect) -> bytes:
        """A response fragment, sealed, or forged in one of the ways that ``faults.py`` lists."""
        if effect.forged("first_flag_missing"):
            flags &= ~pdu.FIRST
        if effect.forged("first_flag_repeated"):
            flags |= pdu.FIRST
        call_id = request.call_id + effect.forged("wrong_call_id")
        context_id = request.context_id + 7 * effect.forged("wrong_presentation_context")
        kind = pdu.REQUEST if effect.forged("wrong_packet_type") else pdu.RESPONSE
        response = pdu.response_head(hint=hint, context_id=context_id)
        if effect.forged("clear_reply"):
            length = pdu.REQUEST_SIZE + len(part)
            return pdu.header(kind, flags=flags, length=length, auth_length=0, call_id=call_id) + response + part
        padding = -len(part) % 16
        verifier = self._verifier(request.logon, padding, effect)
        size = request.logon.acceptor.signature_size(seal=not effect.forged("signed_only"))
        part += bytes(padding)
        head = pdu.header(
            kind,
            flags=flags,
            length=pdu.REQUEST_SIZE + len(part) + pdu.TRAILER_SIZE + size,
            auth_length=size,
            call_id=call_id,
            big_endian=effect.forged("big_endian"),
        )
        return self._protect(request.logon, head + response, part, pdu.trailer(verifier), effect)

    def _verifier(self, logon: Logon, padding: int, effect: Effect) -> Verifier:
        level = logon.level
        if effect.forged("wrong_level"):
            level = 1
        elif effect.forged("signed_only"):
            level = 5
        other = security.AUTH_SPNEGO if logon.auth_type == security.AUTH_NTLM else security.AUTH_NTLM
        return Verifier(
            auth_type=other if effect.forged("wrong_auth_type") else logon.auth_type,
            level=level,
            pad=padding,
            context_id=logon.context_id + effect.forged("wrong_auth_context"),
            value=b"",
        )

    def _protect(self, logon: Logon, head: bytes, part: bytes, trailer: bytes, effect: Effect) -> bytes:
        if effect.forged("repeated_sequence"):
            logon.acceptor.repeat_sequence()
        sealed, signature = logon.acceptor.wrap(head, part, trailer, seal=not effect.forged("signed_only"))
        if effect.forged("flipped_bit"):
            sealed = bytes((sealed[0] ^ 1,)) + sealed[1:]
        if effect.forged("wrong_signature"):
            signature = signature[:4] + bytes(octet ^ 0xFF for octet in signature[4:12]) + signature[12:]
        whole = head + sealed + trailer + signature
        if effect.forged("short_verifier"):
            cut = struct.pack("<HH", len(whole) - 8, len(signature) - 8)
            whole = whole[:8] + cut + whole[12:-8]
        return whole


def _room(limit: int, logon: Logon) -> int:
    """How much of a stub fits into a fragment of this size."""
    return max(limit - pdu.REQUEST_SIZE - pdu.TRAILER_SIZE - logon.acceptor.signature_size(), 8) // 8 * 8


class EndpointMapperConnection(Rpc):
    """A connection to the endpoint mapper, which needs no logon (C706 appendix O)."""

    interfaces = (pdu.ENDPOINT_MAPPER,)

    def received(self, message: Pdu) -> None:
        """A PDU came in."""
        if message.kind in (pdu.BIND, pdu.ALTER_CONTEXT):
            effect = self.server.faults.take("ept_bind")
            if self.interrupted(effect, "before"):
                return
            offered = self.bind(message, effect)
            if offered is not None:
                self.bind_ack(message, offered, effect, None)
        elif message.kind == pdu.REQUEST:
            self._map(message)
        else:
            raise Garbage(f"a PDU of type {message.kind}")

    def _map(self, message: Pdu) -> None:
        head = pdu.parse_request(message)
        effect = self.server.faults.take("ept_map")
        if self.interrupted(effect, "before"):
            return
        status = self._refusal(message, head, effect)
        if status is not None:
            self.send(pdu.fault(status, call_id=message.call_id, context_id=head.context_id), effect)
            return
        self.server.handshakes["ept_map"] += 1
        stub = self._towers(message.body[head.begin :], effect)
        body = pdu.response_head(hint=len(stub), context_id=head.context_id) + stub
        length = pdu.HEADER_SIZE + len(body)
        flags = pdu.FIRST | pdu.LAST
        answer = pdu.header(pdu.RESPONSE, flags=flags, length=length, auth_length=0, call_id=message.call_id)
        self.send(answer + body, effect)

    def _refusal(self, message: Pdu, head: pdu.RequestHead, effect: Effect) -> int | None:
        if effect.fault is not None:
            return effect.fault
        if head.context_id not in self.contexts:
            return pdu.FAULT_UNKNOWN_CONTEXT
        if head.opnum != pdu.EPT_MAP or not message.flags & pdu.LAST:
            return pdu.FAULT_OP_RANGE
        return None

    def _towers(self, stub: bytes, effect: Effect) -> bytes:
        """The reply's stub. A tower names an IPv4 address; clients keep to the one that they asked."""
        wanted = None if effect.forged("endpoint_none") else pdu.wanted_interface(stub)
        host = self.transport.get_extra_info("sockname")[0]
        if effect.forged("endpoint_elsewhere"):
            host = ANOTHER_HOST
        elif ":" in host:
            host = ANY_HOST
        return pdu.ept_map_reply(wanted, host=host, port=0 if effect.forged("endpoint_port_0") else self.server.port)
