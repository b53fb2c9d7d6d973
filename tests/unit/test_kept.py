# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that wait for the next item of a loop: when they serve again, and when not."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, kept, runner
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.kept import KeptConnections
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint, connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD, READER
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import GET, OURS, STRANGER, WANTED, Bed, ours

PATIENCE = 10  # seconds


@pytest.fixture
def connections() -> Iterator[KeptConnections]:
    """What a worker keeps."""
    keeping = KeptConnections()
    yield keeping
    keeping.close()


@pytest.fixture
def here(bed: Bed) -> Endpoint:
    """Where the simulator is."""
    return Endpoint(server=bed.sim.host, port=bed.sim.port)


@pytest.fixture
def account() -> Credentials:
    """Who logs on."""
    return Credentials(auth="ntlm", username=ADMINISTRATOR, password=DEFAULT_PASSWORD)


@pytest.fixture
def logged_on(here: Endpoint, account: Credentials) -> Iterator[Callable[[], Connection]]:
    """Makes connections; they are closed in the end."""
    made = []

    def make() -> Connection:
        made.append(connect(here, account, (DHCPSRV, DHCPSRV2)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def run(bed: Bed, connections: KeptConnections) -> Callable[..., Answer]:
    """One item after the other, as in the loop of a worker."""
    names = argspec.reservation_lease_spec()
    defaults = {name: option.get("default") for name, option in names.items()}
    at = {"server": bed.sim.host, "port": bed.sim.port, "auth": "ntlm"}
    who = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD}

    def execute(check_mode: bool = False, **given: Any) -> Answer:
        params = {**defaults, **at, **who, **given}
        return runner.perform(reservation_lease, params, check_mode=check_mode, kept=connections)

    return execute


def logons(bed: Bed) -> int:
    """How many logons the server has seen."""
    return bed.sim.handshakes["logon"]


# --- a loop -----------------------------------------------------------------------------------------------------------


def test_items_of_a_loop_share_one_logon(bed: Bed, run: Callable[..., Answer]) -> None:
    assert [run(**ours()).failure for _item in range(3)] == [None] * 3
    assert logons(bed) == 1


def test_check_mode_shares_it_too(bed: Bed, run: Callable[..., Answer]) -> None:
    run(**ours(), check_mode=True)
    run(**ours())
    assert logons(bed) == 1


def test_nothing_that_was_read_decides_about_the_next_item(bed: Bed, run: Callable[..., Answer]) -> None:
    run(**ours())
    bed.sim.scope("10.0.0.0").reservations.pop(WANTED)
    bed.sim.scope("10.0.0.0").records.pop(WANTED)
    again = run(**ours())
    assert (again.values["changed"], bed.holder(WANTED)) == (True, OURS)


def test_the_counts_are_those_of_the_item(run: Callable[..., Answer]) -> None:
    run(**ours())
    second, third = run(**ours()), run(**ours())
    assert second.values["rpc"] == third.values["rpc"]


def test_without_a_keeper_each_has_its_own_logon(bed: Bed, run: Callable[..., Answer]) -> None:
    run(**ours())
    runner.perform(reservation_lease, _params(bed), check_mode=False)
    assert (logons(bed), _until(lambda: bed.sim.connections == 1)) == (2, True)


@pytest.mark.parametrize(
    "other",
    [
        {"username": READER},
        {"password": "not this one"},
        {"spn": "host/another.example.com"},
        {"request_timeout": 7.0},
        {"connect_timeout": 7.0},
        {"endpoint_mapper_port": 1},
        {"server": "localhost"},
        {"auth": "negotiate"},
    ],
    ids=str,
)
def test_another_option_needs_another_connection(
    bed: Bed, run: Callable[..., Answer], other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5_CONFIG", os.devnull)
    run(**ours())
    taken: list[Connection | None] = []
    take = kept.Line.take
    monkeypatch.setattr(kept.Line, "take", lambda line: taken.append(take(line)))
    run(**ours(), **other)
    assert taken == [None]


@pytest.mark.parametrize("variable", ["KRB5CCNAME", "KRB5_CONFIG", "LM_COMPAT_LEVEL", "ANYTHING"])
def test_another_environment_needs_another_connection(
    bed: Bed, run: Callable[..., Answer], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(**ours())
    monkeypatch.setenv(variable, "3")
    run(**ours())
    assert logons(bed) == 2


def test_each_account_gets_its_own_connection_back(bed: Bed, run: Callable[..., Answer]) -> None:
    for _turn in range(3):
        run(**ours())
        run(**ours(), username=READER, check_mode=True)
    assert logons(bed) == 2


# --- after a failure --------------------------------------------------------------------------------------------------


def test_a_fault_ends_the_connection(bed: Bed, run: Callable[..., Answer]) -> None:
    run(**ours())
    bed.sim.faults.add(call=GET, fault=0x1C010003)
    assert run(**ours()).failure is not None
    bed.sim.faults.clear()
    assert run(**ours()).failure is None
    assert logons(bed) >= 2


def test_a_conflict_ends_the_connection(bed: Bed, run: Callable[..., Answer]) -> None:
    bed.reserved_record(WANTED, STRANGER)
    assert run(**ours()).failure is not None
    assert _until(lambda: bed.sim.connections == 0)


def test_bad_input_leaves_the_connection_to_the_next_item(bed: Bed, run: Callable[..., Answer]) -> None:
    run(**ours())
    assert run(**ours(mac="00:1c")).failure is not None
    assert run(**ours()).failure is None
    assert logons(bed) == 1


def test_an_interruption_ends_the_connection(bed: Bed, run: Callable[..., Answer]) -> None:
    class Interruption(BaseException):
        """As when the time of a task is over."""

    def interrupted(_server: Any) -> Answer:
        _server.scope_addresses()
        raise Interruption

    run(**ours())
    with pytest.raises(Interruption):
        runner.perform(lambda _params, check_mode: interrupted, _params(bed), check_mode=False, kept=KeptConnections())
    assert _until(lambda: bed.sim.connections == 1)


def test_a_connection_that_the_server_closed_is_replaced(bed: Bed, run: Callable[..., Answer]) -> None:
    run(**ours())
    bed.sim._loop.call_soon_threadsafe(lambda: [each.drop() for each in tuple(bed.sim._server.connections)])
    assert _until(lambda: bed.sim.connections == 0)
    assert run(**ours()).failure is None
    assert logons(bed) == 2


# --- the shelf --------------------------------------------------------------------------------------------------------


def test_what_is_put_is_taken_once(
    connections: KeptConnections, here: Endpoint, account: Credentials, logged_on: Callable[[], Connection]
) -> None:
    line, mine = connections.line(here, account), logged_on()
    line.put(mine)
    assert [line.take(), line.take()] == [mine, None]


def test_a_connection_on_which_something_came_unasked_is_closed(
    connections: KeptConnections, here: Endpoint, account: Credentials, logged_on: Callable[[], Connection]
) -> None:
    line, mine = connections.line(here, account), logged_on()
    line.put(mine)
    ours_end, theirs = socket.socketpair()
    mine._channel._socket.close()
    mine._channel._socket = ours_end
    theirs.sendall(b"\x05")
    assert (line.take(), mine.broken) == (None, True)
    theirs.close()


def test_what_was_received_and_not_read_makes_a_connection_unfit(logged_on: Callable[[], Connection]) -> None:
    mine = logged_on()
    mine._channel._buffer += b"\x05"
    assert not mine.is_quiet()


def test_a_broken_connection_is_not_kept(
    connections: KeptConnections, here: Endpoint, account: Credentials, logged_on: Callable[[], Connection]
) -> None:
    line, mine = connections.line(here, account), logged_on()
    mine.close()
    line.put(mine)
    assert line.take() is None


def test_a_connection_does_not_wait_for_long(
    connections: KeptConnections,
    here: Endpoint,
    account: Credentials,
    logged_on: Callable[[], Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line, mine = connections.line(here, account), logged_on()
    line.put(mine)
    monkeypatch.setattr(kept, "LONGEST_PAUSE", -1.0)
    assert (line.take(), mine.broken) == (None, True)


def test_no_more_than_a_few_wait(
    connections: KeptConnections, here: Endpoint, account: Credentials, logged_on: Callable[[], Connection]
) -> None:
    made = [logged_on() for _number in range(kept.MOST + 1)]
    for number, each in enumerate(made):
        connections.line(here, Credentials(auth="ntlm", username=f"user{number}", password="x")).put(each)
    assert [each.broken for each in made] == [True] + [False] * kept.MOST


def test_another_thread_gets_nothing(
    connections: KeptConnections, here: Endpoint, account: Credentials, logged_on: Callable[[], Connection]
) -> None:
    line = connections.line(here, account)
    line.put(logged_on())
    found: list[Connection | None] = []
    thread = threading.Thread(target=lambda: found.extend([line.take(), connections.line(here, account).take()]))
    thread.start()
    thread.join(PATIENCE)
    assert found == [None, None]


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the simulator's thread is not needed there
def test_a_forked_process_gets_nothing_and_leaves_the_parents_connection_alone(
    connections: KeptConnections, here: Endpoint, account: Credentials, logged_on: Callable[[], Connection], bed: Bed
) -> None:
    line, mine = connections.line(here, account), logged_on()
    line.put(mine)
    child = os.fork()
    if child == 0:
        os._exit(0 if connections.line(here, account).take() is None and mine.broken else 1)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    found = line.take()
    assert found is mine
    assert found.call(DHCPSRV, 28, b"\0\0\0\0", label="R_DhcpGetVersion")
    assert logons(bed) == 1


def test_no_secret_is_kept(
    connections: KeptConnections, here: Endpoint, logged_on: Callable[[], Connection], account: Credentials
) -> None:
    line = connections.line(here, account)
    line.put(logged_on())
    shelf = connections._shelf()
    assert DEFAULT_PASSWORD not in repr([vars(line), shelf.secret, list(shelf.waiting)])
    assert DEFAULT_PASSWORD.encode() not in b"".join(shelf.waiting)


def test_two_processes_have_different_keys_for_the_same(here: Endpoint, account: Credentials) -> None:
    one, other = (KeptConnections().line(here, account) for _process in range(2))
    assert one._key != other._key


def _params(bed: Bed) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in argspec.reservation_lease_spec().items()}
    at = {"server": bed.sim.host, "port": bed.sim.port, "auth": "ntlm"}
    return {**defaults, **at, "username": ADMINISTRATOR, "password": DEFAULT_PASSWORD, **ours()}


def _until(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true, in time."""
    event = threading.Event()
    for _look in range(int(PATIENCE / 0.01)):
        if condition():
            return True
        event.wait(0.01)
    return False
