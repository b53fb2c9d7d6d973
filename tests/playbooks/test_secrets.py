# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A password appears nowhere: not in what a playbook prints at its loudest, not in a file, not on the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run
from ansible_collections.msrpc.dhcp.tests.playbooks.support import SITE, Program, Workplace, task

CANARY = "Canary-7f3a9e51"
ACCOUNTS = [
    {"username": "admin", "password": CANARY, "rights": "administrators"},
    {"username": "nobody", "password": CANARY, "rights": "none"},
]
CLIENT = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
# What stands in the message of each failure.
FAILURES = {
    "bad input": "10.0.0.300",
    "name not found": "dhcp.invalid",
    "refused": "refused",
    "wrong password": "EXAMPLE\\admin",
    "access denied": "ERROR_ACCESS_DENIED",
    "conflict": "00:1c:25:80:a0:43",
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A simulator whose accounts have the canary as their password."""
    folder: Path = tmp_path_factory.mktemp("workplace")
    with Program(folder, {**SITE, "accounts": ACCOUNTS}) as program:
        (folder / "site.json").unlink()
        yield Workplace(program=program, home=folder / "home")


@pytest.fixture(scope="module")
def run(workplace: Workplace) -> Run:
    """A success, and a failure at every stage; the password is given by the environment and as an option."""
    with closing(create_server(("127.0.0.1", 0))) as unused:
        closed_port = unused.getsockname()[1]
    secret = "{{ lookup('ansible.builtin.env', 'SECRET') }}"
    given = {**workplace.connection, "username": "EXAMPLE\\admin", "password": secret}

    def failing(name: str, **options: Any) -> dict[str, Any]:
        return task(name, {**CLIENT, **options}, ignore_errors=True)

    tasks = [
        task("success", CLIENT),
        task(
            "success by environment",
            CLIENT,
            module_defaults={"group/msrpc.dhcp.dhcp": {**given, "password": "{{ omit }}"}},
        ),
        failing("bad input", ip_address="10.0.0.300"),
        failing("name not found", server="dhcp.invalid"),
        failing("refused", port=closed_port),
        failing("wrong password", password=f"{secret}-x"),
        failing("access denied", username="EXAMPLE\\nobody"),
        failing("conflict", mac_address="00:1c:25:80:a0:44"),
    ]
    # Not by the keyword `environment`, which Ansible itself prints. Nobody answers for .invalid (RFC 6761); the
    # resolver need not ask for long.
    env = {"SECRET": CANARY, "MSRPC_DHCP_PASSWORD": CANARY, "RES_OPTIONS": "timeout:1 attempts:1"}
    ended = workplace.play(tasks, "-vvvv", connection=given, env=env)
    assert ended.status == 0, ended.output
    return ended


def test_the_password_was_used(run: Run) -> None:
    assert (run["success"].changed, run["success by environment"].changed) == (True, False)


@pytest.mark.parametrize("stage", FAILURES)
def test_a_failure_comes_at_the_stage_that_is_meant(run: Run, stage: str) -> None:
    assert run[stage].failed
    assert FAILURES[stage] in run[stage].values["msg"]


def test_no_failure_is_a_traceback(run: Run) -> None:
    assert "Traceback" not in run.output


def test_the_output_at_its_loudest_does_not_show_the_password(run: Run) -> None:
    assert "<127.0.0.1> EXEC" in run.output
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in run.output
    assert CANARY not in run.output


def test_the_results_do_not_hold_the_password(run: Run) -> None:
    assert CANARY not in json.dumps([task.values for task in run.tasks.values()])


def test_no_file_is_left_that_holds_the_password(run: Run, workplace: Workplace) -> None:
    assert run.tasks
    files = [path for path in workplace.home.parent.rglob("*") if path.is_file()]
    assert workplace.home / "playbook.yml" in files
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
