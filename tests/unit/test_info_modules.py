# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that read, as Ansible runs them: answers, failures, documentation, examples."""

from __future__ import annotations

import importlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADMINISTRATOR,
    DEFAULT_PASSWORD,
    NOBODY,
    READER,
    Site,
    address,
    record,
    reservation,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.unit.reading import (
    LATER,
    MODULES,
    PRINTER,
    TREE,
    account,
    ask,
    program,
    run_module,
    site,
)

NAMES = ["dhcp_lease_info", "dhcp_scope_info", "dhcp_server_info"]
COLLECTION = TREE / "ansible_collections" / "msrpc" / "dhcp"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(site()) as simulator:
        yield simulator


def documented(name: str, part: str = "DOCUMENTATION") -> Any:
    return yaml.safe_load(getattr(importlib.import_module(f"{MODULES}{name}"), part))


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_reader_gets_an_answer_in_check_mode_too(sim: Simulator, name: str, check: bool) -> None:
    answer = run_module(name, account(sim), check=check)
    assert (answer.get("failed"), answer["changed"], answer["rpc"]["writes"], sim.writes) == (None, False, 0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_counts_its_calls(sim: Simulator, name: str) -> None:
    assert ask(sim, name)["rpc"]["calls"] == sim.calls


def test_a_client_has_the_keys_that_the_writing_module_returns(sim: Simulator) -> None:
    contains = documented("dhcp_reservation_lease", "RETURN")["client"]["contains"]
    assert set(ask(sim, "dhcp_lease_info")["clients"][0]) == set(contains) - {"action", "pending", "error", "before"}


@pytest.mark.parametrize(
    "asked",
    [
        {"mac": "001c.2580.a043", "scope_id": "192.0.2.0"},
        {"client_id": "001c2580a043", "scope": "192.0.2.0"},
        {"ip": "192.0.2.40"},
        {"reservation_name": "PRINTER-1.EXAMPLE.COM"},
    ],
)
def test_a_client_is_found_by_every_option_and_alias(sim: Simulator, asked: dict[str, str]) -> None:
    assert [client["ip_address"] for client in ask(sim, "dhcp_lease_info", **asked)["clients"]] == ["192.0.2.40"]


def test_absent_is_an_empty_list(sim: Simulator) -> None:
    assert ask(sim, "dhcp_lease_info", mac_address="02:00:00:00:00:01")["clients"] == []


@pytest.mark.parametrize(("name", "key"), [("dhcp_lease_info", "clients"), ("dhcp_scope_info", "scopes")])
def test_an_unknown_scope_is_an_empty_list_and_a_warning(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    told: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: told.append(text))
    assert ask(sim, name, scope="10.9.9.0")[key] == []
    assert told == ["The server has no scope 10.9.9.0. Check scope; dhcp_scope_info lists those that it has."]


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "bad", "told"),
    [
        ("dhcp_lease_info", {"mac_address": "nonsense"}, "mac_address='nonsense'"),
        ("dhcp_lease_info", {"ip_address": "10.0.0"}, "ip_address='10.0.0'"),
        ("dhcp_lease_info", {"mac_address": PRINTER, "client_id": "aabb"}, "client_id='aabb'"),
        ("dhcp_scope_info", {"scope": "office"}, "scope='office'"),
        ("dhcp_server_info", {"port": 0}, "port=0"),
    ],
)
def test_bad_input_is_refused_before_the_first_call(sim: Simulator, name: str, bad: dict[str, Any], told: str) -> None:
    answer = run_module(name, {**account(sim), **bad})
    assert answer["failed"]
    assert answer["msg"].startswith(told)
    assert (sim.calls, sim.handshakes["bind"]) == (0, 0)


@pytest.mark.parametrize("name", ["dhcp_lease_info", "dhcp_scope_info"])
def test_an_account_without_rights_fails_with_the_code(sim: Simulator, name: str) -> None:
    answer = run_module(name, account(sim, NOBODY))
    assert answer["failed"]
    assert (answer["error_code"], answer["error_name"]) == (5, "ERROR_ACCESS_DENIED")


def closed_port() -> int:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port: int = reserved.getsockname()[1]
    return port


def test_a_name_that_does_not_resolve_is_told_apart(sim: Simulator) -> None:
    answer = run_module("dhcp_server_info", {**account(sim), "server": "dhcp1.invalid"})
    assert "does not resolve" in answer["msg"]


def test_a_refused_connection_is_told_apart(sim: Simulator) -> None:
    answer = run_module("dhcp_server_info", {**account(sim), "port": closed_port()})
    assert "cannot connect" in answer["msg"]
    assert "refused" in answer["msg"]


