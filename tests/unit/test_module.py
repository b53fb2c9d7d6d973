# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module in this process: bad input, return values, check mode, diff, counts, and what is never printed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, deps
from ansible_collections.msrpc.dhcp.plugins.modules import dhcp_reservation_lease
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD, NOBODY, READER
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    ELSEWHERE,
    FRIEND,
    HOME,
    LATER,
    OURS,
    OUTSIDE,
    PAST,
    RESERVE,
    STRANGER,
    THERE,
    UNLEASED,
    WANTED,
    Bed,
    ours,
)

Run = Callable[..., dict[str, Any]]

KEYS = {
    "ip_address",
    "mac_address",
    "client_id",
    "scope",
    "name",
    "description",
    "type",
    "lease_expires",
    "active_until",
    "action",
    "pending",
}


@pytest.fixture
def run(bed: Bed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the module against the simulator; returns what it prints, which never has the password in it."""
    for name in ("SERVER", "PORT", "ENDPOINT_MAPPER_PORT", "USERNAME", "PASSWORD", "AUTH"):
        monkeypatch.delenv(f"MSRPC_DHCP_{name}", raising=False)

    def execute(**given: Any) -> dict[str, Any]:
        account = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD}
        given = {"server": bed.sim.host, "port": bed.sim.port, **account, **given}
        arguments = {name: value for name, value in given.items() if value is not None}
        with patch_module_args(arguments), pytest.raises(SystemExit) as end:
            dhcp_reservation_lease.main()
        printed = capsys.readouterr()
        assert DEFAULT_PASSWORD not in printed.out + printed.err
        answer: dict[str, Any] = json.loads(printed.out)
        assert bool(end.value.code) == answer.get("failed", False)
        return answer

    return execute


# --- bad input, before the first call ---------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "mac_too_short": (ours(mac="00:1c:25:80:a0"), ("mac_address", "00:1c:25:80:a0")),
    "mac_too_long": (ours(mac="001c2580a04300"), ("mac_address", "001c2580a04300")),
    "mac_with_other_letters": (ours(mac="00:1c:25:80:a0:4g"), ("mac_address", "00:1c:25:80:a0:4g")),
    "mac_in_mixed_form": (ours(mac="00:1c-25:80:a0:43"), ("mac_address", "00:1c-25:80:a0:43")),
    "mac_empty": (ours(mac=""), ("mac_address", "''")),
    "mac_and_client_id_differ": (ours(client_id="0011"), ("client_id", "0011", "mac_address", OURS)),
    "mac_inside_client_id": (ours(client_id="01001c2580a043"), ("client_id", "01001c2580a043", OURS)),
    "present_without_client": (ours(mac=None), ("mac_address", "client_id", "state=present")),
    "present_without_address": ({"mac_address": OURS}, ("ip_address", "state=present")),
    "absent_without_anything": ({"state": "absent"}, ("ip_address", "mac_address", "client_id")),
    "absent_item_without_anything": (
        {"clients": [{"state": "absent", "scope": HOME}]},
        ("clients[0]", "ip_address", "mac_address", "client_id", "state=absent"),
    ),
    "client_id_odd": ({"ip_address": WANTED, "client_id": "abc"}, ("client_id", "abc", "odd")),
    "client_id_empty": ({"ip_address": WANTED, "client_id": ""}, ("client_id", "''")),
    "client_id_not_hexadecimal": ({"ip_address": WANTED, "client_id": "zz"}, ("client_id", "zz")),
    "address_of_five_numbers": (ours("10.0.0.20.1"), ("ip_address", "10.0.0.20.1")),
    "address_too_large": (ours("10.0.0.256"), ("ip_address", "10.0.0.256")),
    "address_with_mask": (ours("10.0.0.20/24"), ("ip_address", "10.0.0.20/24")),
    "address_of_ipv6": (ours("2001:db8::1"), ("ip_address", "2001:db8::1")),
    "address_empty": (ours(""), ("ip_address", "''")),
    "scope_no_address": (ours(scope="office"), ("scope", "office")),
    "expiry_of_a_reservation": (ours(lease_expires=LATER), ("lease_expires", LATER, "reservation")),
    "no_expiry_of_a_reservation": (ours(lease_expires="never"), ("lease_expires", "never")),
    "expiry_unparsable": (ours(type="lease", lease_expires="soon"), ("lease_expires", "soon")),
    "expiry_without_zone": (ours(type="lease", lease_expires="2099-01-01T00:00:00"), ("lease_expires", "2099", "zone")),
    "expiry_a_day": (ours(type="lease", lease_expires="2099-01-01"), ("lease_expires", "2099-01-01", "zone")),
    "expiry_in_the_past": (ours(type="lease", lease_expires=PAST), ("lease_expires", PAST, "past")),
    "name_with_nul": (ours(name="a\0b"), ("name", "a\\x00b", "NUL")),
    "name_with_half_a_pair": (ours(name="a\ud800"), ("name", "a\\ud800")),
    "description_with_nul": (ours(description="\0"), ("description", "\\x00", "NUL")),
    "description_with_half_a_pair": (ours(description="\udc00"), ("description", "\\udc00")),
    "port_zero": (ours(port=0), ("port", "0")),
    "port_negative": (ours(port=-1), ("port", "-1")),
    "port_too_large": (ours(port=65536), ("port", "65536")),
    "port_no_number": (ours(port="dhcp"), ("port", "dhcp")),
    "mapper_port_too_large": (ours(endpoint_mapper_port=70000), ("endpoint_mapper_port", "70000")),
    "timeout_zero": (ours(connect_timeout=0), ("connect_timeout", "0")),
    "timeout_negative": (ours(request_timeout=-3), ("request_timeout", "-3")),
    "timeout_no_number": (ours(request_timeout="nan"), ("request_timeout", "nan")),
    "server_empty": (ours(server=" "), ("server", "' '")),
    "server_missing": (ours(server=None), ("server",)),
    "unknown_key_in_an_item": ({"clients": [ours(ipaddress="x")]}, ("ipaddress", "clients")),
    "unknown_option": (ours(hostname="x"), ("hostname",)),
    "unknown_state": (ours(state="there"), ("state", "there")),
    "unknown_type": (ours(type="exclusion"), ("type", "exclusion")),
    "unknown_policy_in_an_item": ({"clients": [ours(name_policy="never")]}, ("name_policy", "never")),
    "ntlm_without_password": (ours(auth="ntlm", password=None), ("auth=ntlm", "password")),
    "ntlm_without_user": (ours(auth="ntlm", username=None), ("auth=ntlm", "username")),
    "list_and_single": (ours(clients=[ours(ELSEWHERE)]), ("clients", "mutually exclusive")),
    "purge_without_scope": ({"clients": [ours()], "purge": True}, ("purge", "scope")),
    "purge_with_a_scope_for_each_item": ({"clients": [ours(scope=HOME)], "purge": True}, ("purge", "needs scope")),
    "purge_without_clients": (ours(scope=HOME, purge=True), ("purge", "list of clients")),
    "purge_with_no_clients": ({"clients": [], "scope": HOME, "purge": True}, ("purge", "list of clients")),
    "purge_of_another_scope": (
        {"clients": [ours(), ours(THERE, FRIEND, scope="10.0.1.0")], "scope": HOME, "purge": True},
        ("clients[1].scope", "10.0.1.0", HOME),
    ),
    "purge_limit_negative": (
        {"clients": [ours()], "scope": HOME, "purge": True, "purge_limit": -1},
        ("purge_limit", "-1"),
    ),
    "purge_limit_negative_without_purge": (ours(purge_limit=-1), ("purge_limit", "-1")),
    "purge_limit_no_number": ({"clients": [ours()], "scope": HOME, "purge_limit": "few"}, ("purge_limit", "few")),
    "present_item_without_address_and_scope": (
        {"clients": [ours(), {"mac_address": FRIEND}]},
        ("clients[1].ip_address", "state=present", "scope"),
    ),
    "second_item": ({"clients": [ours(), ours("10.0.0.x", FRIEND)]}, ("clients[1].ip_address", "10.0.0.x")),
}


@pytest.mark.parametrize(("given", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_before_the_first_call(
    bed: Bed, run: Run, given: dict[str, Any], words: tuple[str, ...]
) -> None:
    answer = run(**given)
    assert answer["failed"]
    assert [word for word in words if word not in answer["msg"]] == []
    assert (bed.sim.calls, bed.sim.connections, bed.sim.handshakes) == (0, 0, {})


@pytest.mark.parametrize(("given", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_check_mode_too(run: Run, given: dict[str, Any], words: tuple[str, ...]) -> None:
    answer = run(**given, _ansible_check_mode=True)
    assert answer["failed"]
    assert words[0] in answer["msg"]


def test_refused_input_is_reported_as_no_change_and_no_call(run: Run) -> None:
    answer = run(**ours("nowhere"))
    assert (answer["changed"], answer["rpc"]) == (False, {"calls": 0, "writes": 0})


# --- bad input, before the first write --------------------------------------------------------------------------------

MISPLACED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "in_no_scope": (ours("192.0.2.1"), ("ip_address", "192.0.2.1", "no scope")),
    "below_every_scope": (ours("9.0.0.1"), ("ip_address", "9.0.0.1", "no scope")),
    "between_scopes": (ours("10.0.2.1"), ("ip_address", "10.0.2.1", "no scope")),
    "outside_the_given_scope": (ours(THERE, scope=HOME), ("ip_address", THERE, HOME)),
    "network_address": (ours("10.0.0.0"), ("ip_address", "10.0.0.0", "network")),
    "broadcast_address": (ours("10.0.0.255"), ("ip_address", "10.0.0.255", "broadcast")),
    "network_address_absent": (ours("10.0.0.0", state="absent"), ("ip_address", "10.0.0.0", "network")),
    "unknown_scope": (ours(scope="10.9.0.0"), ("scope", "10.9.0.0")),
    "scope_by_one_of_its_addresses": (ours(scope=WANTED), ("scope", WANTED)),
    "unknown_scope_without_address": ({"mac_address": OURS, "scope": "10.9.0.0"}, ("scope", "10.9.0.0")),
    "purge_of_an_unknown_scope": (
        {"clients": [{"mac_address": OURS}], "scope": "10.9.0.0", "purge": True},
        ("scope", "10.9.0.0"),
    ),
    "purge_with_an_address_of_another_scope": (
        {"clients": [ours(), ours(THERE, FRIEND)], "scope": HOME, "purge": True},
        ("clients[1].ip_address", THERE, HOME),
    ),
    "unknown_scope_absent": ({"mac_address": OURS, "state": "absent", "scope": "10.9.0.0"}, ("scope", "10.9.0.0")),
    "address_twice": (
        {"clients": [ours(), ours(mac=FRIEND)]},
        ("clients[1].ip_address", WANTED, "twice", "clients[0]"),
    ),
    "client_twice": ({"clients": [ours(), ours(ELSEWHERE)]}, ("clients[1].mac_address", OURS, "twice", "clients[0]")),
    "one_of_many": (
        {"clients": [ours(), ours("10.0.0.255", FRIEND)]},
        ("clients[1].ip_address", "10.0.0.255", "broadcast"),
    ),
}


@pytest.mark.parametrize(("given", "words"), MISPLACED.values(), ids=MISPLACED)
def test_what_the_scopes_show_to_be_wrong_is_refused_before_the_first_write(
    bed: Bed, run: Run, given: dict[str, Any], words: tuple[str, ...]
) -> None:
    answer = run(**given)
    assert answer["failed"]
    assert not answer["changed"]
    assert [word for word in words if word not in answer["msg"]] == []
    assert (bed.sim.writes, bed.sim.audit, answer["rpc"]["writes"]) == (0, [], 0)


# --- accepted input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mac", [OURS, "00-1C-25-80-A0-43", "001c.2580.a043", "001C2580A043", " 001c2580a043 "])
def test_every_usual_form_of_a_mac_is_the_same_client(bed: Bed, run: Run, mac: str) -> None:
    bed.reserved_record(WANTED, OURS)
    answer = run(ip_address=WANTED, mac_address=mac)
    assert (answer["changed"], answer["client"]["mac_address"]) == (False, OURS)


def test_mac_and_client_id_of_the_same_octets_are_accepted(run: Run) -> None:
    assert run(**ours(client_id="00:1C:25:80:A0:43"))["client"]["client_id"] == "001c2580a043"


def test_aliases_are_accepted(run: Run) -> None:
    answer = run(ip=WANTED, mac=OURS, scope_id=HOME, reservation_name="printer", comment="d")
    client = answer["client"]
    assert (client["ip_address"], client["name"], client["description"]) == (WANTED, "printer", "d")


def test_aliases_are_accepted_in_items(run: Run) -> None:
    item = {"ip": WANTED, "mac": OURS, "scope_id": HOME, "reservation_name": "printer", "comment": "d"}
    client = run(clients=[item])["clients"][0]
    assert (client["ip_address"], client["name"], client["description"]) == (WANTED, "printer", "d")


def test_names_may_have_any_character_that_utf_16_has(bed: Bed, run: Run) -> None:
    name = "Drücker 😀 \u202e"
    assert run(**ours(name=name))["client"]["name"] == name
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.name == name


def test_what_the_module_returns_is_accepted_as_input(bed: Bed, run: Run) -> None:
    bed.reserved_record(THERE, STRANGER, name="taken")
    lease = ours("10.0.0.40", FRIEND, type="lease", lease_expires=LATER)
    first = run(clients=[ours(name="printer"), lease, ours(THERE, FRIEND)])
    assert first["failed"]
    second = run(clients=first["clients"])
    assert not second["changed"]
    assert [client["action"] for client in second["clients"]] == ["none"] * 3


def test_connection_options_come_from_the_environment(bed: Bed, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "SERVER": bed.sim.host,
        "PORT": str(bed.sim.port),
        "USERNAME": ADMINISTRATOR,
        "PASSWORD": DEFAULT_PASSWORD,
        "AUTH": "ntlm",
    }
    for name, value in found.items():
        monkeypatch.setenv(f"MSRPC_DHCP_{name}", value)
    answer = run(**ours(), server=None, port=None, username=None, password=None)
    assert answer["client"]["action"] == "created"


def test_without_port_the_endpoint_mapper_is_asked(bed: Bed, run: Run) -> None:
    answer = run(**ours(), port=None, endpoint_mapper_port=bed.sim.endpoint_mapper_port)
    assert answer["client"]["action"] == "created"
    assert bed.sim.handshakes["ept_map"] == 1


@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
@pytest.mark.parametrize("account", ["dhcp-admin", "EXAMPLE\\dhcp-admin"])
def test_both_kinds_of_logon_work(run: Run, auth: str, account: str) -> None:
    assert run(**ours(), auth=auth, username=account)["client"]["action"] == "created"


# --- what is returned -------------------------------------------------------------------------------------------------


def test_a_single_client_is_returned_alone_and_in_the_list(run: Run) -> None:
    answer = run(**ours(name="printer"))
    assert answer["changed"]
    assert answer["clients"] == [answer["client"]]
    assert set(answer["client"]) == KEYS


def test_a_list_returns_no_single_client(run: Run) -> None:
    answer = run(clients=[ours()])
    assert "client" not in answer
    assert [set(client) for client in answer["clients"]] == [KEYS]


def test_an_empty_list_changes_nothing(bed: Bed, run: Run) -> None:
    answer = run(clients=[])
    assert (answer["changed"], answer["clients"], answer["rpc"]) == (False, [], {"calls": 0, "writes": 0})
    assert bed.sim.handshakes == {}


def test_calls_and_writes_are_those_that_the_server_saw(bed: Bed, run: Run) -> None:
    answer = run(**ours(name="printer"))
    assert answer["rpc"] == {"calls": bed.sim.calls, "writes": bed.sim.writes}
    assert answer["rpc"]["writes"] == 2


def test_a_second_run_counts_no_write(bed: Bed, run: Run) -> None:
    run(**ours(name="printer"))
    bed.sim.reset_counters()
    answer = run(**ours(name="printer"))
    assert (answer["changed"], answer["rpc"]["writes"], bed.sim.writes) == (False, 0, 0)


def test_a_failed_client_has_its_error_beside_the_message(bed: Bed, run: Run) -> None:
    bed.record(WANTED, STRANGER, name="laptop")
    answer = run(**ours())
    assert answer["failed"]
    assert answer["client"]["error"] == answer["msg"]
    assert set(answer["client"]) == {*KEYS, "error"}
    assert answer["rpc"] == {"calls": bed.sim.calls, "writes": 0}


def test_a_conflict_has_no_code_of_the_server(bed: Bed, run: Run) -> None:
    bed.record(WANTED, STRANGER)
    assert not {"error_code", "error_name", "rpc_call"} & set(run(**ours()))


def test_a_refusal_returns_the_servers_code_its_name_and_the_call(run: Run) -> None:
    answer = run(**ours(OUTSIDE))
    assert (answer["error_code"], answer["error_name"], answer["rpc_call"]) == (
        20018,
        "ERROR_DHCP_NOT_RESERVED_CLIENT",
        RESERVE,
    )


def test_20013_on_create_returns_the_servers_code(bed: Bed, run: Run) -> None:
    bed.sim.faults.add(CREATE, status=20013)
    answer = run(**ours())
    assert (answer["error_code"], answer["rpc_call"]) == (20013, CREATE)
    assert "database" in answer["msg"]


@pytest.mark.parametrize("how", ["status", "fault"])
def test_a_reader_gets_the_code_for_access_denied(bed: Bed, run: Run, how: Any) -> None:
    bed.sim.settings.access_denied = how
    answer = run(**ours(), username=READER)
    assert (answer["failed"], answer["changed"]) == (True, False)
    assert (answer["error_code"], answer["error_name"], answer["rpc_call"]) == (5, "ERROR_ACCESS_DENIED", CREATE)
    assert bed.sim.audit == []


@pytest.mark.parametrize("how", ["status", "fault"])
def test_who_is_denied_access_and_where_is_told_with_what_it_takes(bed: Bed, run: Run, how: Any) -> None:
    bed.sim.settings.access_denied = how
    message = run(**ours(), username=READER)["msg"]
    assert f"'{READER}' may " in message
    assert "127.0.0.1" in message
    assert "writing in DHCP Administrators" in message


def test_a_fault_returns_its_code_its_name_and_the_call(bed: Bed, run: Run) -> None:
    bed.sim.faults.add(CREATE, fault=0x1C010003, times=9)
    answer = run(**ours())
    assert (answer["error_code"], answer["error_name"], answer["rpc_call"]) == (0x1C010003, "nca_s_unk_if", CREATE)


def test_a_fault_without_a_name_returns_its_number(bed: Bed, run: Run) -> None:
    bed.sim.faults.add(CREATE, fault=0x0BADC0DE, times=9)
    assert run(**ours())["error_name"] == "0x0BADC0DE"


@pytest.mark.parametrize("how", ["status", "fault"])
def test_an_account_without_rights_gets_the_code_for_access_denied(bed: Bed, run: Run, how: Any) -> None:
    bed.sim.settings.access_denied = how
    answer = run(**ours(), username=NOBODY)
    assert (answer["failed"], answer["changed"], answer["error_code"]) == (True, False, 5)
    assert (bed.sim.writes, answer["rpc"]["writes"]) == (0, 0)


def test_an_unknown_outcome_fails_the_task(bed: Bed, run: Run) -> None:
    def deaf(store: Any) -> None:
        bed.sim.faults.add("bind", times=None, drop="before")

    bed.sim.faults.add(CREATE, drop="after", before=deaf)
    answer = run(**ours())
    assert (answer["failed"], answer["changed"], answer["client"]["action"]) == (True, False, "unknown")


def test_what_was_done_before_a_failure_is_reported(bed: Bed, run: Run) -> None:
    bed.record(WANTED, STRANGER)
    answer = run(clients=[ours(), ours(ELSEWHERE, FRIEND)])
    assert (answer["failed"], answer["changed"]) == (True, True)
    assert [client["action"] for client in answer["clients"]] == ["none", "created"]


def test_warnings_are_shown(bed: Bed, run: Run) -> None:
    bed.record("10.0.0.211", OURS)
    answer = run(**ours("10.0.0.212", name="printer"))
    assert answer["client"]["pending"] == ["name"]
    # Ansible keeps warnings for the life of a process: only these two addresses are of this test.
    shown = json.dumps(answer["warnings"])
    assert "10.0.0.211" in shown
    assert "renews" in shown[shown.index("10.0.0.212") :]


# --- check mode and diff ----------------------------------------------------------------------------------------------


def test_check_mode_tells_what_would_be_done_and_does_nothing(bed: Bed, run: Run) -> None:
    foreseen = run(**ours(name="printer"), _ansible_check_mode=True)
    assert (foreseen["changed"], foreseen["client"]["action"]) == (True, "created")
    assert (foreseen["rpc"]["writes"], bed.sim.writes, bed.sim.audit) == (0, 0, [])


def test_check_mode_returns_what_the_run_returns(run: Run) -> None:
    declared = ours(name="printer", description="d")
    foreseen, done = run(**declared, _ansible_check_mode=True), run(**declared)
    assert (foreseen["client"], foreseen["diff"]) == (done["client"], done["diff"])


def test_the_diff_of_a_single_client_is_before_and_after(bed: Bed, run: Run) -> None:
    bed.reserved_record(WANTED, OURS, name="printer", comment="old")
    diff = run(**ours(description="new"), _ansible_diff=True)["diff"]
    assert {key: (diff["before"][key], diff["after"][key]) for key in diff["before"] if key == "description"} == {
        "description": ("old", "new")
    }
    assert set(diff["before"]) == set(diff["after"]) == KEYS - {"active_until", "action", "pending"}


def test_the_diff_of_no_change_is_empty(bed: Bed, run: Run) -> None:
    bed.reserved_record(WANTED, OURS)
    diff = run(**ours(), _ansible_diff=True)["diff"]
    assert diff["before"] == diff["after"]


def test_the_diff_of_a_list_is_by_address(run: Run) -> None:
    diff = run(clients=[ours(), ours(ELSEWHERE, FRIEND)])["diff"]
    assert (diff["before"], set(diff["after"])) == ({}, {WANTED, ELSEWHERE})


# --- connection failures, and what is never printed -------------------------------------------------------------------


def test_a_wrong_password_is_a_sentence_without_the_password(bed: Bed, run: Run, capsys: Any) -> None:
    answer = run(**ours(), password="Canary-7")
    assert answer["failed"]
    assert ADMINISTRATOR in answer["msg"]
    assert "Canary-7" not in json.dumps(answer) + "".join(capsys.readouterr())
    assert bed.sim.writes == 0


@pytest.mark.parametrize(
    "given",
    [ours(auth="ntlm", username=None), ours(port=0), ours("x"), ours(server="no.such.host.invalid"), ours(THERE, "zz")],
)
def test_the_password_is_in_nothing_that_a_failing_run_prints(
    run: Run, capsys: pytest.CaptureFixture[str], given: dict[str, Any]
) -> None:
    answer = run(**given, password="Canary-7", connect_timeout=2)
    assert answer["failed"]
    assert "Canary-7" not in json.dumps(answer) + "".join(capsys.readouterr())


def test_the_password_is_masked_in_the_invocation(run: Run) -> None:
    """Newer releases of ansible-core return no invocation unless they are told to."""
    masked = {"module_args": {"password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}}
    invocation = run(**ours()).get("invocation", masked)
    assert invocation["module_args"]["password"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def test_a_refused_connection_is_a_sentence(run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = run(**ours(), port=unused.getsockname()[1])
    assert (answer["failed"], answer["changed"], answer["rpc"]) == (True, False, {"calls": 0, "writes": 0})
    assert "cannot connect" in answer["msg"]


def test_a_silent_server_is_given_up_in_time(bed: Bed, run: Run) -> None:
    bed.sim.faults.add("R_DhcpEnumSubnets", silent="before")
    answer = run(**ours(), request_timeout=0.2)
    assert "request_timeout" in answer["msg"]
    assert bed.sim.writes == 0


def test_a_silent_logon_is_given_up_in_time(bed: Bed, run: Run) -> None:
    bed.sim.faults.add("bind", silent="before")
    assert "connect_timeout" in run(**ours(), connect_timeout=0.2)["msg"]


# --- libraries --------------------------------------------------------------------------------------------------------


def test_a_missing_library_is_named_with_its_bound() -> None:
    problem = deps.library_problem("no-such-library", "1.2.3", "Traceback")
    assert problem is not None
    assert "no-such-library>=1.2.3" in problem


def test_a_library_that_is_too_old_is_told_from_a_missing_one() -> None:
    problem = deps.library_problem("impacket", "999", None)
    assert problem is not None
    assert all(part in problem for part in ("impacket>=999", "too old"))


def test_a_library_that_cannot_be_imported_is_told_from_a_missing_one() -> None:
    problem = deps.library_problem("impacket", "0.1", "Traceback")
    assert problem is not None
    assert "cannot be imported" in problem


@pytest.mark.parametrize("name", deps.MINIMUM)
def test_the_libraries_that_are_here_are_no_problem(name: str) -> None:
    assert deps.library_problem(name, deps.MINIMUM[name], None) is None


def test_a_library_without_metadata_that_can_be_imported_is_no_problem() -> None:
    assert deps.library_problem("no-such-library", "1.2.3", None) is None


def test_the_module_fails_before_the_first_call_where_a_library_is_missing(
    bed: Bed, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(deps.MINIMUM, "impacket", "999")
    answer = run(**ours())
    assert "impacket>=999" in answer["msg"]
    assert bed.sim.handshakes == {}


# --- the tables agree -------------------------------------------------------------------------------------------------


def test_every_option_of_an_item_is_one_of_the_task_or_read_only() -> None:
    spec = argspec.reservation_lease_spec()
    assert set(spec["clients"]["options"]) - set(spec) == set(argspec.READ_ONLY)


def test_a_record_that_nothing_holds_is_returned_without_expiry(bed: Bed, run: Run) -> None:
    bed.record(WANTED, OURS, expires=UNLEASED)
    assert run(**ours(type="lease"))["client"]["lease_expires"] is None


# --- what was read is handed back -------------------------------------------------------------------------------------


def lease_of_ours(**more: Any) -> dict[str, Any]:
    return {"ip_address": WANTED, "mac_address": OURS, "type": "lease", "lease_expires": PAST, **more}


def test_a_lease_that_is_over_may_be_handed_back_as_it_was_read(bed: Bed, run: Run) -> None:
    bed.record(WANTED, OURS, expires=PAST)
    assert (run(clients=[lease_of_ours()])["changed"], bed.sim.writes) == (False, 0)


@pytest.mark.parametrize("stored", [LATER, None])
def test_in_a_list_a_past_time_that_is_not_stored_is_refused_before_the_first_write(
    bed: Bed, run: Run, stored: str | None
) -> None:
    if stored is not None:
        bed.record(WANTED, OURS, expires=stored)
    answer = run(clients=[lease_of_ours()])
    assert answer["msg"].startswith(f"clients[0].lease_expires='{PAST}': is in the past")
    assert bed.sim.writes == 0


def test_for_an_absent_client_it_does_not_matter_when_its_lease_ended(bed: Bed, run: Run) -> None:
    bed.record(WANTED, OURS, expires=PAST)
    assert run(clients=[lease_of_ours(state="absent")])["clients"][0]["action"] == "removed"
