# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is spread over several connections: each job once, whatever becomes of a connection or of a job."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._crew import Crew, Job
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import Bed, site

PATIENCE = 20


@pytest.fixture
def bed() -> Iterator[Bed]:
    with Simulator(site()) as simulator:
        yield Bed(simulator)


@pytest.fixture
def server(bed: Bed) -> Iterator[DhcpServer]:
    with bed.server() as opened:
        yield opened


class Meeting:
    """Jobs that end only once so many of them run at the same time."""

    def __init__(self, parties: int) -> None:
        self.servers: list[DhcpServer] = []
        self._barrier = threading.Barrier(parties)

    def job(self, server: DhcpServer) -> None:
        """Call the server while all others do."""
        self._barrier.wait(PATIENCE)
        server.version()
        self.servers.append(server)


def test_jobs_run_at_the_same_time_over_connections_of_their_own(bed: Bed, server: DhcpServer) -> None:
    meeting = Meeting(3)
    Crew(server, 3).run([meeting.job] * 3)
    assert (len({id(each) for each in meeting.servers}), bed.sim.handshakes["logon"]) == (3, 3)


def test_over_one_connection_the_jobs_keep_their_order(server: DhcpServer) -> None:
    done: list[int] = []
    Crew(server).run([_note(number, done) for number in range(9)])
    assert done == list(range(9))


def test_no_more_connections_are_made_than_there_are_jobs(bed: Bed, server: DhcpServer) -> None:
    meeting = Meeting(2)
    Crew(server, 16).run([meeting.job] * 2)
    assert bed.sim.handshakes["logon"] == 2


def test_further_connections_are_kept_for_the_next_jobs(bed: Bed, server: DhcpServer) -> None:
    crew = Crew(server, 2)
    for _run in range(3):
        meeting = Meeting(2)
        crew.run([meeting.job] * 2)
    assert bed.sim.handshakes["logon"] == 2


def test_the_calls_of_all_connections_are_counted(server: DhcpServer) -> None:
    meeting = Meeting(4)
    Crew(server, 4).run([meeting.job] * 4)
    assert server.calls == 4


def test_every_connection_is_closed_with_the_first(bed: Bed) -> None:
    with bed.server() as server:
        meeting = Meeting(3)
        Crew(server, 3).run([meeting.job] * 3)
    assert not [each for each in meeting.servers if each.detach() is not None]


def test_a_connection_that_the_server_does_not_take_is_done_without(bed: Bed, server: DhcpServer) -> None:
    server.open()
    bed.sim.faults.add("bind", times=None, drop="before")
    done: list[int] = []
    Crew(server, 4).run([_note(number, done) for number in range(9)])
    assert sorted(done) == list(range(9))


def _note(number: int, done: list[int]) -> Job:
    return lambda _server: done.append(number)


def _fail(_server: DhcpServer) -> None:
    raise DhcpError("no")


def test_what_a_job_raises_is_raised(server: DhcpServer) -> None:
    with pytest.raises(DhcpError, match="no"):
        Crew(server).run([_fail])


def test_what_a_job_raises_on_another_connection_is_raised(server: DhcpServer) -> None:
    mine = threading.get_ident()
    meeting = threading.Barrier(2)

    def job(_server: DhcpServer) -> None:
        meeting.wait(PATIENCE)
        if threading.get_ident() != mine:
            raise DhcpError("over there")

    with pytest.raises(DhcpError, match="over there"):
        Crew(server, 2).run([job, job])


def test_after_a_job_that_raised_no_other_one_begins(server: DhcpServer) -> None:
    done: list[int] = []
    with pytest.raises(DhcpError):
        Crew(server).run([_fail, lambda _server: done.append(1)])
    assert done == []