def test_an_endpoint_mapper_without_dhcp_server_is_told_apart(sim: Simulator) -> None:
    sim.faults.forge("endpoint_none")
    asked = {**account(sim), "port": None, "endpoint_mapper_port": sim.endpoint_mapper_port}
    answer = run_module("dhcp_server_info", asked)
    assert "knows no dhcpsrv" in answer["msg"]


def test_a_refused_logon_is_told_apart_and_does_not_show_the_password(sim: Simulator) -> None:
    answer = run_module("dhcp_server_info", {**account(sim), "password": "canary-Pa55"})
    assert "did not accept the logon" in answer["msg"]
    assert "canary-Pa55" not in json.dumps(answer)


def test_no_right_to_read_is_an_answer_and_no_failure(sim: Simulator) -> None:
    answer = run_module("dhcp_server_info", account(sim, NOBODY))
    assert (answer.get("failed"), answer["reachable"], answer["can_read"]) == (None, True, False)
    assert "DHCP Users" in answer["read_error"]


# --- output is input --------------------------------------------------------------------------------------------------


def campus() -> Site:
    """2,000 clients with their records in two scopes, every fourth of them a lease."""
    scopes = []
    for base in (address("10.1.0.0"), address("10.2.0.0")):
        numbers = range(base + 256, base + 1256)
        identifiers = {number: number.to_bytes(6, "big") for number in numbers}
        leases = {number for number in numbers if number % 4 == 0}
        scopes.append(
            scope(
                base,
                16,
                records=tuple(
                    record(number, octets, name=f"c{number}", expires=LATER if number in leases else 0)
                    for number, octets in identifiers.items()
                ),
                reservations=tuple(
                    reservation(number, octets) for number, octets in identifiers.items() if number not in leases
                ),
            )
        )
    return Site(scopes=tuple(scopes))


def test_what_was_read_is_accepted_unchanged_and_nothing_is_written() -> None:
    with Simulator(campus()) as sim:
        before = sim.snapshot()
        clients = ask(sim, "dhcp_lease_info")["clients"]
        answer = run_module("dhcp_reservation_lease", {**account(sim, ADMINISTRATOR), "clients": clients})
        assert len(clients) == 2000
        assert (answer.get("failed"), answer["changed"], sim.writes) == (None, False, 0), answer.get("msg")
        assert {client["action"] for client in answer["clients"]} == {"none"}
        assert sim.snapshot() == before


# --- documentation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_documented_return_values_are_those_that_come(sim: Simulator, name: str) -> None:
    promised = {key for key, value in documented(name, "RETURN").items() if "success" in value["returned"]}
    assert promised == set(ask(sim, name)) - {"changed", "invocation", "warnings"}


@pytest.mark.parametrize(("name", "key"), [("dhcp_lease_info", "clients"), ("dhcp_scope_info", "scopes")])
def test_the_documented_keys_of_an_entry_are_those_that_come(sim: Simulator, name: str, key: str) -> None:
    entry = ask(sim, name)[key][0]
    described = documented(name, "RETURN")[key]
    assert set(described["contains"]) == set(entry) == set(described["sample"][0])
    for part, value in entry.items():
        if isinstance(value, dict):
            assert set(described["contains"][part]["contains"]) == set(value)


def test_every_module_is_in_the_action_group() -> None:
    group = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["dhcp"]
    assert sorted(group) == sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_run(tmp_path: Path, name: str) -> None:
    """With their servers' names and accounts; where the names lead is what module_defaults cannot say: the port."""
    office = scope(
        "192.0.2.0",
        records=(record("192.0.2.40", PRINTER, expires=0),),
        reservations=(reservation("192.0.2.40", PRINTER),),
    )
    with Simulator(Site(scopes=(office,))) as sim:
        text = importlib.import_module(f"{MODULES}{name}").EXAMPLES
        for server in ("dhcp1.example.com", "dhcp2.example.com"):
            text = text.replace(server, sim.host)
        play = {"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(text)}
        playbook = tmp_path / "examples.yml"
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        environment = {
            "MSRPC_DHCP_SERVER": sim.host,
            "MSRPC_DHCP_PORT": str(sim.port),
            "MSRPC_DHCP_USERNAME": READER,
            "MSRPC_DHCP_PASSWORD": DEFAULT_PASSWORD,
        }
        printed = program(
            "ansible-playbook", playbook, "-e", f"dhcp_password={DEFAULT_PASSWORD}", home=tmp_path, env=environment
        )
        assert "failed=0" in printed
        assert sim.writes == 0
