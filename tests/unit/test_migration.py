# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of ansible.windows.win_dhcp_lease in which the module's name alone was exchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, migration
from ansible_collections.msrpc.dhcp.plugins.modules import dhcp_reservation_lease
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    ELSEWHERE,
    HOME,
    LATER,
    OURS,
    STRANGER,
    UNLEASED,
    WANTED,
    Bed,
)

Run = Callable[..., dict[str, Any]]

DOCUMENT = Path(__file__).parents[2] / "docs" / "migration-from-win_dhcp_lease.md"

# The options of that module, and what there is to refuse of each.
THEIRS = (
    "computer_name", "description", "dns_hostname", "dns_regtype", "duration", "ip", "mac", "reservation_name",
    "scope_id", "state", "type",
)  # fmt: skip
REFUSED = {
    "computer_name": ("dhcp1.example.com", "server=dhcp1.example.com"),
    "dns_hostname": ("printer.example.com", "name=printer.example.com"),
    "dns_regtype": ("noreg", "Leave it out"),
    "duration": (14, "lease_expires"),
}
CLIENT = {"ip": WANTED, "mac": OURS, "scope_id": HOME}


@pytest.fixture
def run(bed: Bed, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the module against the simulator; what is given stands as it would in a task of the other module."""

    def execute(**given: Any) -> dict[str, Any]:
        account = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD}
        with (
            patch_module_args({"server": bed.sim.host, "port": bed.sim.port, **account, **given}),
            pytest.raises(SystemExit),
        ):
            dhcp_reservation_lease.main()
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return execute


def warnings(answer: dict[str, Any]) -> str:
    return " ".join(str(warning) for warning in answer.get("warnings", []))


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "value", "instead"), [(name, *rest) for name, rest in REFUSED.items()], ids=REFUSED)
def test_an_option_without_a_counterpart_is_refused_with_what_to_write(
    bed: Bed, run: Run, option: str, value: Any, instead: str
) -> None:
    answer = run(**CLIENT, **{option: value})
    assert answer["failed"]
    assert f"{option}={value!r}: " in answer["msg"]
    assert instead in answer["msg"]
    assert (bed.sim.calls, bed.sim.handshakes) == (0, {})


@pytest.mark.parametrize("option", REFUSED)
def test_an_option_without_a_counterpart_may_be_null(run: Run, option: str) -> None:
    assert "failed" not in run(**CLIENT, **{option: None})


def test_an_option_without_a_counterpart_is_refused_whatever_the_state(run: Run) -> None:
    assert "computer_name='dhcp1'" in run(mac=OURS, state="absent", computer_name="dhcp1")["msg"]


def test_the_refused_options_are_those_that_have_no_other_meaning_here() -> None:
    spec = argspec.reservation_lease_spec()
    known = {*spec, *(alias for option in spec.values() for alias in option.get("aliases", ()))}
    assert set(THEIRS) <= known
    assert set(migration.FOREIGN_OPTIONS) == set(REFUSED)


def test_an_item_of_a_list_has_none_of_them(run: Run) -> None:
    assert "duration" in run(clients=[{**CLIENT, "duration": 3}])["msg"]


def test_the_default_type_is_the_same() -> None:
    assert argspec.reservation_lease_spec()["type"]["default"] == "reservation"


def test_the_default_state_is_the_same() -> None:
    assert argspec.reservation_lease_spec()["state"]["default"] == "present"


def test_the_document_has_a_row_for_every_option() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(THEIRS)


# --- the documented examples of that module ---------------------------------------------------------------------------


def test_the_example_of_a_reservation_says_what_to_write_for_dns_hostname(run: Run) -> None:
    answer = run(type="reservation", **CLIENT, dns_hostname="printer", description="Testing Server")
    assert "name=printer" in answer["msg"]


def test_the_example_of_a_reservation_works_without_dns_hostname(bed: Bed, run: Run) -> None:
    answer = run(type="reservation", **CLIENT, description="Testing Server")
    assert (answer["client"]["action"], bed.holder(WANTED)) == ("created", OURS)


def test_the_example_of_absence_by_mac_removes_a_reservation(bed: Bed, run: Run) -> None:
    bed.reserved_record(WANTED, OURS)
    assert run(mac=OURS, state="absent")["changed"]
    assert (bed.holder(WANTED), bed.record_at(WANTED)) == (None, None)


def test_the_example_of_absence_by_ip_removes_a_reservation(bed: Bed, run: Run) -> None:
    bed.reserved_record(WANTED, OURS)
    assert run(ip=WANTED, state="absent")["changed"]
    assert bed.holder(WANTED) is None


@pytest.mark.parametrize("named", [{"mac": OURS}, {"ip": WANTED}], ids=["mac", "ip"])
def test_an_absence_that_would_have_removed_a_lease_says_so(bed: Bed, run: Run, named: dict[str, str]) -> None:
    bed.record(WANTED, OURS)
    answer = run(**named, state="absent")
    assert not answer["changed"]
    assert all(part in warnings(answer) for part in (OURS, WANTED, "type=lease"))


def test_an_absence_that_would_have_removed_a_lease_does_so_with_type_lease(bed: Bed, run: Run) -> None:
    bed.record(WANTED, OURS)
    assert run(mac=OURS, state="absent", type="lease")["changed"]
    assert bed.record_at(WANTED) is None


def test_the_example_of_a_lease_made_a_reservation_says_that_the_client_is_wanted(bed: Bed, run: Run) -> None:
    bed.record(WANTED, OURS)
    message = run(type="reservation", ip=WANTED, description="Testing Server")["msg"]
    assert all(part in message for part in ("mac_address", "client_id", "state=present"))


def test_the_example_of_a_lease_made_a_reservation_works_with_its_mac(bed: Bed, run: Run) -> None:
    bed.record(WANTED, OURS)
    assert run(type="reservation", ip=WANTED, mac=OURS, description="Testing Server")["client"]["action"] == "updated"
    assert bed.holder(WANTED) == OURS


def test_the_example_of_a_reservation_made_a_lease_says_that_the_client_is_wanted(bed: Bed, run: Run) -> None:
    bed.reserved_record(WANTED, OURS)
    assert "mac_address" in run(type="lease", ip=WANTED)["msg"]


def test_a_reservation_made_a_lease_says_how_to_go_there(bed: Bed, run: Run) -> None:
    bed.reserved_record(WANTED, OURS)
    message = run(type="lease", ip=WANTED, mac=OURS)["msg"]
    assert "state=absent" in message
    assert bed.holder(WANTED) == OURS


def test_the_example_of_a_lease_for_some_days_says_what_to_write(bed: Bed, run: Run) -> None:
    message = run(mac=OURS, ip=WANTED, duration=14, state="present")["msg"]
    assert all(part in message for part in ("duration=14", "lease_expires", "leave it out"))
    assert bed.record_at(WANTED) is None


# --- what that module does otherwise ----------------------------------------------------------------------------------


def test_a_lease_without_an_end_is_warned_about(run: Run) -> None:
    answer = run(**CLIENT, type="lease")
    assert answer["client"]["lease_expires"] == "never"
    assert all(part in warnings(answer) for part in (OURS, WANTED, "never ends", "lease_expires"))


# Ansible keeps warnings for the life of a process: each of the following tests has an address of its own.


def test_a_lease_whose_end_is_declared_is_not_warned_about(run: Run) -> None:
    answer = run(ip="10.0.0.41", mac=OURS, type="lease", lease_expires="never")
    assert answer["changed"]
    assert "10.0.0.41" not in warnings(answer)


def test_a_lease_that_was_there_is_not_warned_about(bed: Bed, run: Run) -> None:
    bed.record("10.0.0.42", OURS, expires=LATER)
    answer = run(ip="10.0.0.42", mac=OURS, type="lease")
    assert not answer["changed"]
    assert "10.0.0.42" not in warnings(answer)


def test_a_task_in_the_words_of_this_module_is_not_warned_about_a_lease_without_end(run: Run) -> None:
    answer = run(ip_address="10.0.0.43", mac_address=OURS, type="lease")
    assert answer["changed"]
    assert "10.0.0.43" not in warnings(answer)


def test_a_task_in_the_words_of_this_module_is_not_warned_about_a_lease_that_stays(bed: Bed, run: Run) -> None:
    bed.record("10.0.0.44", OURS)
    answer = run(mac_address=OURS, state="absent")
    assert not answer["changed"]
    assert "10.0.0.44" not in warnings(answer)


def test_a_client_at_another_address_is_a_conflict_and_not_changed_there(bed: Bed, run: Run) -> None:
    bed.reserved_record(ELSEWHERE, OURS, name="seen")
    answer = run(**CLIENT, reservation_name="new")
    assert answer["failed"]
    assert ELSEWHERE in answer["msg"]
    assert bed.sim.writes == 0


def test_a_lease_of_another_client_is_a_conflict_and_does_not_become_ours(bed: Bed, run: Run) -> None:
    bed.record(WANTED, STRANGER, expires=UNLEASED)
    assert STRANGER in run(**CLIENT)["msg"]
    assert bed.holder(WANTED) is None
