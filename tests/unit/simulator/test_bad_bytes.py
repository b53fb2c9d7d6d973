# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator before clients that talk rubbish: it answers or hangs up, never fails, and serves the others on."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import RpcFault
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection
from ansible_collections.msrpc.dhcp.tests.fuzz import corpus
from ansible_collections.msrpc.dhcp.tests.simulator import store as rules
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Site, record, reservation, scope
from ansible_collections.msrpc.dhcp.tests.unit._rpc.conversation import PATIENCE, logged_on, version

PDUS = [case.data for name in ("simulator", "simulator_mapper") for case in corpus.load(name)]
REQUESTS = [case.data for case in corpus.load("requests")]
KINDS = list(rules.CALLS.values())


class Complaints(logging.Handler):
    """What asyncio has to say, such as the traceback of a connection that failed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """One server for all that follows, which has to last."""
    where = scope(
        "10.0.0.0",
        records=(record("10.0.0.20", "001c2580a043", name="printer"),),
        reservations=(reservation("10.0.0.20", "001c2580a043"),),
    )
    complaints = Complaints()
    logger = logging.getLogger("asyncio")
    logger.addHandler(complaints)
    try:
        with Simulator(Site(scopes=(where,))) as running:
            yield running
    finally:
        logger.removeHandler(complaints)
    assert complaints.seen == []


@pytest.fixture(scope="module")
def bystander(sim: Simulator) -> Iterator[Connection]:
    """A client that was there before, and behaves."""
    with logged_on(sim) as connection:
        yield connection


@st.composite
def rubbish(draw: st.DrawFn, known: list[bytes]) -> bytes:
    """Octets that begin like something known, more or less."""
    data = bytearray(draw(st.sampled_from(known) | st.binary(max_size=100)))
    for _each in range(draw(st.integers(0, 3))):
        where = draw(st.integers(0, len(data)))
        with_what = draw(st.binary(max_size=8) | st.just(b"\xff" * 4))
        data[where : where + draw(st.integers(0, 8))] = with_what
    return bytes(data)


def say(port: int, data: bytes) -> bytes:
    """Say this, and nothing more; what the server answers until it hangs up."""
    answer = b""
    # It may hang up before all is said.
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client, suppress(ConnectionError):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while chunk := client.recv(65536):
            answer += chunk
    return answer


@settings(max_examples=150)
@given(data=st.lists(rubbish(PDUS), min_size=1, max_size=3).map(b"".join))
def test_rubbish_is_answered_or_ends_its_own_connection_alone(
    sim: Simulator, bystander: Connection, data: bytes
) -> None:
    say(sim.port, data)
    assert version(bystander) == (10, 0)


@settings(max_examples=100)
@given(data=st.lists(rubbish(PDUS), min_size=1, max_size=3).map(b"".join))
def test_rubbish_does_not_end_the_endpoint_mapper(sim: Simulator, data: bytes) -> None:
    say(sim.endpoint_mapper_port, data)
    with logged_on(sim, port=None) as connection:
        assert version(connection) == (10, 0)


@settings(max_examples=150)
@given(data=rubbish(REQUESTS))
def test_a_sealed_request_of_rubbish_gets_a_reply_or_a_fault(
    sim: Simulator, bystander: Connection, data: bytes
) -> None:
    kind = KINDS[data[0] % len(KINDS)] if data else KINDS[0]
    with logged_on(sim) as connection, suppress(RpcFault):
        kind.Reply.unpack(connection.call(kind.INTERFACE, kind.OPNUM, data[3:], label=kind.__name__))
    assert version(bystander) == (10, 0)


def test_something_else_than_rpc_is_hung_up_on(sim: Simulator) -> None:
    assert say(sim.port, b"GET / HTTP/1.1\r\n\r\n") == b""


def test_a_request_before_any_logon_is_denied(sim: Simulator) -> None:
    (named,) = [case.data for case in corpus.load("simulator") if case.name == "R_DhcpGetVersion"]
    assert b"\x05\x00\x00\x00" in say(sim.port, named)
