# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""A TCP connection that carries whole PDUs, and on which every wait has a deadline."""

from __future__ import annotations

import queue
import select
import socket
import threading
import time
from typing import Any, NamedTuple, NoReturn

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    ConnectionLost,
    NameNotFound,
    TimedOut,
    Unreachable,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.pdu import COMMON_SIZE, Pdu, fragment_length, parse

_CHUNK = 65536


class Deadline:
    """A moment on the clock that ends a wait, however slowly the bytes trickle in.

    ``doing`` begins the sentence when it passes; ``option`` is what the user may raise.
    """

    __slots__ = ("_end", "_option", "_seconds", "doing")

    def __init__(self, seconds: float, *, option: str, doing: str) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._option = option
        self.doing = doing

    def left(self) -> float:
        """Seconds that are left, more than 0."""
        left = self._end - time.monotonic()
        if left <= 0:
            self.expire()
        return left

    def expire(self) -> NoReturn:
        """Say that the time is over."""
        raise TimedOut(
            f"{self.doing}: no complete answer within {self._seconds:g} s. "
            f"Check that the server is up and that nothing on the way drops packets, or raise {self._option}."
        )


class Address(NamedTuple):
    """One address of a name, without a port."""

    family: int
    host: str
    rest: tuple[Any, ...]  # flow and scope of IPv6

    def with_port(self, port: int) -> tuple[Any, ...]:
        """The form that ``socket.connect`` wants."""
        return (self.host, port, *self.rest)


def resolve(server: str, deadline: Deadline) -> list[Address]:
    """All addresses of a name (or the address itself), in the system's order of preference.

    The resolver has no time limit of its own, so a thread waits for it; past the deadline it is left alone.
    """
    answer: queue.SimpleQueue[list[Any] | OSError | ValueError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(socket.getaddrinfo(server, None, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as exc:  # ValueError: a label of 64 characters, a NUL
            answer.put(exc)

    threading.Thread(target=ask, name="msrpc.dhcp resolver", daemon=True).start()
    try:
        result = answer.get(timeout=deadline.left())
    except queue.Empty:
        deadline.expire()
    if isinstance(result, (OSError, ValueError)):
        reason = getattr(result, "strerror", None) or result
        raise NameNotFound(
            f"The server's name {server!r} does not resolve: {reason}. Check its spelling and this machine's DNS."
        ) from result
    return [Address(family, where[0], where[2:]) for family, _type, _protocol, _name, where in result]


class Channel:
    """A connected socket. ``peer`` names it in messages, ``address`` is the one that answered."""

    def __init__(self, sock: socket.socket, peer: str, address: Address) -> None:
        self.peer = peer
        self.address = address
        self._socket = sock
        self._buffer = bytearray()

    @classmethod
    def open(cls, server: str, addresses: list[Address], port: int, deadline: Deadline) -> Channel:
        """Try one address after the other; each gets an even share of the time that is left."""
        failures: list[OSError] = []
        for index, address in enumerate(addresses):
            share = deadline.left() / (len(addresses) - index)
            try:
                sock = _connected(address, port, share)
            except OSError as exc:
                failures.append(exc)
            else:
                return cls(sock, f"{server} port {port}", address)
        if all(isinstance(failure, TimeoutError) for failure in failures):
            deadline.expire()
        tried = ", ".join(f"{a.host}: {f.strerror or f}" for a, f in zip(addresses, failures, strict=True))
        raise Unreachable(
            f"{deadline.doing}: cannot connect ({tried}). Check that the server is up, the port, and firewalls between."
        ) from failures[-1]

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of it; the timeout of ``sendall`` is one for the whole."""
        try:
            self._socket.settimeout(deadline.left())
            self._socket.sendall(data)
        except TimeoutError:
            deadline.expire()
        except OSError as exc:
            raise _lost(deadline, exc.strerror or str(exc)) from exc

    def read_pdu(self, deadline: Deadline) -> Pdu:
        """One whole PDU."""
        self._fill(COMMON_SIZE, deadline)
        length = fragment_length(bytes(self._buffer[:COMMON_SIZE]))
        self._fill(length, deadline)
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return parse(data)

    def is_quiet(self) -> bool:
        """Whether the peer has sent nothing that was not read, not even the end of the connection."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not self._buffer and not poll.poll(0)

    def close(self) -> None:
        """Close the socket; more than once does no harm."""
        self._socket.close()

    def _fill(self, length: int, deadline: Deadline) -> None:
        while len(self._buffer) < length:
            try:
                self._socket.settimeout(deadline.left())
                chunk = self._socket.recv(_CHUNK)
            except TimeoutError:
                deadline.expire()
            except OSError as exc:
                raise _lost(deadline, exc.strerror or str(exc)) from exc
            if not chunk:
                raise _lost(deadline, "in the middle of a reply" if self._buffer else "without a reply")
            self._buffer += chunk


def _connected(address: Address, port: int, seconds: float) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(address.with_port(port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _lost(deadline: Deadline, reason: str) -> ConnectionLost:
    return ConnectionLost(
        f"{deadline.doing}: the server closed the connection ({reason}). Run again; if it stays, its event log may say "
        "why."
    )
