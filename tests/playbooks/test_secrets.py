# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A password appears nowhere: not in what a playbook prints at its loudest, not in a file, a process or a log.

Whatever can fail fails here, each in the controller's worker and as a module.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
from spnego._ntlm_raw.crypto import ntowfv1

from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run, program, vaulted
from ansible_collections.msrpc.dhcp.tests.playbooks.support import SITE, Program, Workplace, task
from ansible_collections.msrpc.dhcp.tests.playbooks.watching import Watch, holders, spellings
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Account, Site, scope

ROOT = Path(__file__).parents[2]
CANARY = "Canary-7f3a9e51"
PASSWORD = f"{CANARY}-Zürich Ω"
OF_A_TASK, PRINTED = "Canary-5d20c8b4", "Canary-91e6b3d7"
ACCOUNTS: list[dict[str, Any]] = [
    {"username": "admin", "password": PASSWORD, "rights": "administrators"},
    {"username": "nobody", "password": PASSWORD, "rights": "none"},
    {"username": "tasks", "password": OF_A_TASK, "rights": "administrators"},
    {"username": "modules", "password": PRINTED, "rights": "administrators"},
]
CLIENT = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
OTHER = "00:1c:25:80:a0:44"
# All by which the password would be known: its letters in the encodings of files and of the wire, and what NTLM makes
# of it, which is as good as the password.
TRACES = [
    *spellings(CANARY.encode()),
    *spellings(CANARY.encode("utf-16-le")),
    *spellings(ntowfv1(PASSWORD)),
]
AS_MODULE = {"environment": {"PYTHONNOUSERSITE": "1"}}
# What stands in the message of each failure, and the options that lead there. A string in braces is a port.
FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "bad input": ("10.0.0.300", {"ip_address": "10.0.0.300"}),
    "an unknown option": ("colour", {"colour": "red"}),
    "a password without a user": ("there is a password, but no user name", {"username": ""}),
    "name not found": ("dhcp.invalid", {"server": "dhcp.invalid"}),
    "unreachable": ("refused", {"port": "{closed}"}),
    "no endpoint mapper": ("refused", {"port": "{{ omit }}", "endpoint_mapper_port": "{closed}"}),
    "nothing registered": ("endpoint mapper", {"port": "{{ omit }}", "endpoint_mapper_port": "{mapper}"}),
    "bind refused": ("bind_nak", {"port": "{bind_nak}"}),
    "a weak logon": ("weaker session", {"port": "{weak}"}),
    "a wrong password by NTLM": ("EXAMPLE\\admin", {"auth": "ntlm", "password": "{{ secret }}-x"}),
    "a wrong password": ("EXAMPLE\\admin", {"password": "{{ secret }}-x"}),
    "access denied": ("ERROR_ACCESS_DENIED", {"username": "EXAMPLE\\nobody"}),
    "a fault": ("RPC fault", {"port": "{fault}"}),
    "a torn reply": ("closed", {"port": "{torn}"}),
    "a wrong signature": ("signature is wrong", {"port": "{signature}"}),
    "a lost connection": ("closed", {"port": "{lost}"}),
    "a timeout": ("request_timeout", {"port": "{silent}", "request_timeout": 0.3}),
    "a conflict": (CLIENT["mac_address"], {"mac_address": OTHER}),
}
WAYS = {"in the worker": {}, "as a module": AS_MODULE}
# Appended to a copy of the collection: where a user waits so long to connect, there is a bug, with all at hand.
BUG = """

_without_bug = connect


def connect(endpoint, credentials, interfaces, **more):
    if endpoint.connect_timeout != 7:
        return _without_bug(endpoint, credentials, interfaces, **more)
    try:
        raise KeyError(credentials)
    except KeyError:
        security = open_context(credentials, endpoint.server)
        raise RuntimeError(f"a bug: {endpoint} {credentials!r} {security!r} {security._context!r}")
"""


