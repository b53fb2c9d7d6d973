# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server says stays text: Ansible evaluates none of it, and a message moves no cursor of a terminal.

Clients choose their names themselves, so anybody in the network of a scope may be the author.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run, program
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program, Workplace, task

TEMPLATE = "{{ lookup('pipe', 'echo evaluated') }}"
# A template; colour, bell, a new line that begins like one of Ansible's, the other direction, CSI in one octet.
EVIL = f"{TEMPLATE}\x1b[31m\x07\r\nok: [localhost]\u202egnp\x9b5m"
ESCAPED = f"{TEMPLATE}\\x1b[31m\\x07\\r\\nok: [localhost]\\u202egnp\\x9b5m"
HALF = "half\ud800"
TO_A_TERMINAL = ("\x1b", "\x07", "\r", "\u202e", "\x9b")
MAC, OTHER = "00:1c:25:80:a0:43", "00:1c:25:80:a0:44"
AS_MODULE = {"environment": {"PYTHONNOUSERSITE": "1"}}
WAYS = {"in the worker": {}, "as a module": AS_MODULE}


def site() -> dict[str, Any]:
    """Every text of a server that the collection shows is what no text should be."""
    names = {"10.0.0.20": EVIL, "10.0.0.21": HALF, "10.0.0.22": "../../escaped", "10.0.0.23": "127.0.0.1"}
    held = {"mac_address": "00:1c:25:80:a0:99", "ip_address": "10.0.0.99"}
    return {
        "scopes": [
            {
                "scope": "10.0.0.0",
                "prefix_length": 24,
                "name": EVIL,
                "description": HALF,
                "ranges": [{"start": "10.0.0.10", "end": "10.0.0.250"}],
                "records": [
                    *(
                        {"ip_address": ip, "client_id": f"aa{ip[-2:]}", "name": name, "description": name}
                        for ip, name in names.items()
                    ),
                    {**held, "name": EVIL, "lease_expires": 0},
                ],
                "reservations": [{**held, "options": [{"id": 66, "type": "string", "values": [HALF]}]}],
            }
        ],
        "failover": [
            {
                "name": EVIL,
                "mode": "load_balance",
                "server_type": "primary",
                "primary_server": "192.0.2.1",
                "primary_server_name": "dhcp1",
                "secondary_server": "192.0.2.2",
                "secondary_server_name": EVIL,
                "scopes": ["10.0.0.0"],
            }
        ],
    }


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("workplace")
    with Program(folder, site()) as running:
        yield Workplace(program=running, home=folder / "home")


@pytest.fixture(scope="module")
def run(workplace: Workplace) -> Run:
    """Conflicts with such clients, warnings about them, all that reads them, and the results once more in templates."""
    tasks: list[dict[str, Any]] = []
    for number, (way, how) in enumerate(WAYS.items()):
        mine = f"00:1c:25:80:b0:0{number}"
        tasks += [
            task(f"conflict {way}", {"ip_address": "10.0.0.20", "mac_address": mine}, ignore_errors=True, **how),
            task(f"half {way}", {"ip_address": "10.0.0.21", "mac_address": mine}, ignore_errors=True, **how),
            # Other texts for each way: Ansible prints a warning once.
            task(
                f"warning {way}",
                {"ip_address": "10.0.0.20", "mac_address": mine, "on_conflict": "evict_lease"},
                check_mode=True,
                register="warned",
                **how,
            ),
        ]
    tasks += [
        {"name": "leases", "msrpc.dhcp.dhcp_lease_info": {}, "register": "leases"},
        {"name": "scopes", "msrpc.dhcp.dhcp_scope_info": {}, "register": "scopes"},
        {
            "name": "in a template",
            "ansible.builtin.set_fact": {
                "client": "{{ (leases.clients | selectattr('ip_address', 'eq', '10.0.0.20') | first).name }}",
                "scope": "{{ scopes.scopes[0].failover.partner ~ '' }}",
            },
        },
        {
            "name": "as a condition",
            "ansible.builtin.debug": {"msg": "{{ client }}"},
            "when": "client is search('lookup')",
        },
        task("as an option", {"ip_address": "10.0.0.40", "mac_address": OTHER, "description": "{{ client }}"}),
    ]
    ended = workplace.play(tasks, "--diff")
    assert ended.status == 0, ended.output
    return ended


@pytest.mark.parametrize("way", WAYS)
def test_a_conflict_shows_a_name_with_escapes(run: Run, way: str) -> None:
    assert f"({ESCAPED})" in run[f"conflict {way}"].values["msg"]
    assert f"({ESCAPED})" in run[f"conflict {way}"].values["client"]["error"]


