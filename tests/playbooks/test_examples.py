# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the modules' documentation runs; one that changes something does not when it runs again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.msrpc.dhcp.plugins.modules import (
    dhcp_lease_info,
    dhcp_reservation_lease,
    dhcp_scope_info,
    dhcp_server_info,
)
from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run
from ansible_collections.msrpc.dhcp.tests.playbooks.support import MODULE, Workplace
from ansible_collections.msrpc.dhcp.tests.simulator.site import DEFAULT_DOMAIN, DEFAULT_PASSWORD, READER

AGAIN = ", again"


def against(item: Any, port: int) -> Any:
    """The examples, but with the simulator in place of the server that they name."""
    if isinstance(item, list):
        return [against(each, port) for each in item]
    if not isinstance(item, dict):
        return item
    values = {key: against(value, port) for key, value in item.items()}
    return {**values, "server": "127.0.0.1", "port": port} if "server" in item else values


def twice(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every task of the writing module twice in a row; blocks stay what they are."""
    for each in tasks:
        if "block" in each:
            yield {**each, "block": list(twice(each["block"]))}
            continue
        yield each
        if MODULE in each:
            yield {**each, "name": each["name"] + AGAIN}


def tasks_of(node: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tasks of a play, those in blocks too."""
    for each in node:
        if "block" in each:
            yield from tasks_of(each["block"])
        else:
            yield each


WRITING: list[dict[str, Any]] = yaml.safe_load(dhcp_reservation_lease.EXAMPLES)
READERS = (dhcp_lease_info, dhcp_scope_info, dhcp_server_info)
READING: list[dict[str, Any]] = [each for module in READERS for each in yaml.safe_load(module.EXAMPLES)]
SAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(dhcp_reservation_lease.RETURN)
RETURNED: dict[str, set[str]] = {
    f"msrpc.dhcp.{module.__name__.rpartition('.')[2]}": set(yaml.safe_load(module.RETURN))
    for module in (dhcp_reservation_lease, *READERS)
}
NAMES = [each["name"] for each in tasks_of(WRITING) if MODULE in each]
NAMES_OF_READING = [each["name"] for each in tasks_of(READING)]


@pytest.fixture(scope="module")
def run(workplace: Workplace) -> Run:
    """All examples in the order of the documentation, those that read after those that write."""
    tasks = against([*twice(WRITING), *READING], workplace.connection["port"])
    env = {
        "MSRPC_DHCP_SERVER": "127.0.0.1",
        "MSRPC_DHCP_PORT": str(workplace.connection["port"]),
        "MSRPC_DHCP_USERNAME": f"{DEFAULT_DOMAIN}\\{READER}",
        "MSRPC_DHCP_PASSWORD": DEFAULT_PASSWORD,
    }
    ended = workplace.play(tasks, connection={}, env=env, variables={"dhcp_password": DEFAULT_PASSWORD})
    assert ended.status == 0, ended.output
    return ended


def records(run: Run, name: str) -> dict[str, dict[str, Any]]:
    """The server's records after an example."""
    found: dict[str, dict[str, Any]] = run[name].server["scopes"]["192.0.2.0"]["records"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_example_does_something(run: Run, name: str) -> None:
    assert run[name].changed


@pytest.mark.parametrize("name", NAMES)
def test_an_example_changes_nothing_when_it_runs_again(run: Run, name: str) -> None:
    again = run[name + AGAIN]
    assert (again.changed, again.writes) == (False, 0)


@pytest.mark.parametrize("value", ["client", "clients", "diff", "rpc"])
def test_the_documented_sample_is_what_the_first_example_returns(run: Run, value: str) -> None:
    assert run[NAMES[0]].values[value] == SAMPLES[value]["sample"]


@pytest.mark.parametrize("name", NAMES_OF_READING)
def test_an_example_that_reads_runs_and_writes_nothing(run: Run, name: str) -> None:
    assert (run[name].failed, run[name].changed, run[name].writes) == (False, False, 0)


def test_the_example_of_a_successor_keeps_the_name(run: Run) -> None:
    successor = run[next(name for name in NAMES if "successor" in name)]
    assert (successor.values["client"]["action"], successor.values["client"]["name"]) == ("replaced", "printer-3")


def test_the_example_of_an_allocation_takes_the_lowest_address(run: Run) -> None:
    name = next(name for name in NAMES if "next free" in name)
    assert run[name].values["client"]["ip_address"] == "192.0.2.10"
    assert records(run, name)["192.0.2.10"]["name"] == "camera-1"


def test_the_example_of_a_purge_leaves_what_it_lists_and_leases(run: Run) -> None:
    name = next(name for name in NAMES if "every other" in name)
    assert [client["ip_address"] for client in run[name].values["purged"]] == ["192.0.2.61"]
    assert sorted(records(run, name)) == ["192.0.2.10", "192.0.2.42", "192.0.2.43", "192.0.2.60"]


def test_every_returned_value_is_documented(run: Run) -> None:
    own = {"changed", "failed", "invocation", "warnings", "_ansible_delegated_vars", "_ansible_no_log"}
    for each in tasks_of([*twice(WRITING), *READING]):
        for module in RETURNED.keys() & each.keys():
            assert set(run[each["name"]].values) - own <= RETURNED[module]


def test_every_returned_key_of_a_client_is_documented(run: Run) -> None:
    assert set(run[NAMES[0]].values["client"]) | {"error", "before"} == set(SAMPLES["client"]["contains"])