def listening(stack: ExitStack) -> dict[str, int]:
    """The ports of servers that do wrong, each in its way."""
    accounts = tuple(Account(username=each["username"], password=each["password"]) for each in ACCOUNTS)
    forged = {"bind_nak": "bind_nak", "weak": "challenge_without_128", "signature": "wrong_signature"}
    faulty: dict[str, dict[str, Any]] = {
        "fault": {"fault": 1783},
        "torn": {"torn": "truncated"},
        "lost": {"drop": "before"},
        "silent": {"silent": "before"},
    }
    ports = {}
    for name in (*forged, *faulty, "mapper"):
        sim = stack.enter_context(Simulator(Site(scopes=(scope("10.0.0.0"),), accounts=accounts)))
        if name in forged:
            sim.faults.forge(forged[name])
        sim.faults.add(times=None, **faulty.get(name, {}))
        ports[name] = sim.port
        if name == "mapper":
            sim.faults.forge("endpoint_none")
            ports[name] = sim.endpoint_mapper_port
    with closing(create_server(("127.0.0.1", 0))) as unused:
        ports["closed"] = unused.getsockname()[1]
    return ports


def failing(stage: str, ports: dict[str, int]) -> dict[str, Any]:
    """The options of a task that fails at a stage."""
    options = {**CLIENT, **FAILURES[stage][1]}
    return {name: ports.get(value[1:-1], value) if isinstance(value, str) else value for name, value in options.items()}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A simulator whose accounts have the canary as their password; it is told of nowhere else but in a vault."""
    folder: Path = tmp_path_factory.mktemp("workplace")
    with Program(folder, {**SITE, "accounts": ACCOUNTS}) as running:
        (folder / "site.json").unlink()
        yield Workplace(program=running, home=folder / "home")


@pytest.fixture(scope="module")
def vault(workplace: Workplace) -> list[str]:
    """The arguments that give a playbook the variable ``secret`` from an encrypted file."""
    workplace.home.mkdir(exist_ok=True)
    key, file = workplace.home / "key", workplace.home / "secrets.yml"
    key.write_text("key of the vault", encoding="utf-8")
    file.write_text(vaulted(json.dumps({"secret": PASSWORD}), key=key, home=workplace.home), encoding="utf-8")
    return ["--extra-vars", f"@{file}", "--vault-password-file", str(key)]


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def run(workplace: Workplace, vault: list[str], watch: Watch) -> Run:
    """Successes, and a failure at every stage; the password comes from a vault, all logs and caches are on."""
    given = {**workplace.connection, "username": "EXAMPLE\\admin", "password": "{{ secret }}"}
    home = workplace.home
    env = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(home / "facts"),
        "ANSIBLE_LOG_PATH": str(home / "ansible.log"),
        # Nobody answers for .invalid (RFC 6761); the resolver need not ask for long.
        "RES_OPTIONS": "timeout:1 attempts:1",
    }
    with ExitStack() as stack:
        ports = listening(stack)
        tasks = [
            task("success", CLIENT, register="made"),
            task("success as a module", CLIENT, **AS_MODULE),
            task("asynchronous success", CLIENT, **{"async": 60, "poll": 1}),
            task("the password as a description", {**CLIENT, "description": "{{ secret }}"}, check_mode=True),
            {"name": "a cached fact", "ansible.builtin.set_fact": {"made": "{{ made }}", "cacheable": True}},
            {"name": "a registered result", "ansible.builtin.debug": {"var": "made"}},
            *(
                task(f"{stage} {way}", failing(stage, ports), ignore_errors=True, **how)
                for stage in FAILURES
                for way, how in WAYS.items()
            ),
        ]
        stack.enter_context(watch)
        ended = workplace.play(tasks, "-vvvv", "--diff", *vault, connection=given, env=env)
    assert ended.status == 0, ended.output
    return ended


def test_the_password_was_used(run: Run) -> None:
    assert [run[name].failed for name in ("success", "success as a module", "asynchronous success")] == [False] * 3
    assert run["success"].changed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stage", FAILURES)
def test_a_failure_comes_at_the_stage_that_is_meant(run: Run, stage: str, way: str) -> None:
    found = run[f"{stage} {way}"]
    assert found.failed
    assert FAILURES[stage][0] in found.values["msg"]


def test_no_failure_is_a_traceback(run: Run) -> None:
    assert "Traceback" not in run.output


def test_the_output_at_its_loudest_does_not_show_the_password(run: Run) -> None:
    assert "<127.0.0.1> EXEC" in run.output
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in run.output
    assert [trace for trace in TRACES if trace in run.output.encode()] == []


def test_the_results_do_not_hold_the_password(run: Run) -> None:
    assert CANARY not in json.dumps([task.values for task in run.tasks.values()])


def test_a_description_that_is_the_password_is_hidden_in_the_diff_too(run: Run) -> None:
    after = run["the password as a description"].values["diff"]["after"]
    assert after["description"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def test_no_file_is_left_that_holds_the_password(run: Run, workplace: Workplace) -> None:
    assert run.tasks
    home = workplace.home
    assert (home / "ansible.log").stat().st_size
    assert len(list((home / "facts").iterdir())) == 1
    assert holders(home.parent, TRACES) == []


def test_no_process_has_the_password_in_its_arguments_or_variables(run: Run, watch: Watch) -> None:
    assert run.tasks
    assert any(b"AnsiballZ_dhcp_reservation_lease" in each for each in watch.arguments)
    assert b"PYTHONNOUSERSITE=1" in watch.variables
    assert [each for each in watch.arguments | watch.variables if any(trace in each for trace in TRACES)] == []


# --- a bug, and the environment ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def buggy(workplace: Workplace, open_watch: Watch, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A copy of the collection with a bug in it; the password comes by the environment. Ansible keeps the files."""
    tree: Path = tmp_path_factory.mktemp("buggy")
    copy = tree / "ansible_collections" / "msrpc" / "dhcp"
    shutil.copytree(ROOT / "plugins", copy / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "meta", copy / "meta")
    shutil.copy(ROOT / "galaxy.yml", copy)
    with (copy / "plugins" / "module_utils" / "_rpc" / "connection.py").open("a", encoding="utf-8") as file:
        file.write(BUG)
    place = Workplace(program=workplace.program, home=tree / "home")
    given = {"server": "127.0.0.1", "port": workplace.program.ports["port"], "username": "EXAMPLE\\admin"}
    of_the_task = {"MSRPC_DHCP_PASSWORD": "{{ lookup('ansible.builtin.env', 'OF_A_TASK') }}"}
    of_a_module = {"MSRPC_DHCP_PASSWORD": "{{ lookup('ansible.builtin.env', 'PRINTED') }}", **AS_MODULE["environment"]}
    info = {"name": "a bug in another module", "msrpc.dhcp.dhcp_server_info": {"connect_timeout": 7}}
    bug = {**CLIENT, "connect_timeout": 7}
    tasks = [
        task("success by environment", CLIENT),
        task("the task's environment", {**CLIENT, "username": "EXAMPLE\\tasks"}, environment=of_the_task),
        task("a module's environment", {**CLIENT, "username": "EXAMPLE\\modules"}, environment=of_a_module),
        task("a bug in the worker", bug, ignore_errors=True),
        # A file that Ansible keeps has the module's arguments in it, and so would have the option.
        task("a bug as a module", bug, ignore_errors=True, **AS_MODULE),
        {**info, "ignore_errors": True},
    ]
    env = {
        "ANSIBLE_COLLECTIONS_PATH": str(tree),
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "MSRPC_DHCP_PASSWORD": PASSWORD,
        "OF_A_TASK": OF_A_TASK,
        "PRINTED": PRINTED,
    }
    with open_watch:
        return place.play(tasks, "-vvvv", connection=given, env=env), place.home


