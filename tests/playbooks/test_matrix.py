# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The twelve steps: create, change and delete, each in check mode and for real, and each of these a second time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run, Task
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Workplace, task

CREATE, SET, DELETE = "R_DhcpCreateClientInfoVQ", "R_DhcpSetClientInfo", "R_DhcpDeleteClientInfo"
RESERVE, UNRESERVE = "R_DhcpAddSubnetElementV5", "R_DhcpRemoveSubnetElementV5"

Options = dict[str, Any]
# What is declared, and which calls change the server's database for it, one entry for each thing changed.
Verbs = dict[str, tuple[Options, list[str]]]

PRINTER = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
SCANNER = {"ip_address": "10.0.0.30", "client_id": "ff00112233000200000ab1", "type": "lease"}
FIRST = {"ip_address": "10.0.0.40", "mac_address": "001c.2580.a044"}
SECOND = {"ip_address": "10.0.0.41", "mac_address": "00-1C-25-80-A0-45", "type": "lease"}

CASES: dict[str, Verbs] = {
    "a reservation": {
        "create": ({**PRINTER, "name": "printer", "description": "Hall"}, [CREATE, RESERVE]),
        "change": ({**PRINTER, "name": "printer-1", "description": ""}, [SET]),
        "delete": ({**PRINTER, "state": "absent"}, [UNRESERVE, UNRESERVE]),
    },
    "a lease": {
        "create": ({**SCANNER, "name": "scanner", "lease_expires": "2098-01-01T00:00:00Z"}, [CREATE]),
        "change": ({**SCANNER, "description": "Höfe", "lease_expires": "2099-01-01T00:00:00+01:00"}, [SET]),
        "delete": ({**SCANNER, "state": "absent"}, [DELETE]),
    },
    "a list": {
        "create": ({"scope": "10.0.0.0", "clients": [{**FIRST, "name": "one"}, SECOND]}, [CREATE, CREATE, RESERVE]),
        "change": ({"clients": [{**FIRST, "name": "first"}, {**SECOND, "description": "two"}]}, [SET, SET]),
        "delete": ({"clients": [FIRST, SECOND], "state": "absent"}, [DELETE, UNRESERVE, UNRESERVE]),
    },
}
STEPS = [
    (case, verb, when, mode)
    for case, verbs in CASES.items()
    for verb in verbs
    for when in ("first", "again")
    for mode in ("check", "real")
]


@pytest.fixture(scope="module")
def run(workplace: Workplace) -> Run:
    """All steps in one playbook."""
    tasks = [
        task(f"{case}: {verb}, {when}, {mode}", CASES[case][verb][0], check_mode=mode == "check", diff=True)
        for case, verb, when, mode in STEPS
    ]
    ended = workplace.play(tasks)
    assert ended.status == 0, ended.output
    return ended


@pytest.fixture(params=STEPS, ids=" ".join)
def step(request: pytest.FixtureRequest) -> tuple[str, str, str, str]:
    """One of the steps."""
    result: tuple[str, str, str, str] = request.param
    return result


@pytest.fixture
def done(run: Run, step: tuple[str, str, str, str]) -> Task:
    """What became of the step."""
    case, verb, when, mode = step
    return run[f"{case}: {verb}, {when}, {mode}"]


def test_only_the_first_time_counts_as_changed(step: tuple[str, str, str, str], done: Task) -> None:
    # In check mode the first time comes before the real one, the second time after it.
    assert done.changed is (step[2] == "first")


def test_the_server_changes_only_the_first_time_and_for_real(step: tuple[str, str, str, str], done: Task) -> None:
    case, verb, when, mode = step
    expected = CASES[case][verb][1] if (when, mode) == ("first", "real") else []
    assert sorted(change["call"] for change in done.audit) == sorted(expected)


def test_the_module_reports_the_calls_that_the_server_counts(done: Task) -> None:
    assert done.values["rpc"] == {"calls": done.calls, "writes": done.writes}


def test_no_write_is_sent_in_vain(step: tuple[str, str, str, str], done: Task) -> None:
    assert (done.writes > 0) is (step[2:] == ("first", "real"))


def test_a_diff_shows_just_what_changes(step: tuple[str, str, str, str], done: Task) -> None:
    diff = done.values["diff"]
    assert (diff["before"] != diff["after"]) is (step[2] == "first")


@pytest.mark.parametrize(("case", "verb"), [(case, verb) for case, verbs in CASES.items() for verb in verbs])
class TestCheckMode:
    """Check mode foretells."""

    def test_its_diff_is_that_of_the_real_run(self, run: Run, case: str, verb: str) -> None:
        foretold, real = (run[f"{case}: {verb}, first, {mode}"].values for mode in ("check", "real"))
        assert foretold["diff"] == real["diff"]

    def test_its_clients_are_those_of_the_real_run(self, run: Run, case: str, verb: str) -> None:
        foretold, real = (run[f"{case}: {verb}, first, {mode}"].values for mode in ("check", "real"))
        assert foretold["clients"] == real["clients"]


@pytest.mark.parametrize(
    ("case", "verb", "actions"),
    [
        (case, verb, [action] * (2 if case == "a list" else 1))
        for case in CASES
        for verb, action in (("create", "created"), ("change", "updated"), ("delete", "removed"))
    ],
)
def test_the_action_says_what_was_done(run: Run, case: str, verb: str, actions: list[str]) -> None:
    assert [client["action"] for client in run[f"{case}: {verb}, first, real"].values["clients"]] == actions


def test_the_diff_of_a_creation(run: Run) -> None:
    assert run["a reservation: create, first, real"].values["diff"] == {
        "before": {},
        "after": {
            "ip_address": "10.0.0.20",
            "mac_address": "00:1c:25:80:a0:43",
            "client_id": "001c2580a043",
            "scope": "10.0.0.0",
            "name": "printer",
            "description": "Hall",
            "type": "reservation",
            "lease_expires": None,
        },
    }


def test_the_diff_of_a_changed_lease(run: Run) -> None:
    diff = run["a lease: change, first, real"].values["diff"]
    changed = {key: (value, diff["after"][key]) for key, value in diff["before"].items() if value != diff["after"][key]}
    assert changed == {
        "description": ("", "Höfe"),
        "lease_expires": ("2098-01-01T00:00:00Z", "2098-12-31T23:00:00Z"),
    }


def test_the_diff_of_a_list_goes_by_address(run: Run) -> None:
    diff = run["a list: delete, first, real"].values["diff"]
    assert (sorted(diff["before"]), diff["after"]) == (["10.0.0.40", "10.0.0.41"], {})


def test_the_server_has_what_was_declared(run: Run) -> None:
    scope = run["a reservation: change, again, real"].server["scopes"]["10.0.0.0"]
    record, reservation = scope["records"]["10.0.0.20"], scope["reservations"]["10.0.0.20"]
    assert (record["name"], record["comment"], record["client_id"]) == ("printer-1", "", "001c2580a043")
    assert reservation["client_id"] == "001c2580a043"


def test_nothing_is_left_in_the_end(run: Run) -> None:
    scope = run["a list: delete, again, real"].server["scopes"]["10.0.0.0"]
    assert (scope["records"], scope["reservations"]) == ({}, {})
