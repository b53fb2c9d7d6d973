# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways in which playbooks use the module, beside the twelve steps."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run
from ansible_collections.msrpc.dhcp.tests.playbooks.support import MODULE, Workplace, task
from ansible_collections.msrpc.dhcp.tests.simulator.site import DEFAULT_PASSWORD

MAC = "00:1c:25:80:a0:43"
OTHER = "00:1c:25:80:a0:99"
LIST = [
    {"ip": "10.0.1.20", "mac": MAC, "reservation_name": "one", "comment": "Über uns"},
    {"ip_address": "10.0.1.21", "client_id": "ff00112233000200000ab1", "name": "two"},
    {"ip_address": "10.0.1.22", "mac_address": "001c2580a045", "type": "lease"},
    {
        "ip_address": "10.0.1.23",
        "mac_address": "001c2580a046",
        "type": "lease",
        "lease_expires": "2099-01-01T00:00:00Z",
    },
]


@pytest.fixture(scope="module")
def run(workplace: Workplace) -> Run:
    """One playbook with all of them."""
    # Another client's, and one that is on the network already.
    lease = {"ip_address": "10.0.0.90", "mac_address": OTHER, "name": "guest", "lease_expires": "2099-01-01T00:00:00Z"}
    workplace.program.ask(do="put_record", scope="10.0.0.0", record=lease)
    roaming = {**lease, "ip_address": "10.0.0.91", "mac_address": "00:1c:25:80:a0:91"}
    workplace.program.ask(do="put_record", scope="10.0.0.0", record=roaming)
    here = workplace.connection
    variables = {
        "MSRPC_DHCP_SERVER": here["server"],
        "MSRPC_DHCP_USERNAME": here["username"],
        "MSRPC_DHCP_PASSWORD": here["password"],
        "MSRPC_DHCP_SPN": "host/dhcp1.example.com",
    }
    port = {"MSRPC_DHCP_PORT": str(here["port"])}
    mapper = {"MSRPC_DHCP_ENDPOINT_MAPPER_PORT": str(workplace.program.ports["endpoint_mapper_port"])}
    unset: dict[str, Any] = {"module_defaults": {"group/msrpc.dhcp.dhcp": {}}}
    tasks = [
        task("defaults", {"ip_address": "10.0.0.20", "mac_address": MAC, "name": "printer"}),
        task(
            "environment",
            {"ip_address": "10.0.0.20", "mac_address": MAC, "name": "printer"},
            environment={**variables, **port, "MSRPC_DHCP_AUTH": "ntlm"},
            **unset,
        ),
        task(
            "endpoint mapper",
            {"ip_address": "10.0.0.20", "mac_address": MAC},
            environment={**variables, **mapper},
            **unset,
        ),
        task(
            "loop",
            {"ip_address": "10.0.0.{{ item }}", "mac_address": "00:1c:25:80:00:{{ item }}"},
            loop=[31, 32],
        ),
        task("list", {"clients": LIST}, register="declared"),
        task("output as input", {"clients": "{{ declared.clients }}"}),
        task(
            "foretold",
            {"ip_address": "10.0.0.20", "mac_address": MAC, "name": "plotter"},
            check_mode=True,
            diff=True,
        ),
        task("conflict", {"ip_address": "10.0.0.90", "mac_address": "00:1c:25:80:a0:90"}, ignore_errors=True),
        task("bad input", {"clients": [{"ip_address": "10.0.0.300", "mac_address": MAC}]}, ignore_errors=True),
        task("unknown key", {"clients": [{"ip_address": "10.0.0.20", "colour": "red"}]}, ignore_errors=True),
        task("warning", {"ip_address": "10.0.0.92", "mac_address": "00:1c:25:80:a0:91"}),
        {
            "name": "legacy defaults",
            MODULE: {"ip_address": "10.0.0.20", "mac_address": MAC},
            "module_defaults": {MODULE: {**here, "auth": "ntlm"}, "group/msrpc.dhcp.dhcp": {}},
        },
    ]
    ended = workplace.play(tasks)
    assert ended.status == 0, ended.output
    return ended