BUGS = ("a bug in the worker", "a bug as a module", "a bug in another module")


def test_the_environment_gives_the_password(buggy: tuple[Run, Path]) -> None:
    run, _home = buggy
    assert [run[name].failed for name in ("success by environment", "the task's environment")] == [False] * 2


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_a_traceback(buggy: tuple[Run, Path], name: str) -> None:
    run, _home = buggy
    assert run[name].failed
    assert "a bug: Endpoint(" in json.dumps(run[name].values)


def test_a_bug_does_not_show_the_password(buggy: tuple[Run, Path]) -> None:
    run, _home = buggy
    assert run.output.count("a bug: Endpoint(") >= len(BUGS)
    assert [trace for trace in TRACES if trace in run.output.encode()] == []


def test_the_environment_of_a_task_that_runs_in_the_worker_is_not_printed(buggy: tuple[Run, Path]) -> None:
    run, _home = buggy
    assert OF_A_TASK not in run.output


def test_what_runs_in_the_worker_writes_no_file(buggy: tuple[Run, Path]) -> None:
    """Kept are those of modules alone; they hold arguments, but no environment."""
    _run, home = buggy
    kept = [path.name for path in home.rglob("AnsiballZ_*")]
    assert sorted(kept) == ["AnsiballZ_dhcp_reservation_lease.py"] * 2 + ["AnsiballZ_dhcp_server_info.py"]
    assert holders(home, [*TRACES, OF_A_TASK.encode()]) == []


