# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the simulator does for measurements: a server that is far away, answers that are encoded beforehand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Site, address, load, record, scope
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import ImpacketClient, SpnegoClient

OURS = bytes.fromhex("001c2580a043")
WHERE = address("10.0.0.20")
LATENCY = 0.05  # seconds
GET = "R_DhcpGetClientInfoVQ"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(Site(scopes=(scope("10.0.0.0"),))) as running:
        yield running


# --- latency ----------------------------------------------------------------------------------------------------------


def test_a_call_takes_at_least_the_latency(simulator: Simulator) -> None:
    with ImpacketClient(simulator) as client:
        simulator.settings.latency = LATENCY
        began = time.monotonic()
        client.version()
        assert time.monotonic() - began >= LATENCY


def test_each_leg_of_a_logon_takes_at_least_the_latency(simulator: Simulator) -> None:
    simulator.settings.latency = LATENCY
    began = time.monotonic()
    with SpnegoClient(simulator):  # bind and alter_context
        assert time.monotonic() - began >= 2 * LATENCY


def test_a_delay_comes_on_top_of_the_latency(simulator: Simulator) -> None:
    simulator.faults.add("R_DhcpGetVersion", delay=LATENCY)
    with ImpacketClient(simulator) as client:
        simulator.settings.latency = LATENCY
        began = time.monotonic()
        client.version()
        assert time.monotonic() - began >= 2 * LATENCY


def test_calls_of_several_connections_wait_together(simulator: Simulator) -> None:
    """The last one is sent long before the first one is answered, and all of them have reached the server by then."""
    with ExitStack() as stack:
        clients = [stack.enter_context(SpnegoClient(simulator)) for _each in range(8)]
        simulator.settings.latency = 20 * LATENCY
        for client in clients:
            client._send(28, bytes(4))
        first = clients[0]._receive()
        assert simulator.counters["R_DhcpGetVersion"] == len(clients)
        assert first
        for client in clients[1:]:
            client._receive()


def test_without_latency_an_answer_goes_out_at_once(simulator: Simulator) -> None:
    assert simulator.settings.latency == 0
    with ImpacketClient(simulator) as client:
        assert client.version() == simulator.settings.version


# --- answers encoded beforehand ---------------------------------------------------------------------------------------


def test_a_kept_answer_is_the_answer(simulator: Simulator) -> None:
    simulator.settings.keep_answers = True
    simulator.scope("10.0.0.0").records.put(record("10.0.0.20", OURS, name="printer"))
    with ImpacketClient(simulator) as client:
        names = [client.get(WHERE)["ClientInfo"]["ClientName"] for _again in range(2)]
    assert names == ["printer\x00"] * 2


def test_what_is_kept_is_not_looked_up_again(simulator: Simulator) -> None:
    simulator.settings.keep_answers = True
    with ImpacketClient(simulator) as client:
        assert client.get(WHERE)["ErrorCode"] == 20013
        simulator.scope("10.0.0.0").records.put(record("10.0.0.20", OURS))
        assert client.get(WHERE)["ErrorCode"] == 20013


def test_a_kept_answer_is_counted_like_any_other(simulator: Simulator) -> None:
    simulator.settings.keep_answers = True
    with ImpacketClient(simulator) as client:
        client.get(WHERE)
        client.get(WHERE)
    assert simulator.counters[GET] == 2


def test_a_kept_answer_belongs_to_its_request(simulator: Simulator) -> None:
    simulator.settings.keep_answers = True
    simulator.scope("10.0.0.0").records.put(record("10.0.0.20", OURS))
    with ImpacketClient(simulator) as client:
        assert client.get(WHERE)["ErrorCode"] == 0
        assert client.get(WHERE + 1)["ErrorCode"] == 20013


def test_a_write_makes_the_server_look_again(simulator: Simulator) -> None:
    simulator.settings.keep_answers = True
    with ImpacketClient(simulator) as client:
        assert client.get(WHERE)["ErrorCode"] == 20013
        assert client.create(WHERE, OURS, "printer") == 0
        assert client.get(WHERE)["ErrorCode"] == 0


def test_nothing_is_kept_unless_asked_for(simulator: Simulator) -> None:
    with ImpacketClient(simulator) as client:
        assert client.get(WHERE)["ErrorCode"] == 20013
        simulator.scope("10.0.0.0").records.put(record("10.0.0.20", OURS))
        assert client.get(WHERE)["ErrorCode"] == 0


# --- large sites ------------------------------------------------------------------------------------------------------


def test_a_site_is_read_from_json_as_from_yaml(tmp_path: Path) -> None:
    site = {"scopes": [{"scope": "10.0.0.0", "prefix_length": 24, "name": "Werk München"}]}
    files = [tmp_path / "site.json", tmp_path / "site.yml"]
    for file in files:
        file.write_text(json.dumps(site), encoding="utf-8")
    assert load(files[0]) == load(files[1])


def test_json_is_not_read_as_yaml(tmp_path: Path) -> None:
    file = tmp_path / "site.json"
    file.write_text("scopes: []", encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting value"):
        load(file)