def records(run: Run, name: str, scope: str = "10.0.0.0") -> dict[str, Any]:
    """The server's records after a task."""
    found: dict[str, Any] = run[name].server["scopes"][scope]["records"]
    return found


def test_module_defaults_of_the_action_group_set_server_and_account(run: Run) -> None:
    assert records(run, "defaults")["10.0.0.20"]["name"] == "printer"


def test_module_defaults_of_the_module_do_as_well(run: Run) -> None:
    assert not run["legacy defaults"].failed


def test_the_environment_sets_server_and_account(run: Run) -> None:
    assert (run["environment"].changed, run["environment"].calls > 0) == (False, True)


def test_the_environment_sets_the_way_to_log_on(run: Run) -> None:
    assert run["environment"].values["invocation"]["module_args"]["auth"] == "ntlm"


def test_the_environment_sets_the_service_principal_name(run: Run) -> None:
    assert run["environment"].values["invocation"]["module_args"]["spn"] == "host/dhcp1.example.com"


def test_the_environment_sets_the_port_of_the_endpoint_mapper(run: Run) -> None:
    assert run["endpoint mapper"].server["handshakes"]["ept_map"] == 1


def test_a_password_of_the_environment_is_not_shown(run: Run) -> None:
    assert DEFAULT_PASSWORD not in str(run["environment"].values)


def test_each_item_of_a_loop_is_done(run: Run) -> None:
    assert {"10.0.0.31", "10.0.0.32"} < set(records(run, "loop"))


def test_a_list_uses_aliases_and_both_types(run: Run) -> None:
    shown = [(each["name"], each["description"], each["type"]) for each in run["list"].values["clients"]]
    assert shown == [
        ("one", "Über uns", "reservation"),
        ("two", "", "reservation"),
        ("", "", "lease"),
        ("", "", "lease"),
    ]


def test_what_the_module_returned_changes_nothing_when_it_is_declared(run: Run) -> None:
    assert (run["output as input"].changed, run["output as input"].writes) == (False, 0)


def test_what_the_module_returned_is_returned_again(run: Run) -> None:
    names = ("list", "output as input")
    before, after = ([{**each, "action": None} for each in run[name].values["clients"]] for name in names)
    assert before == after


def test_diff_shows_the_old_and_the_new_name(run: Run) -> None:
    lines = [line.strip() for line in run.output.splitlines()]
    assert {'-    "name": "printer",', '+    "name": "plotter",'} <= set(lines)


def test_check_mode_sends_no_write(run: Run) -> None:
    assert (run["foretold"].changed, run["foretold"].writes) == (True, 0)


def test_a_conflict_is_printed_as_a_sentence(run: Run) -> None:
    sentence = run["conflict"].values["msg"]
    assert "10.0.0.90" in sentence
    assert OTHER in sentence
    assert sentence in run.output


def test_a_conflict_changes_nothing(run: Run) -> None:
    assert (run["conflict"].changed, run["conflict"].writes, run["conflict"].audit) == (False, 0, [])


def test_bad_input_is_refused_before_the_first_call(run: Run) -> None:
    assert (run["bad input"].failed, run["bad input"].calls) == (True, 0)


def test_bad_input_is_named_with_option_and_value(run: Run) -> None:
    assert "clients[0].ip_address='10.0.0.300'" in run["bad input"].values["msg"]


def test_an_unknown_key_of_an_item_is_refused(run: Run) -> None:
    assert "colour" in run["unknown key"].values["msg"]


def test_a_warning_is_printed(run: Run) -> None:
    (warning,) = run["warning"].values["warnings"]
    assert "10.0.0.91" in warning
    assert "[WARNING]: " in run.output
