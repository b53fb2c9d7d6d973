# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action and the module return the same: one playbook, run in a tree with the action and in one without it.

Each run has a simulator of its own, with the same site.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import TREE, Run
from ansible_collections.msrpc.dhcp.tests.playbooks.support import SITE, Program, Workplace, task
from ansible_collections.msrpc.dhcp.tests.simulator.site import DEFAULT_PASSWORD, NOBODY, READER

COLLECTION = Path("ansible_collections", "msrpc", "dhcp")
HERE = TREE / COLLECTION

PRINTER = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
NEW = "00:1c:25:80:a0:52"
LISTED = [
    {"ip": "10.0.1.20", "mac": "00:1c:25:80:a0:44", "reservation_name": "one", "comment": "Über uns"},
    {"ip_address": "10.0.1.21", "client_id": "ff00112233000200000ab1", "name": "two"},
    {"ip_address": "10.0.1.22", "mac_address": "001c2580a045", "type": "lease"},
    {
        "ip_address": "10.0.1.23",
        "mac_address": "001c2580a046",
        "type": "lease",
        "lease_expires": "2099-01-01T00:00:00Z",
    },
]
GUEST = {"ip_address": "10.0.0.90", "mac_address": "00:1c:25:80:a0:90", "name": "guest {{ 7 * 6 }}"}
ROAMING = {"ip_address": "10.0.0.91", "mac_address": "00:1c:25:80:a0:91", "name": DEFAULT_PASSWORD}
LATER = "2099-01-01T00:00:00Z"

# The options of each task, and the keywords of some.
TASKS: dict[str, dict[str, Any]] = {
    "create, in check mode": {"options": {**PRINTER, "name": "printer"}, "check_mode": True, "diff": True},
    "create": {"options": {**PRINTER, "name": "printer", "description": "Hall"}},
    "again": {"options": {**PRINTER, "name": "printer", "description": "Hall"}},
    "change, with a diff": {"options": {**PRINTER, "name": "printer-1", "description": ""}, "diff": True},
    "move": {"options": {**PRINTER, "ip_address": "10.0.0.21", "on_conflict": "replace"}},
    "replace": {"options": {"ip_address": "10.0.0.21", "mac_address": NEW, "on_conflict": "replace"}},
    "conflict": {"options": {"ip_address": GUEST["ip_address"], "mac_address": NEW}},
    "a server's text that looks like a template": {"options": {"ip_address": "10.0.0.90", "state": "absent"}},
    "remove the lease": {"options": {"ip_address": "10.0.0.90", "state": "absent", "type": "lease"}},
    "a warning with the password in it": {"options": {**ROAMING, "ip_address": "10.0.0.92", "name": "roaming"}},
    "bad address": {"options": {**PRINTER, "ip_address": "10.0.0.300"}},
    "bad item": {"options": {"clients": [{**PRINTER, "mac_address": "00:1c"}]}},
    "no such option": {"options": {**PRINTER, "colour": "red"}},
    "no such option of an item": {"options": {"clients": [{**PRINTER, "colour": "red"}]}},
    "no client": {"options": {"state": "present"}},
    "list and single form": {"options": {**PRINTER, "clients": [PRINTER]}},
    "no such choice": {"options": {**PRINTER, "state": "gone"}},
    "no number": {"options": {**PRINTER, "port": "dhcp"}},
    "no server": {"options": {**PRINTER, "server": "{{ omit }}"}},
    "an option of another module": {"options": {**PRINTER, "duration": 8}},
    "types": {
        "options": {**PRINTER, "ip_address": "10.0.0.22", "port": "{{ port | string }}", "purge": "no", "name": 12}
    },
    "alias and option": {"options": {**PRINTER, "ip": "10.0.0.23", "mac": NEW, "comment": "c", "description": "d"}},
    "renamed": {"options": {"ip": "10.0.0.24", "mac": "00:1c:25:80:a0:60", "type": "lease"}},
    "list": {"options": {"clients": LISTED}},
    "list as a string": {"options": {"clients": "{{ listed | to_json }}"}},
    "output as input": {"options": {"clients": "{{ done.clients }}"}},
    "purge": {"options": {"scope": "10.0.1.0", "clients": LISTED[:1], "purge": True}},
    "next free address": {"options": {"scope": "192.0.2.0", "mac_address": NEW, "name": "{{ 'a' ~ 'b' }}"}},
    "an unsafe string": {"options": {"scope": "192.0.2.0", "mac_address": NEW, "name": "{{ strange }}"}},
    "the password in a description": {
        "options": {**PRINTER, "ip_address": "10.0.0.22", "description": DEFAULT_PASSWORD}
    },
    "the password in a name": {"options": {**PRINTER, "ip_address": "10.0.0.22", "name": f"x-{DEFAULT_PASSWORD}-y"}},
    "half a surrogate pair": {"options": {**PRINTER, "name": "{{ '\\ud800' }}"}},
    "no_log": {"options": PRINTER, "no_log": True},
    "wrong password": {"options": {**PRINTER, "password": "not this one"}},
    "no password": {"options": {**PRINTER, "password": "{{ omit }}"}},
    # Longer than a port can be, so that it is masked nowhere else.
    "a password that is a number": {"options": {**PRINTER, "password": 1234567}},
    "no rights": {"options": {**PRINTER, "username": f"EXAMPLE\\{NOBODY}"}},
    "rights to read": {"options": {**PRINTER, "ip_address": "10.0.0.29", "username": f"EXAMPLE\\{READER}"}},
    "nobody listens": {"options": {**PRINTER, "port": "{{ closed_port }}"}},
    "ntlm": {"options": {**PRINTER, "ip_address": "10.0.0.22", "auth": "ntlm"}},
    "environment": {
        "options": {**PRINTER, "ip_address": "10.0.0.22", "server": "{{ omit }}", "password": "{{ omit }}"},
        "environment": {"MSRPC_DHCP_SERVER": "127.0.0.1", "MSRPC_DHCP_PASSWORD": DEFAULT_PASSWORD, "NUMBER": 7},
    },
    "loop": {"options": {"ip_address": "10.0.0.{{ item }}", "client_id": "00{{ item }}"}, "loop": [41, 300, 42]},
    "without its options": {
        "options": {**PRINTER, "ip_address": "10.0.0.22"},
        "vars": {"ansible_inject_invocation": False},  # a variable of ansible-core 2.21
    },
    "failed_when": {"options": {**PRINTER, "ip_address": "10.0.0.22"}, "failed_when": "result.rpc.calls > 0"},
    "changed_when": {
        "options": {**PRINTER, "ip_address": "10.0.0.22"},
        "changed_when": "result.client.action == 'none'",
    },
    "remove": {"options": {**PRINTER, "state": "absent"}, "diff": True},
}
# A run, and of each task its name, what it returned and what the server had then; ports replaced.
Seen = tuple[Run, list[tuple[str, dict[str, Any], dict[str, Any]]]]
Runs = tuple[Seen, Seen]
# What differs between two runs, or stands for something that Ansible knows of a module only.
TRANSIENT = ("_ansible_parsed", "exception")


