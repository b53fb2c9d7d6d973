# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a program: its files, its control port, its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.control import ask
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Site, address, scope
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import ImpacketClient

OURS = bytes.fromhex("001c2580a043")
LONGEST = 20  # seconds
SITE = {"scopes": [{"scope": "10.0.0.0", "prefix_length": 24, "ranges": [{"start": "10.0.0.10", "end": "10.0.0.250"}]}]}
CREATE = "R_DhcpCreateClientInfoVQ"


class Program:
    """A running server and its files."""

    def __init__(self, folder: Path) -> None:
        self.state_file = folder / "state.json"
        self.dump_file = folder / "dump.json"
        site = folder / "site.yml"
        site.write_text(json.dumps(SITE), encoding="utf-8")
        command = [sys.executable, "-m", "ansible_collections.msrpc.dhcp.tests.simulator", "--site", str(site)]
        command += ["--control-port", "0", "--state-file", str(self.state_file), "--dump", str(self.dump_file)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()
        self.state: dict[str, Any] = json.loads(self.state_file.read_text(encoding="utf-8"))
        self.host, self.port = self.state["host"], self.state["port"]

    def ask(self, **request: Any) -> Any:
        return ask(self.state["control_port"], **request)

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(LONGEST)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    started = Program(tmp_path_factory.mktemp("simulator"))
    yield started
    started.end()


@pytest.fixture
def program(shared: Program) -> Program:
    shared.ask(do="clear_faults")
    shared.ask(do="set", version=[10, 0])
    for each in list(shared.ask(do="dump")["scopes"]["10.0.0.0"]["records"]):
        shared.ask(do="remove_record", scope="10.0.0.0", ip_address=each)
    shared.ask(do="reset")
    return shared


class At:
    """What a client needs of a server in another process."""

    def __init__(self, program: Program) -> None:
        self.host: str = program.host
        self.port: int = program.port


def test_the_program_says_where_it_listens(program: Program) -> None:
    assert program.greeting == (
        f"Simulated DHCP server on 127.0.0.1 port {program.port}, "
        f"its endpoint mapper on port {program.state['endpoint_mapper_port']}.\n"
    )


def test_the_state_file_names_the_process(program: Program) -> None:
    assert program.state["pid"] == program.process.pid


def test_the_dump_shows_what_a_client_did(program: Program) -> None:
    with ImpacketClient(At(program)) as client:
        client.create(address("10.0.0.20"), OURS, "printer")
    dump = program.ask(do="dump")
    assert dump["counters"] == {CREATE: 1}
    assert dump["writes"] == 1
    assert dump["audit"][0]["after"]["name"] == "printer"
    assert dump["scopes"]["10.0.0.0"]["records"]["10.0.0.20"]["client_id"] == OURS.hex()


def test_records_can_be_put_and_removed(program: Program) -> None:
    program.ask(do="put_record", scope="10.0.0.0", record={"ip_address": "10.0.0.30", "client_id": "aa"})
    put = list(program.ask(do="dump")["scopes"]["10.0.0.0"]["records"])
    program.ask(do="remove_record", scope="10.0.0.0", ip_address="10.0.0.30")
    assert (put, program.ask(do="dump")["scopes"]["10.0.0.0"]["records"]) == (["10.0.0.30"], {})


def test_reservations_can_be_put_and_removed(program: Program) -> None:
    program.ask(do="put_reservation", scope="10.0.0.0", reservation={"ip_address": "10.0.0.30", "client_id": "aa"})
    put = list(program.ask(do="dump")["scopes"]["10.0.0.0"]["reservations"])
    program.ask(do="remove_reservation", scope="10.0.0.0", ip_address="10.0.0.30")
    assert (put, program.ask(do="dump")["scopes"]["10.0.0.0"]["reservations"]) == (["10.0.0.30"], {})


def test_a_fault_can_be_ordered_with_changes_before_it(program: Program) -> None:
    stranger = {"ip_address": "10.0.0.20", "client_id": "aa"}
    program.ask(do="fault", call=CREATE, before=[{"do": "put_record", "scope": "10.0.0.0", "record": stranger}])
    with ImpacketClient(At(program)) as client:
        assert client.create(address("10.0.0.20"), OURS, "printer") == 20013


def test_a_stub_can_be_ordered(program: Program) -> None:
    program.ask(do="fault", call="R_DhcpGetVersion", stub="010000000200000000000000")
    with ImpacketClient(At(program)) as client:
        assert client.version() == (1, 2)


def test_a_forgery_can_be_ordered(program: Program) -> None:
    program.ask(do="forge", names=["flipped_bit"])
    with ImpacketClient(At(program)) as client:
        assert client.version() == (11, 0)


def test_settings_can_be_changed(program: Program) -> None:
    program.ask(do="set", version=[6, 3])
    with ImpacketClient(At(program)) as client:
        assert client.version() == (6, 3)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"do": "dance"}, "dance"),
        ({}, "do"),
        ({"do": "set", "colour": 1}, "no setting colour"),
        ({"do": "fault", "colour": 1}, "a recipe has no colour"),
        ({"do": "forge", "names": ["magic"]}, "no such forgery: magic"),
        ({"do": "remove_record", "scope": "10.0.0.0", "ip_address": "10.0.0.99"}, "KeyError"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(program: Program, request_: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RuntimeError, match=complaint):
        program.ask(**request_)


def test_the_program_ends_cleanly_and_leaves_its_dump(tmp_path: Path) -> None:
    own = Program(tmp_path)
    assert own.end() == 0
    assert json.loads(own.dump_file.read_text(encoding="utf-8"))["calls"] == 0
    assert not own.state_file.exists()


def test_a_simulator_starts_from_a_mapping() -> None:
    with Simulator(SITE) as sim, ImpacketClient(sim) as client:
        assert client.version() == (10, 0)


def test_two_simulators_of_a_site_do_not_meet() -> None:
    site = Site(scopes=(scope("10.0.0.0"),))
    with Simulator(site) as one, Simulator(site) as other:
        with ImpacketClient(one) as client:
            client.create(address("10.0.0.20"), OURS, "printer")
        assert (len(one.scope("10.0.0.0").records), len(other.scope("10.0.0.0").records)) == (1, 0)


def test_a_simulator_that_cannot_listen_says_so() -> None:
    with pytest.raises(OSError, match="address"), Simulator(host="192.0.2.1"):
        pass


def test_a_simulator_drops_its_clients_when_it_ends() -> None:
    with Simulator(SITE) as sim:
        client = ImpacketClient(sim)
        client.__enter__()
        assert sim.connections == 1
    assert sim.connections == 0
    client.__exit__(None, None, None)


def test_counters_can_be_reset() -> None:
    with Simulator(SITE) as sim:
        with ImpacketClient(sim) as client:
            client.version()
        sim.reset_counters()
        assert (sim.calls, sim.handshakes.total()) == (0, 0)
