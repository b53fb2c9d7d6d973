# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in for a module's surroundings in the controller's worker: arguments, environment, secrets, memory."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import worker
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import RESERVATION_LEASE
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease
from ansible_collections.msrpc.dhcp.tests.playbooks.running import TREE
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import Bed, ours

VARIABLE = "MSRPC_DHCP_TEST"
# Runs in a process of its own: which modules a task imports that are not there when the action is.
LATE_IMPORTS = """
import json, sys
from ansible_collections.msrpc.dhcp.plugins.action import dhcp_reservation_lease as action
before = set(sys.modules)
arguments = json.loads(sys.argv[1])
checked = action.worker.check(action.RESERVATION_LEASE, arguments)
result = action.worker.perform(action.reservation_lease, checked, check_mode=False)
assert not result.get("failed"), result
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def arguments(bed: Bed, **more: Any) -> dict[str, Any]:
    """A task's arguments."""
    account = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD}
    return {"server": bed.sim.host, "port": bed.sim.port, "auth": "ntlm", **account, **ours(), **more}


@pytest.fixture
def run(bed: Bed) -> Any:
    """One task after the other."""

    def execute(*, check_mode: bool = False, **more: Any) -> Any:
        checked = worker.check(RESERVATION_LEASE, arguments(bed, **more))
        return checked and worker.perform(reservation_lease, checked, check_mode=check_mode)

    yield execute
    worker._KEPT.close()


# --- results ----------------------------------------------------------------------------------------------------------


def test_a_result_is_that_of_a_module(run: Callable[..., Any]) -> None:
    result = run(name="printer")
    assert set(result) == {"changed", "clients", "client", "diff", "rpc", "invocation"}


def test_check_mode_writes_nothing(run: Callable[..., Any], bed: Bed) -> None:
    assert (run(check_mode=True)["changed"], bed.sim.writes) == (True, 0)


def test_an_expected_failure_is_a_result(run: Callable[..., Any]) -> None:
    result = run(mac_address="00:1c")
    assert (result["failed"], "00:1c" in result["msg"]) == (True, True)


def test_what_the_option_table_refuses_is_left_to_the_module(run: Callable[..., Any], bed: Bed) -> None:
    assert run(colour="red") is None
    assert bed.sim.handshakes == {}


def test_what_cannot_be_given_to_a_module_is_left_to_ansible(run: Callable[..., Any]) -> None:
    assert run(name=object()) is None


def test_all_that_a_task_needs_is_imported_with_the_action(bed: Bed) -> None:
    """So it is there before a strategy forks, once and not in every worker."""
    given = arguments(bed, port=None, endpoint_mapper_port=bed.sim.endpoint_mapper_port)
    done = subprocess.run(
        [sys.executable, "-c", LATE_IMPORTS, json.dumps(given)],
        env={**os.environ, "PYTHONPATH": str(TREE)},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(done.stdout) == []


# --- secrets ----------------------------------------------------------------------------------------------------------


def shown(values: dict[str, Any], *, password: str = "true", warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    """The result for an answer, with that password."""
    checked = worker.Checked(params={"password": password}, secrets={password})
    return worker.result(Answer(values=values, warnings=list(warnings)), checked)


def test_the_password_is_removed_wherever_it_stands() -> None:
    result = shown({"clients": [{"name": "x-secret-y"}]}, password="secret", warnings=("about secret",))
    assert "secret" not in json.dumps(result)


def test_truth_values_are_no_secrets() -> None:
    assert shown({"changed": True}, password="True")["changed"] is True


def test_the_parameters_do_not_print_their_secrets() -> None:
    assert "hidden" not in repr(worker.Checked(params={}, secrets={"hidden"}))


# --- the environment --------------------------------------------------------------------------------------------------


def test_variables_hold_as_long_as_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with worker.applied({VARIABLE: 7}):
        assert os.environ[VARIABLE] == "7"
    assert VARIABLE not in os.environ


def test_variables_of_the_process_come_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "mine")
    with pytest.raises(KeyError), worker.applied({VARIABLE: "the task's"}):
        raise KeyError
    assert os.environ[VARIABLE] == "mine"


@pytest.mark.parametrize("name", ["KRB5CCNAME", "MSRPC_DHCP_SERVER", "LM_COMPAT_LEVEL", "_x1"])
def test_ordinary_variables_can_be_applied(name: str) -> None:
    assert worker.can_apply({name: "1"})


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONPATH": "/x"}, {"LD_LIBRARY_PATH": "/x"}, {"a-b": "1"}, {"a=b": "1"}, {"": "1"}, {"A": "\0"}, {1: "1"}],
    ids=str,
)
def test_what_only_a_new_process_can_take_on_is_left_to_the_module(environment: dict[str, Any]) -> None:
    assert not worker.can_apply(environment)


# --- the folder -------------------------------------------------------------------------------------------------------


def test_relative_paths_start_from_the_folder_as_long_as_the_task(tmp_path: Path) -> None:
    before = Path.cwd()
    with worker.in_folder(str(tmp_path)):
        assert Path.cwd().samefile(tmp_path)
    assert Path.cwd() == before


def test_the_folder_is_left_after_a_failure(tmp_path: Path) -> None:
    before = Path.cwd()
    with pytest.raises(KeyError), worker.in_folder(str(tmp_path)):
        raise KeyError
    assert Path.cwd() == before


def test_a_folder_that_is_gone_is_no_reason_to_lose_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with worker.in_folder(str(tmp_path)):
        gone.rmdir()
    assert Path.cwd().samefile(tmp_path)


def test_a_folder_that_was_gone_before_is_no_reason_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with worker.in_folder(str(tmp_path)):
        assert Path.cwd().samefile(tmp_path)


# --- memory -----------------------------------------------------------------------------------------------------------


def test_the_garbage_collector_is_afterwards_as_it_was(run: Callable[..., Any]) -> None:
    before = (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count())
    run()
    assert (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()) == before


def test_what_somebody_else_froze_stays_frozen(run: Callable[..., Any]) -> None:
    gc.freeze()
    try:
        run()
        assert gc.get_freeze_count()
    finally:
        gc.unfreeze()
