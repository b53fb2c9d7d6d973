# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody on the way between the client and a port: sees every PDU, and does with it what a script says."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeAlias

from ansible_collections.msrpc.dhcp.tests.unit.hostile import wire

PATIENCE = 10.0  # seconds after which a test that should not wait has failed
DRIP = 0.05  # seconds between two octets of a PDU that trickles in
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a RST


class Line:
    """One connection that passes through; ``sent`` and ``received`` are the client's and the server's PDUs so far."""

    def __init__(self, number: int, client: socket.socket, server: socket.socket | None, closing: threading.Event):
        self.number = number
        self.sent: list[bytes] = []
        self.received: list[bytes] = []
        self.opnum: int | None = None  # of the last request
        self.silent = False
        self.keep_upstream = False  # the server is not told when the client leaves
        self._client = client
        self._server = server
        self._closing = closing
        self._lock = threading.Lock()

    def answer(self, data: bytes) -> None:
        """Send something to the client, in the server's name."""
        self._send(self._client, data)

    def ask(self, data: bytes) -> None:
        """Send something to the server, in the client's name."""
        if self._server is not None:
            self._send(self._server, data)

    def answered(self, call: int) -> int:
        """How many PDUs the server has sent for a call."""
        return sum(wire.call_id(each) == call for each in self.received)

    def drip(self, data: bytes, *, to_client: bool) -> None:
        """One octet after the other, until the line is closed or all is out."""
        for octet in data:
            self.answer(bytes((octet,))) if to_client else self.ask(bytes((octet,)))
            if self._closing.wait(DRIP):
                return

    def hang_up(self) -> None:
        """Close both ends, in order."""
        self.silent = True
        for each in (self._client, self._server):
            if each is not None:
                with suppress(OSError):  # it has gone already
                    each.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Close the end towards the client alone."""
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Break both ends off."""
        self.silent = True
        with suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            # A thread waits in recv() on the descriptor; only a shutdown of the reading side lets close() send the RST.
            self._client.shutdown(socket.SHUT_RD)
            self._client.close()
        if self._server is not None:
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)

    def _send(self, sock: socket.socket, data: bytes) -> None:
        with self._lock, suppress(OSError):  # the other side has gone
            sock.sendall(data)


# What becomes of a PDU: these octets go on in its place, nothing where it is None.
Edit: TypeAlias = Callable[[Line, bytes], "bytes | None"]


def as_it_is(_line: Line, data: bytes) -> bytes:
    """Pass it on."""
    return data


class Relay:
    """Listens on a port of the loopback and passes PDUs on, as ``requests`` and ``replies`` change them.

    ``upstream`` tells the port for each connection; None: there is no server behind.
    """

    def __init__(
        self,
        upstream: int | Callable[[int], int] | None,
        *,
        requests: Edit = as_it_is,
        replies: Edit = as_it_is,
    ) -> None:
        self.requests = requests
        self.replies = replies
        self.alter: Callable[[bytes], bytes] = bytes  # every reply, before anything else
        self.lines: list[Line] = []
        self.struck = threading.Event()  # for scripts: the attack took place
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    @property
    def port(self) -> int:
        """Where clients connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()  # wakes accept()
        self._threads[0].join(PATIENCE)
        for line in self.lines:
            line.hang_up()
        for thread in self._threads[1:]:
            thread.join(PATIENCE)
        for each in (self._listener, *self._sockets):
            each.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            client, _address = self._listener.accept()
            self._sockets.append(client)
            if self._closing.is_set():
                return
            with suppress(OSError):  # it may have gone already
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = len(self.lines)
            upstream = self._upstream(number) if callable(self._upstream) else self._upstream
            server = None if upstream is None else socket.create_connection(("127.0.0.1", upstream))
            line = Line(number, client, server, self._closing)
            self.lines.append(line)
            self._start(self._pass_on, line, client, True)
            if server is not None:
                self._sockets.append(server)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(self._pass_on, line, server, False)

    def _pass_on(self, line: Line, source: socket.socket, from_client: bool) -> None:
        try:
            for data in _pdus(source):
                if not line.silent:
                    self._handle(line, data, from_client=from_client)
        except OSError:
            pass
        finally:
            if not line.silent and not (from_client and line.keep_upstream):
                line.hang_up()

    def _handle(self, line: Line, data: bytes, *, from_client: bool) -> None:
        if from_client:
            line.sent.append(data)
            if wire.kind(data) == wire.REQUEST:
                line.opnum = wire.opnum(data)
            changed = self.requests(line, data)
            if changed:
                line.ask(changed)
        else:
            data = self.alter(data)
            line.received.append(data)
            changed = self.replies(line, data)
            if changed:
                line.answer(changed)


def _pdus(source: socket.socket) -> Iterator[bytes]:
    buffer = b""
    while chunk := source.recv(65536):
        buffer += chunk
        while len(buffer) >= wire.COMMON and len(buffer) >= max(wire.length(buffer), wire.COMMON):
            size = max(wire.length(buffer), wire.COMMON)
            yield buffer[:size]
            buffer = buffer[size:]


# --- edits ------------------------------------------------------------------------------------------------------------


def of(kind: int, edit: Callable[[bytes], bytes | None]) -> Edit:
    """Every PDU of a type."""
    return lambda _line, data: edit(data) if wire.kind(data) == kind else data
