# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets with deadlines."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    ConnectionLost,
    DecodeError,
    NameNotFound,
    TimedOut,
    Unreachable,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Address, Channel, Deadline, resolve

LOOPBACK = Address(socket.AF_INET, "127.0.0.1", ())
PDU = struct.pack("<BBBB4sHHI", 5, 0, 2, 3, b"\x10\0\0\0", 20, 0, 7) + b"body"


def deadline(seconds: float = 10.0) -> Deadline:
    return Deadline(seconds, option="request_timeout", doing="Asking dhcp1")


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture
def pair() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel and the socket at its other end."""
    ours, theirs = socket.socketpair()
    channel = Channel(ours, "dhcp1 port 49664", LOOPBACK)
    with theirs:
        yield channel, theirs
    channel.close()


def test_pdus_that_come_together_are_read_one_by_one(pair: tuple[Channel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.sendall(PDU + PDU[:12] + b"\x08" + PDU[13:])
    assert [channel.read_pdu(deadline()).call_id for _index in range(2)] == [7, 8]


def test_a_sender_of_single_bytes_does_not_outlast_the_deadline(pair: tuple[Channel, socket.socket]) -> None:
    channel, theirs = pair
    stop = threading.Event()

    def trickle() -> None:
        for byte in PDU[:-1]:
            theirs.sendall(bytes([byte]))
            if stop.wait(0.05):
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"Asking dhcp1: no complete answer within 0\.2 s.*raise request_timeout"):
        channel.read_pdu(deadline(0.2))
    stop.set()
    thread.join()
    assert time.monotonic() - began < 1


def test_a_receiver_that_does_not_read_does_not_outlast_the_deadline(pair: tuple[Channel, socket.socket]) -> None:
    with pytest.raises(TimedOut):
        pair[0].send(bytes(1 << 24), deadline(0.1))


def test_a_deadline_that_has_passed_sends_nothing(pair: tuple[Channel, socket.socket]) -> None:
    with pytest.raises(TimedOut):
        pair[0].send(b"request", deadline(0))


@pytest.mark.parametrize(("sent", "reason"), [(b"", "without a reply"), (PDU[:-1], "in the middle of a reply")])
def test_a_closed_connection_is_told(sent: bytes, reason: str, pair: tuple[Channel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.sendall(sent)
    theirs.close()
    with pytest.raises(ConnectionLost, match=reason):
        channel.read_pdu(deadline())


def test_sending_to_a_closed_connection_is_told(pair: tuple[Channel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.close()
    with pytest.raises(ConnectionLost):
        channel.send(b"request", deadline())


def test_something_else_than_rpc_is_refused_at_its_first_bytes(pair: tuple[Channel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.sendall(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(DecodeError, match=r"does not speak RPC 5\.0"):
        channel.read_pdu(deadline())


def test_the_second_address_is_tried_when_the_first_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        nobody = Address(socket.AF_INET, "127.0.0.2", ())
        channel = Channel.open("dhcp1", [nobody, LOOPBACK], port, deadline())
    assert channel.address == LOOPBACK
    channel.close()


def test_a_connection_waits_for_no_acknowledgement() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        channel = Channel.open("dhcp1", [LOOPBACK], server.getsockname()[1], deadline())
    assert channel._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    channel.close()


def test_a_refused_connection_names_every_address(closed_port: int) -> None:
    other = Address(socket.AF_INET, "127.0.0.2", ())
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1: .*refused, 127\.0\.0\.2: .*refused"):
        Channel.open("dhcp1", [LOOPBACK, other], closed_port, deadline())


def test_an_address_resolves_to_itself() -> None:
    assert resolve("::1", deadline()) == [Address(socket.AF_INET6, "::1", (0, 0))]


@pytest.mark.parametrize("name", ["x" * 64, "a\0b"])
def test_a_name_that_cannot_be_one_is_not_found(name: str) -> None:
    with pytest.raises(NameNotFound, match="does not resolve"):
        resolve(name, deadline())


def test_a_resolver_that_does_not_answer_does_not_outlast_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answer.wait(10) and [])
    with pytest.raises(TimedOut):
        resolve("dhcp1", deadline(0.05))
    answer.set()
