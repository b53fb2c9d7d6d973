# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a task runs, in the worker or as a module, and how often a loop logs on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import HERE, TREE, Run, run_playbook, vaulted
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Workplace, task
from ansible_collections.msrpc.dhcp.tests.simulator.site import DEFAULT_PASSWORD, READER

PRINTER = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
TEMPLATE = "{{ 6 * 7 }}"
GUEST = {"ip_address": "10.0.0.90", "mac_address": "00:1c:25:80:a0:90", "name": TEMPLATE}
EACH: dict[str, Any] = {"ip_address": "10.0.0.{{ item }}", "client_id": "00{{ item }}"}
HOSTS = ("one", "two", "three")
FOR_HOST = {"ip_address": "{{ address }}", "client_id": "{{ identifier }}"}

# How a task comes to be run as a module, or refused.
AS_MODULES: dict[str, dict[str, Any]] = {
    "a jump host": {"vars": {"ansible_connection": "elsewhere"}},
    "another user": {"become": True, "become_method": "oneself"},
    "async": {"async": 60, "poll": 1},
    "a time limit": {"timeout": 60},
    "variables that an interpreter reads when it starts": {"environment": {"PYTHONNOUSERSITE": "1"}},
}
WINDOWS: dict[str, dict[str, Any]] = {
    "winrm": {"vars": {"ansible_connection": "winrm"}},
    "psrp": {"vars": {"ansible_connection": "psrp"}},
    "ssh with powershell": {"vars": {"ansible_connection": "ssh", "ansible_shell_type": "powershell"}},
    "ssh with cmd": {"vars": {"ansible_connection": "ssh", "ansible_shell_type": "cmd"}},
}
# On a controller without the packages for Kerberos: how a task comes to run as a module, or in the worker all the same.
# A host that is delegated to has its own interpreter.
ANOTHER = {"vars": {"ansible_python_interpreter": "{{ another }}"}}
NEED_ANOTHER: dict[str, dict[str, Any]] = {
    "another Python": task("", PRINTER, **ANOTHER),
    "another Python, from the variables of a host": task("", PRINTER, delegate_to="other"),
}
NEED_NO_OTHER: dict[str, dict[str, Any]] = {
    "another Python, for NTLM": task("", {**PRINTER, "auth": "ntlm"}, **ANOTHER),
    "this Python": task("", PRINTER),
    "a Python that is to be found": task("", PRINTER, vars={"ansible_python_interpreter": "auto_silent"}),
}
# How often a loop of a task logs on, and what makes the items differ.
LOOPS: dict[str, tuple[int, dict[str, Any]]] = {
    "equal items": (1, task("", EACH, loop=[41, 42, 43, 44])),
    "in check mode": (1, task("", EACH, loop=[45, 46], check_mode=True)),
    "two accounts in turn": (
        2,
        task(
            "", {**EACH, "username": f"EXAMPLE\\{{{{ 'dhcp-admin' if item % 2 else '{READER}' }}}}"}, loop=[41, 42, 43]
        ),
    ),
    "a wrong password": (
        2,
        task(
            "",
            {**EACH, "password": f"{{{{ 'wrong' if item == 42 else '{DEFAULT_PASSWORD}' }}}}"},
            loop=[41, 42, 43],
            ignore_errors=True,
        ),
    ),
    "an item that fails": (2, task("", EACH, loop=[41, 90, 42], ignore_errors=True)),
    "an environment for each item": (
        3,
        task("", EACH, loop=[41, 42, 43], environment={"KRB5CCNAME": "FILE:/{{ item }}"}),
    ),
    "an environment for all items": (1, task("", EACH, loop=[41, 42, 43], environment={"KRB5CCNAME": "FILE:/none"})),
    "items as modules": (2, task("", EACH, loop=[41, 42], vars={"ansible_connection": "elsewhere"})),
}