@pytest.mark.parametrize("way", WAYS)
def test_half_of_a_pair_is_shown_as_an_escape(run: Run, way: str) -> None:
    assert "(half\\ud800)" in run[f"half {way}"].values["msg"]


@pytest.mark.parametrize("way", WAYS)
def test_warnings_show_text_with_escapes(run: Run, way: str) -> None:
    warnings = " ".join(run[f"warning {way}"].values["warnings"])
    assert f"({ESCAPED})" in warnings
    assert f"relationship {ESCAPED} with {ESCAPED}" in warnings


def test_no_message_moves_the_cursor(run: Run) -> None:
    """All that was printed but for results, which Ansible writes as JSON."""
    lines = [line for line in run.output.split("\n") if not line.startswith(("fatal: ", "ok: ", " ", "+", "-"))]
    assert any(ESCAPED in line for line in lines if line.startswith("[ERROR]"))
    assert any(ESCAPED in line for line in lines if line.startswith("[WARNING]"))
    assert [line for line in lines if any(mark in line for mark in TO_A_TERMINAL)] == []


def test_a_name_begins_no_line_of_its_own(run: Run) -> None:
    assert "\nok: [localhost]\u202e" not in run.output
    assert "\nok: [localhost]\\u202e" not in run.output


def test_results_hold_text_as_the_server_has_it(run: Run) -> None:
    clients = {client["ip_address"]: client for client in run["leases"].values["clients"]}
    assert (clients["10.0.0.20"]["name"], clients["10.0.0.20"]["description"]) == (EVIL, EVIL)
    (scope,) = run["scopes"].values["scopes"]
    assert (scope["name"], scope["failover"]["name"], scope["failover"]["partner"]) == (EVIL, EVIL, EVIL)


def test_half_of_a_pair_makes_no_list_unreadable(run: Run) -> None:
    names = [client["name"] for client in run["leases"].values["clients"]]
    assert "half\ufffd" in names
    assert run["scopes"].values["scopes"][0]["description"] == "half\ufffd"


def test_text_in_a_template_is_not_evaluated(run: Run) -> None:
    facts = run["in a template"].values["ansible_facts"]
    assert (facts["client"], facts["scope"]) == (EVIL, EVIL)


def test_text_as_an_option_is_not_evaluated(run: Run) -> None:
    assert run["as an option"].values["client"]["description"] == EVIL


def test_nothing_was_evaluated(run: Run) -> None:
    assert "evaluated')" in run.output
    assert "evaluated" not in run.output.replace("echo evaluated", "")


# --- the inventory ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed(workplace: Workplace, run: Run) -> str:
    assert run.tasks
    file = workplace.home / "dhcp_leases.yml"
    connection = {**workplace.connection, "password": workplace.connection["password"]}
    file.write_text(json.dumps({"plugin": "msrpc.dhcp.dhcp_leases", **connection}), encoding="utf-8")
    shown = "msg={{ inventory_hostname }}|{{ dhcp_name }}|{{ dhcp_description }}"
    arguments = ("all,localhost", "-i", file, "-m", "ansible.builtin.debug", "-a", shown)
    return program("ansible", *arguments, home=workplace.home).stdout


def test_a_host_is_not_called_what_no_terminal_should_get(listed: str) -> None:
    assert "\n10.0.0.20 | SUCCESS" in listed
    assert "\n10.0.0.99 | SUCCESS" in listed


def test_a_host_is_not_called_like_a_path(listed: str) -> None:
    """Ansible makes names of files of it: those of variables and of cached facts."""
    assert "\n10.0.0.22 | SUCCESS" in listed


def test_no_client_takes_the_place_of_localhost(listed: str) -> None:
    """A host called 127.0.0.1 would get whatever is delegated to localhost."""
    assert "\n127.0.0.1_10.0.0.23 | SUCCESS" in listed
    assert "\n127.0.0.1 | " not in listed


def test_a_warning_about_a_name_shows_it_with_escapes(listed: str) -> None:
    warnings = " ".join(line for line in listed.split("\n") if not line.startswith(" "))
    assert "calls itself" in warnings
    assert not any(mark in warnings for mark in TO_A_TERMINAL)


def test_the_inventory_evaluates_nothing(listed: str) -> None:
    assert "echo evaluated" in listed
    assert "evaluated" not in listed.replace("echo evaluated", "")