def tree_without_action(folder: Path) -> Path:
    """A tree of links to the collection's files, in which it has no action."""
    plugins = folder / COLLECTION / "plugins"
    plugins.mkdir(parents=True)
    for path in HERE.iterdir():
        if path.name not in ("plugins", ".build", ".git"):
            (folder / COLLECTION / path.name).symlink_to(path)
    for path in (HERE / "plugins").iterdir():
        if path.name != "action":
            (plugins / path.name).symlink_to(path)
    return folder


def play(program: Program, home: Path, collections: Path, closed_port: int) -> Run:
    """All tasks, with the collection of that tree."""
    for lease in (GUEST, ROAMING):
        program.ask(do="put_record", scope="10.0.0.0", record={**lease, "lease_expires": LATER})
    variables = {
        "closed_port": closed_port,
        "listed": LISTED,
        "port": program.ports["port"],
        "strange": {"__ansible_unsafe": "{{ 6 * 7 }}"},
    }
    tasks = []
    for name, parts in TASKS.items():
        keywords = {key: value for key, value in parts.items() if key != "options"}
        registered = "done" if name == "list" else "result"
        tasks.append(task(name, parts["options"], ignore_errors=True, register=registered, **keywords))
    env = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "PYTHONPATH": ""}
    ended = Workplace(program=program, home=home).play(tasks, "-vvv", env=env, variables=variables)
    assert ended.status == 0, ended.output
    return ended


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The run with the action, and the one without it."""
    with closing(create_server(("127.0.0.1", 0))) as unused:
        closed_port = unused.getsockname()[1]
    ended = []
    for collections in (TREE, tree_without_action(tmp_path_factory.mktemp("tree"))):
        folder = tmp_path_factory.mktemp("workplace")
        with Program(folder, SITE) as program:
            run = play(program, folder / "home", collections, closed_port)
        text = json.dumps([[name, run[name].values, run[name].server] for name in run.tasks])
        ended.append((run, json.loads(re.sub(rf"\b{program.ports['port']}\b", "1", text))))
    return ended[0], ended[1]


def returned(run: Seen, name: str) -> Any:
    """What a task returned."""
    values = next(values for each, values, _server in run[1] if each == name)
    return {key: value for key, value in values.items() if key not in TRANSIENT}


@pytest.mark.parametrize("name", TASKS)
def test_both_ways_return_the_same(runs: Runs, name: str) -> None:
    with_action, without = runs
    assert returned(with_action, name) == returned(without, name)


@pytest.mark.parametrize("name", TASKS)
def test_both_ways_leave_the_same_on_the_server(runs: Runs, name: str) -> None:
    (here, there) = (next(server for each, _values, server in run[1] if each == name) for run in runs)
    assert [here[key] for key in ("scopes", "audit", "calls", "writes")] == [
        there[key] for key in ("scopes", "audit", "calls", "writes")
    ]


def test_one_way_is_the_action_and_the_other_the_module(runs: Runs) -> None:
    module_file = f"{COLLECTION}/plugins/modules/dhcp_reservation_lease.py"
    with_action, without = (run[0].output for run in runs)
    assert "Using action file " in with_action
    assert "Using action file " not in without
    assert without.count(module_file) > with_action.count(module_file)
