# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the module's documentation runs, and changes nothing when it runs again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.msrpc.dhcp.plugins.modules.dhcp_reservation_lease import EXAMPLES, RETURN
from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run
from ansible_collections.msrpc.dhcp.tests.playbooks.support import MODULE, Workplace
from ansible_collections.msrpc.dhcp.tests.simulator.site import DEFAULT_PASSWORD

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
    """Every task of the module twice in a row; blocks stay what they are."""
    for each in tasks:
        if "block" in each:
            yield {**each, "block": list(twice(each["block"]))}
        else:
            yield each
            yield {**each, "name": each["name"] + AGAIN}


def names(tasks: list[dict[str, Any]]) -> Iterator[str]:
    """The names of the module's tasks."""
    for each in tasks:
        if "block" in each:
            yield from names(each["block"])
        else:
            assert MODULE in each
            yield each["name"]


DOCUMENTED: list[dict[str, Any]] = yaml.safe_load(EXAMPLES)
SAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(RETURN)
NAMES = list(names(DOCUMENTED))


@pytest.fixture(scope="module")
def run(workplace: Workplace) -> Run:
    """All examples in the order of the documentation."""
    tasks = against(list(twice(DOCUMENTED)), workplace.connection["port"])
    ended = workplace.play(tasks, connection={}, variables={"dhcp_password": DEFAULT_PASSWORD})
    assert ended.status == 0, ended.output
    return ended


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


def test_every_returned_value_is_documented(run: Run) -> None:
    own = {"changed", "failed", "invocation", "warnings", "_ansible_no_log"}
    assert {key for each in run.tasks.values() for key in each.values} - own <= set(SAMPLES)


def test_every_returned_key_of_a_client_is_documented(run: Run) -> None:
    assert set(run[NAMES[0]].values["client"]) | {"error"} == set(SAMPLES["client"]["contains"])