def plays(connection: dict[str, Any]) -> list[dict[str, Any]]:
    """All plays of the run."""
    common = {"gather_facts": False, "module_defaults": {"group/msrpc.dhcp.dhcp": connection}}
    here = [
        task("in the worker", {**PRINTER, "name": "printer"}),
        *[task(name, PRINTER, **how) for name, how in AS_MODULES.items()],
        task("async, waited for by hand", PRINTER, register="job", **{"async": 60, "poll": 0}),
        {
            "name": "the end of the job",
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "register": "ended",
            "until": "ended is finished",
            "retries": 100,
            "delay": 0.1,
        },
        {"name": "an info module", "msrpc.dhcp.dhcp_server_info": {}},
        *[task(name, PRINTER, ignore_errors=True, **how) for name, how in WINDOWS.items()],
        *[{**how, "name": name} for name, (_logons, how) in LOOPS.items()],
        task(
            "until",
            {"ip_address": "10.0.0.50", "client_id": "0050"},
            register="result",
            until="result.client.action == 'none'",
            retries=3,
            delay=0,
        ),
        task("retries", {**PRINTER, "ip_address": "10.0.0.300"}, retries=2, delay=0, ignore_errors=True),
        task("conflict", {"ip_address": "10.0.0.90", "client_id": "0090"}, ignore_errors=True, register="found"),
        {"name": "a returned text", "ansible.builtin.debug": {"msg": "{{ found.msg }}"}},
        task("a text from the server as an option", {**PRINTER, "name": "{{ found.msg[-400:][:9] ~ strange }}"}),
        task("a vaulted password", {**PRINTER, "password": "{{ vaulted }}"}),
        task("silent", {**PRINTER, "description": "quiet please"}, no_log=True),
    ]
    per_host = {**common, "hosts": "fleet"}
    delegated = {"delegate_to": "localhost"}
    return [
        {**common, "name": "Here", "hosts": "localhost", "tasks": here},
        {
            **per_host,
            "name": "One after the other",
            "tasks": [
                task("each host declares itself", FOR_HOST, **delegated),
                task("one for all", {"ip_address": "10.0.0.70", "client_id": "0070"}, run_once=True, **delegated),
                task("one at a time", FOR_HOST, throttle=1, **delegated),
            ],
        },
        {
            **per_host,
            "name": "Freely",
            "strategy": "free",
            "tasks": [task("each in its own time", FOR_HOST, **delegated)],
        },
    ]


def secrets(home: Path) -> list[str]:
    """Arguments with which Ansible knows the variables, one of them vaulted."""
    (home / "key").write_text("key", encoding="utf-8")
    sealed = vaulted(DEFAULT_PASSWORD, key=home / "key", home=home)
    indented = "\n".join(f"  {line}" for line in sealed.splitlines())
    unsafe = f"strange: !unsafe '{TEMPLATE}'"
    (home / "variables.yml").write_text(f"vaulted: !vault |\n{indented}\n{unsafe}\n", encoding="utf-8")
    return ["--vault-password-file", str(home / "key"), "--extra-vars", f"@{home / 'variables.yml'}"]


@pytest.fixture(scope="module")
def run(workplace: Workplace) -> Run:
    """All of it in one run."""
    home = workplace.home
    home.mkdir()
    lease = {**GUEST, "lease_expires": "2099-01-01T00:00:00Z"}
    workplace.program.ask(do="put_record", scope="10.0.0.0", record=lease)
    hosts = {
        name: {"address": f"10.0.0.{60 + number}", "identifier": f"006{number}"} for number, name in enumerate(HOSTS)
    }
    (home / "hosts.json").write_text(json.dumps({"fleet": {"hosts": hosts}}), encoding="utf-8")
    (home / "plays.json").write_text(json.dumps(plays({**workplace.connection, "auth": "ntlm"})), encoding="utf-8")
    ended = run_playbook(
        home / "plays.json",
        "--inventory",
        str(home / "hosts.json"),
        "-vvv",
        *secrets(home),
        home=home,
        env={"ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"), "ANSIBLE_BECOME_PLUGINS": str(HERE / "become")},
        control_port=workplace.program.ports["control_port"],
    )
    assert ended.status == 0, ended.output
    return ended


def logons(run: Run, name: str) -> int:
    """How often a task logged on, or tried to."""
    before, after = (_handshakes(run, each) for each in (list(run.tasks)[list(run.tasks).index(name) - 1], name))
    return after - before


def _handshakes(run: Run, name: str) -> int:
    counted = run[name].server["handshakes"]
    return int(counted.get("logon", 0) + counted.get("refused", 0))


def printed(run: Run, name: str) -> str:
    """What Ansible printed about a task."""
    return run.output.partition(f"TASK [{name}]")[2].partition("\nTASK [")[0]


# --- where it runs ----------------------------------------------------------------------------------------------------


def test_a_local_task_runs_in_the_worker(run: Run) -> None:
    assert run["in the worker"].changed
    assert "Using action file " in printed(run, "in the worker")


def test_no_process_is_started_for_it_and_no_directory_made(run: Run) -> None:
    assert "EXEC" not in printed(run, "in the worker")


@pytest.mark.parametrize("name", AS_MODULES)
def test_the_module_runs_elsewhere(run: Run, name: str) -> None:
    assert "Using action file " not in printed(run, name)
    assert "/plugins/modules/dhcp_reservation_lease.py" in printed(run, name)


@pytest.mark.parametrize("name", AS_MODULES)
def test_the_module_comes_to_the_same(run: Run, name: str) -> None:
    assert (run[name].changed, run[name].values["client"]["name"]) == (False, "printer")