def test_the_environment_of_a_task_that_runs_as_a_module_is_printed_by_ansible(buggy: tuple[Run, Path]) -> None:
    """Nothing that a module could do about; SECURITY.md says so."""
    run, _home = buggy
    assert not run["a module's environment"].failed
    assert f"MSRPC_DHCP_PASSWORD={PRINTED}" in run.output


def test_a_password_in_the_environment_is_in_the_variables_of_every_process(
    buggy: tuple[Run, Path], open_watch: Watch
) -> None:
    """As with every program; SECURITY.md says so. It also shows that the watch sees what there is to see."""
    assert buggy
    assert f"MSRPC_DHCP_PASSWORD={PASSWORD}".encode() in open_watch.variables
    assert any(PRINTED.encode() in each for each in open_watch.arguments)


# --- the inventory ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed(workplace: Workplace, run: Run) -> str:
    """One source that succeeds and keeps what it has read, and three that fail.

    The password is no variable here: Ansible lists the variables of every host.
    """
    assert run.tasks
    secret = "{{ lookup('ansible.builtin.env', 'SECRET') }}"
    good = {
        **workplace.connection,
        "plugin": "msrpc.dhcp.dhcp_leases",
        "username": "EXAMPLE\\admin",
        "password": secret,
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(workplace.home / "inventory"),
    }
    with closing(create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    sources = {
        "good": good,
        "wrong": {**good, "password": f"{secret}-x"},
        "denied": {**good, "username": "EXAMPLE\\nobody"},
        "unreachable": {**good, "port": port},
    }
    arguments: list[str] = []
    for name, source in sources.items():
        file = workplace.home / f"{name}.dhcp_leases.yml"
        file.write_text(json.dumps(source), encoding="utf-8")
        arguments += ["-i", str(file)]
    env = {"SECRET": PASSWORD}
    return program("ansible-inventory", "--list", "-vvvv", *arguments, home=workplace.home, env=env).stdout


def test_the_inventory_was_read_and_failed_as_meant(listed: str) -> None:
    assert "10.0.0.20" in listed
    assert listed.count("did not accept the logon") + listed.count("may also be wrong") >= 1
    assert "ERROR_ACCESS_DENIED" in listed
    assert "refused" in listed


def test_the_inventory_does_not_show_the_password(listed: str) -> None:
    assert [trace for trace in TRACES if trace in listed.encode()] == []


def test_the_cache_of_the_inventory_does_not_hold_the_password(listed: str, workplace: Workplace) -> None:
    assert listed
    assert list((workplace.home / "inventory").iterdir()) != []
    assert holders(workplace.home, TRACES) == []