def test_a_job_in_the_background_comes_to_an_end(run: Run) -> None:
    assert run["the end of the job"].values["client"]["name"] == "printer"


def test_other_modules_stay_modules(run: Run) -> None:
    assert "/plugins/modules/dhcp_server_info.py" in printed(run, "an info module")


@pytest.mark.parametrize("name", WINDOWS)
def test_a_windows_host_is_refused_with_what_to_write(run: Run, name: str) -> None:
    assert run[name].failed
    assert "Windows host such as localhost" in run[name].values["msg"]
    assert "delegate_to: localhost" in run[name].values["msg"]


@pytest.mark.parametrize("name", WINDOWS)
def test_nothing_is_tried_on_a_windows_host(run: Run, name: str) -> None:
    assert run[name].calls == 0


# --- loops ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_logs_on_as_often_as_it_must(run: Run, name: str) -> None:
    assert logons(run, name) == LOOPS[name][0]


def test_an_item_that_fails_does_not_harm_the_others(run: Run) -> None:
    assert ["msg" in result for result in run["an item that fails"].values["results"]] == [
        False,
        True,
        False,
    ]


def test_only_the_item_with_the_wrong_password_fails(run: Run) -> None:
    assert ["msg" in result for result in run["a wrong password"].values["results"]] == [False, True, False]


def test_until_repeats_over_the_same_connection(run: Run) -> None:
    assert (run["until"].values["attempts"], logons(run, "until")) == (2, 1)


def test_retries_are_counted(run: Run) -> None:
    assert (run["retries"].failed, run["retries"].values["attempts"]) == (True, 2)


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["each host declares itself", "each in its own time", "one at a time"])
def test_each_host_has_a_worker_and_a_logon_of_its_own(run: Run, name: str) -> None:
    assert logons(run, name) == len(HOSTS)


def test_all_hosts_are_declared(run: Run) -> None:
    reservations = run["one for all"].server["scopes"]["10.0.0.0"]["reservations"]
    assert {"10.0.0.60", "10.0.0.61", "10.0.0.62"} <= set(reservations)


def test_what_runs_once_logs_on_once(run: Run) -> None:
    assert logons(run, "one for all") == 1


# --- texts ------------------------------------------------------------------------------------------------------------


def test_a_text_from_the_server_is_no_template(run: Run) -> None:
    assert TEMPLATE in run["conflict"].values["msg"]
    assert run["a returned text"].values["msg"] == run["conflict"].values["msg"]


def test_an_unsafe_text_is_taken_as_it_is(run: Run) -> None:
    assert run["a text from the server as an option"].values["client"]["name"].endswith(TEMPLATE)


def test_a_vaulted_password_is_used_and_not_shown(run: Run) -> None:
    assert not run["a vaulted password"].failed
    assert DEFAULT_PASSWORD not in json.dumps(run["a vaulted password"].values)


def test_a_silent_task_says_nothing(run: Run) -> None:
    assert run["silent"].changed
    assert "censored" in printed(run, "silent")
    assert "quiet please" not in run.output


# --- without the packages for Kerberos --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_kerberos(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run by a Python that cannot import gssapi, where another one is at hand."""
    folder = tmp_path_factory.mktemp("shadow")
    (folder / "gssapi.py").write_text("raise ImportError('broken on purpose')\n", encoding="utf-8")
    another = folder / "python"
    another.write_text(f'#!/bin/sh\nunset PYTHONPATH\nexec {sys.executable} "$@"\n', encoding="utf-8")
    another.chmod(0o755)
    variables = {"ansible_connection": "local", "ansible_python_interpreter": str(another)}
    hosts = folder / "hosts.json"
    inventory = {"all": {"hosts": {"other": variables, "localhost": {"ansible_connection": "local"}}}}
    hosts.write_text(json.dumps(inventory), encoding="utf-8")
    ended = workplace.play(
        [{**how, "name": name} for name, how in {**NEED_ANOTHER, **NEED_NO_OTHER}.items()],
        "-vvv",
        f"--inventory={hosts}",
        env={"PYTHONPATH": f"{folder}:{TREE}"},
        variables={"another": str(another)},
    )
    assert ended.status == 0, ended.output
    return ended


@pytest.mark.parametrize("name", NEED_ANOTHER)
def test_another_python_may_have_the_packages_for_kerberos(without_kerberos: Run, name: str) -> None:
    assert "Using action file " not in printed(without_kerberos, name)


@pytest.mark.parametrize("name", NEED_NO_OTHER)
def test_no_other_python_is_needed(without_kerberos: Run, name: str) -> None:
    assert "Using action file " in printed(without_kerberos, name)
