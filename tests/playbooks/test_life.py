# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client's life beside its declaration: it is replaced, moved, given an address, purged, read back, and a host."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run, run_playbook
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program, Workplace, task
from ansible_collections.msrpc.dhcp.tests.simulator.site import DEFAULT_DOMAIN, READER

LATER = "2099-01-01T00:00:00Z"
TEMPLATE = "{{ lookup('pipe','id') }}"
LONG_ID = "ff" + "ab" * 63
OUT_OF_MEMORY = 14  # ERROR_OUTOFMEMORY: the server cannot, whatever the client says
READING = {"username": f"{DEFAULT_DOMAIN}\\{READER}"}

# What the server itself decides about a record that is created (3.1.4.45).
SERVERS_OWN = {"client_type", "mask", "owner_address", "owner_netbios_name"}

CREATE, UNRESERVE = "R_DhcpCreateClientInfoVQ", "R_DhcpRemoveSubnetElementV5"


def mac(number: int) -> str:
    """One of many clients."""
    return f"00:1c:25:80:00:{number:02x}"


def octets(number: int) -> str:
    """The same client, as the simulator shows it."""
    return mac(number).replace(":", "")


def _boot(host: str) -> list[dict[str, Any]]:
    """Option values of a reservation: a boot server, and who registers the client's name (option 81)."""
    return [
        {"id": 66, "type": "string", "values": [f"{host}.example.com"]},
        {"id": 81, "type": "dword", "values": [17]},
        {"id": 43, "type": "binary", "values": ["0104c0000201"], "user_class": "Default BOOTP Class"},
    ]


def _reserved(last: int, name: str) -> dict[str, Any]:
    """A reserved client of 10.1.0.0, numbered as its address."""
    return {"ip_address": f"10.1.0.{last}", "mac_address": mac(last), "name": name, "description": f"{name}'s place"}


NAMES = {20: "printer", 21: "copier", 40: "left", 41: "right", 50: "east", 51: "west", 52: "north", 60: "plotter"}
NAMES |= {70: "door", 71: "window"}


def _scope(subnet: str, start: int = 10, end: int = 250, **more: Any) -> dict[str, Any]:
    net = subnet.rpartition(".")[0]
    ranges = [{"start": f"{net}.{start}", "end": f"{net}.{end}"}]
    return {"scope": subnet, "prefix_length": 24, "ranges": ranges, **more}


def _lease(ip_address: str, client: int, name: str, **more: Any) -> dict[str, Any]:
    return {"ip_address": ip_address, "mac_address": mac(client), "name": name, "lease_expires": LATER, **more}


def _held(net: str, numbers: list[int]) -> list[dict[str, Any]]:
    return [{"ip_address": f"{net}.{number}", "mac_address": mac(number)} for number in numbers]


SITE: dict[str, Any] = {
    "scopes": [
        _scope(
            "10.1.0.0",
            reservations=[
                {"ip_address": f"10.1.0.{last}", "mac_address": mac(last), "options": _boot(name)}
                for last, name in NAMES.items()
            ]
            + _held("10.1.0", [90]),
            records=[
                *({**_reserved(last, name), "lease_expires": 0} for last, name in NAMES.items()),
                _lease("10.1.0.30", 30, "guest"),
                _lease("10.1.0.80", 80, "Gast Köln"),
                _lease("10.1.0.90", 91, "squatter"),
            ],
        ),
        _scope(
            "10.2.0.0",
            end=19,
            exclusions=[{"start": "10.2.0.11", "end": "10.2.0.12"}],
            reservations=_held("10.2.0", [10]),
            records=[_lease("10.2.0.14", 14, "visitor"), _lease("10.2.0.16", 16, "laptop")],
        ),
        _scope("10.3.0.0", end=12),
        _scope(
            "10.4.0.0",
            reservations=_held("10.4.0", [20, 21, 22, 23]),
            records=[
                *({**each, "name": "client", "lease_expires": 0} for each in _held("10.4.0", [20, 21, 22, 23])),
                _lease("10.4.0.30", 30, "guest"),
            ],
        ),
        _scope(
            "10.5.0.0",
            name="Office",
            reservations=_held("10.5.0", [20]),
            records=[
                {**_held("10.5.0", [20])[0], "name": "printer", "lease_expires": 0},
                _lease("10.5.0.30", 30, TEMPLATE, description="{{ 1 + 1 }}"),
                {"ip_address": "10.5.0.31", "client_id": LONG_ID, "lease_expires": "never"},
                {"ip_address": "10.5.0.32", "client_id": "aa", "client_type": 2, "lease_expires": LATER},
            ],
        ),
        _scope(
            "10.6.0.0",
            end=12,
            reservations=[{**_held("10.6.0", [11])[0], "options": _boot("printer")}],
            records=[{**_held("10.6.0", [11])[0], "name": "printer", "lease_expires": 0}],
        ),
        _scope("10.9.0.0", reservations=_held("10.9.0", [20]), records=[_lease("10.9.0.20", 20, "neighbour")]),
    ],
    "failover": [
        {
            "name": "dhcp1-dhcp2",
            "primary_server": "192.0.2.1",
            "primary_server_name": "dhcp1.example.com",
            "secondary_server": "192.0.2.2",
            "secondary_server_name": "dhcp2.example.com",
            "scopes": ["10.5.0.0"],
        }
    ],
}

SUCCESSOR = {"ip_address": "10.1.0.20", "mac_address": mac(0xA0)}
GUEST = {"ip_address": "10.1.0.30", "mac_address": mac(0xA1), "name": "camera"}
CHANGES = [
    {"ip_address": f"10.1.0.{where}", "mac_address": mac(who)}
    for where, who in {40: 41, 41: 40, 50: 51, 51: 52, 52: 50}.items()
]
MOVE = {"ip_address": "10.1.0.61", "mac_address": mac(60)}
SQUATTED = {"ip_address": "10.1.0.90", "mac_address": mac(90), "name": "clock"}
CUT = {"ip_address": "10.1.0.71", "mac_address": mac(0xA3)}
SUCCESSION = {
    "scope": "10.1.0.0",
    "clients": [{"ip": "10.1.0.71", "mac": mac(0xA4), "name": "blind"}, {**CUT, "state": "absent"}],
}
BROKEN = {"ip_address": "10.1.0.70", "mac_address": mac(0xA2), "name": "gate"}

# Clients without an address; the third of the first list has a lease already.
NEW = {"scope": "10.2.0.0", "clients": [{"mac_address": mac(0xB0)}, {"mac_address": mac(0xB1)}, {"mac": mac(16)}]}
MANY = {"scope": "10.2.0.0", "clients": [{"mac_address": mac(0xC0 + number), "name": "new"} for number in range(4)]}

KEPT = {"scope": "10.4.0.0", "clients": [*_held("10.4.0", [20, 21]), {"ip": "10.4.0.25", "mac": mac(25)}]}

OLDER = {
    "clients": [
        {"scope": "10.6.0.0", "mac_address": mac(0xD0), "name": "first"},
        {"ip_address": "10.6.0.11", "mac_address": mac(0xD1), "on_conflict": "replace"},
    ]
}
# Written for ansible.windows.win_dhcp_lease, but for the module's name.
MIGRATED = {
    "type": "reservation",
    "ip": "10.1.0.100",
    "scope_id": "10.1.0.0",
    "mac": mac(100).replace(":", "-"),
    "reservation_name": "tv",
    "description": "Hall",
}

# What a step may touch; all else has to be as it was, octet for octet.
TOUCHED: dict[str, set[str]] = {
    "conflict": set(),
    "replace, foretold": set(),
    "replace": {"10.1.0.20"},
    "replace, again": set(),
    "evict, not allowed": set(),
    "evict": {"10.1.0.30"},
    "swap and ring": {each["ip_address"] for each in CHANGES},
    "swap and ring, again": set(),
    "move": {"10.1.0.60", "10.1.0.61"},
    "move, again": set(),
    "squatted": set(),
    "squatted, evicted": {"10.1.0.90"},
    "cut": {"10.1.0.71"},
    "succession": {"10.1.0.71"},
    "broken": {"10.1.0.70"},
    "allocate, foretold": set(),
    "allocate": {"10.2.0.13", "10.2.0.15", "10.2.0.16"},
    "allocate, again": set(),
    "allocate too many": {"10.2.0.17", "10.2.0.18", "10.2.0.19"},
    "allocate in a full scope": set(),
    "purge over its limit": set(),
    "purge with a bad client": set(),
    "purge, foretold": set(),
    "purge": {"10.4.0.22", "10.4.0.23", "10.4.0.25"},
    "purge, again": set(),
    "read a scope": set(),
    "read a client": set(),
    "read nobody": set(),
    "read scopes": set(),
    "test the connection": set(),
    "write as a reader": set(),
    "declare what was read": set(),
    "declare under failover": {"10.5.0.40"},
    "older server": {"10.6.0.10", "10.6.0.11"},
    "older server, again": set(),
    "older server, read": set(),
    "migrated": {"10.1.0.100"},
    "not migrated": set(),
}
IDLE = [name for name, addresses in TOUCHED.items() if not addresses]
FAILING = {
    "conflict",
    "evict, not allowed",
    "broken",
    "allocate too many",
    "allocate in a full scope",
    "purge over its limit",
    "purge with a bad client",
    "write as a reader",
    "not migrated",
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A simulator of the site above."""
    folder: Path = tmp_path_factory.mktemp("workplace")
    with Program(folder, SITE) as program:
        yield Workplace(program=program, home=folder / "home")


def info(name: str, module: str, options: dict[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    """A task of a module that reads, with an account that is in DHCP Users only."""
    return {"name": name, f"msrpc.dhcp.{module}": {**READING, **(options or {})}, **keywords}


def asking(name: str, port: int, **request: Any) -> dict[str, Any]:
    """A task that asks something of the simulator's control port."""
    script = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); "
    script += "s.sendall(sys.argv[2].encode() + b'\\n'); print(s.makefile().readline())"
    command = {"argv": [sys.executable, "-c", script, str(port), json.dumps(request)]}
    return {"name": name, "ansible.builtin.command": command, "changed_when": False}


def written(port: int) -> list[dict[str, Any]]:
    """The steps that replace, allocate and purge."""
    every = {"clients": CHANGES, "on_conflict": "replace"}
    checked = {"check_mode": True, "diff": True}
    return [
        task("conflict", SUCCESSOR),
        task("replace, foretold", {**SUCCESSOR, "on_conflict": "replace"}, **checked),
        task("replace", {**SUCCESSOR, "on_conflict": "replace"}, diff=True),
        task("replace, again", {**SUCCESSOR, "on_conflict": "replace"}),
        task("evict, not allowed", GUEST),
        task("evict", {**GUEST, "on_conflict": "evict_lease"}),
        task("swap and ring", every),
        task("swap and ring, again", every),
        task("move", {**MOVE, "on_conflict": "replace"}),
        task("move, again", {**MOVE, "on_conflict": "replace"}),
        task("squatted", SQUATTED),
        task("squatted, evicted", {**SQUATTED, "on_conflict": "evict_lease"}),
        asking("cut the connection after the next create", port, do="fault", call=CREATE, drop="after"),
        task("cut", {**CUT, "on_conflict": "replace"}),
        task("succession", SUCCESSION),
        asking("break the next create", port, do="fault", call=CREATE, status=OUT_OF_MEMORY),
        task("broken", {**BROKEN, "on_conflict": "replace"}),
        task("allocate, foretold", NEW, **checked),
        task("allocate", NEW),
        task("allocate, again", NEW),
        task("allocate too many", MANY),
        task("allocate in a full scope", {"scope": "10.2.0.0", "mac_address": mac(0xCF)}),
        task("purge over its limit", {**KEPT, "purge": True, "purge_limit": 1}),
        task(
            "purge with a bad client",
            {**KEPT, "clients": [{"ip": "10.4.0.20", "mac": mac(21)}], "purge": True},
        ),
        task("purge, foretold", {**KEPT, "purge": True}, **checked),
        task("purge", {**KEPT, "purge": True, "purge_limit": 2}, diff=True),
        task("purge, again", {**KEPT, "purge": True}),
    ]


def read_back() -> list[dict[str, Any]]:
    """The steps that read, and declare what they have read."""
    new = {"ip_address": "10.5.0.40", "mac_address": mac(40), "name": "scanner"}
    return [
        info("read a scope", "dhcp_lease_info", {"scope": "10.5.0.0"}, register="office"),
        info("read a client", "dhcp_lease_info", {"mac_address": mac(30)}),
        info("read nobody", "dhcp_lease_info", {"mac_address": mac(0xEE)}),
        info("read scopes", "dhcp_scope_info"),
        info("test the connection", "dhcp_server_info"),
        task("write as a reader", {**new, **READING}),
        task("declare what was read", {"clients": "{{ office.clients }}"}),
        task("declare under failover", new),
    ]


def elsewhere(port: int) -> list[dict[str, Any]]:
    """The steps at an older server, and those of a task that was written for another module."""
    return [
        asking("grow older", port, do="set", generation="2008r2", version=[6, 1]),
        task("older server", OLDER),
        task("older server, again", OLDER),
        info("older server, read", "dhcp_scope_info", {"scope": "10.5.0.0"}),
        asking("grow younger", port, do="set", generation="current", version=[10, 0]),
        task("migrated", MIGRATED),
        task("not migrated", {**MIGRATED, "duration": 8}),
    ]


@pytest.fixture(scope="module")
def before(workplace: Workplace) -> dict[str, Any]:
    """What the simulator has at the beginning."""
    found: dict[str, Any] = workplace.program.ask(do="dump")
    return found


@pytest.fixture(scope="module")
def run(workplace: Workplace, before: dict[str, Any]) -> Run:
    """All steps in one playbook."""
    assert before["calls"] == 0
    port = workplace.program.ports["control_port"]
    tasks = written(port) + read_back() + elsewhere(port)
    ended = workplace.play([{**each, "ignore_errors": each["name"] in FAILING} for each in tasks])
    assert ended.status == 0, ended.output
    return ended


def item(run: Run, name: str, address: str) -> tuple[Any, Any]:
    """Record and reservation at an address after a step."""
    (scope,) = (each for subnet, each in run[name].server["scopes"].items() if subnet[:5] == address[:5])
    return scope["records"].get(address), scope["reservations"].get(address)


def shown(run: Run, name: str, address: str) -> tuple[str, str, str, str, list[str]]:
    """Record's client, reservation's client, name, description and the options' values at an address after a step."""
    record, reservation = item(run, name, address)
    values = [each["elements"][0]["value"] for each in reservation["options"]]
    return record["client_id"], reservation["client_id"], record["name"], record["comment"], values


def expected(client: int, name: str) -> tuple[str, str, str, str, list[Any]]:
    """The same of a client that has what the site says of a name."""
    return octets(client), octets(client), name, f"{name}'s place", [f"{name}.example.com", 17, "0104c0000201"]


def actions(run: Run, name: str) -> list[str]:
    return [client["action"] for client in run[name].values["clients"]]


def others(server: dict[str, Any], addresses: set[str]) -> bytes:
    """Everything that the server holds at no address of a step, as octets."""
    return json.dumps(
        {
            subnet: {
                key: {where: each for where, each in value.items() if where not in addresses}
                if isinstance(value, dict)
                else value
                for key, value in scope.items()
            }
            for subnet, scope in server["scopes"].items()
        },
        sort_keys=True,
    ).encode()


# --- of every step ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOUCHED)
def test_what_others_have_is_the_same_octet_for_octet(run: Run, before: dict[str, Any], name: str) -> None:
    names = list(run.tasks)
    place = names.index(name)
    earlier = before if place == 0 else run[names[place - 1]].server
    assert others(earlier, TOUCHED[name]) == others(run[name].server, TOUCHED[name])


@pytest.mark.parametrize("name", TOUCHED)
def test_the_audit_names_no_other_address(run: Run, name: str) -> None:
    assert {each["address"] for each in run[name].audit} == TOUCHED[name]


@pytest.mark.parametrize("name", TOUCHED)
def test_the_reported_calls_are_those_that_the_server_counts(run: Run, name: str) -> None:
    assert run[name].values["rpc"] == {"calls": run[name].calls, "writes": run[name].writes}


@pytest.mark.parametrize("name", TOUCHED)
def test_a_step_fails_where_it_should(run: Run, name: str) -> None:
    assert run[name].failed is (name in FAILING)


@pytest.mark.parametrize("name", sorted(set(IDLE) - {"write as a reader"}))
def test_a_step_that_has_nothing_to_do_sends_no_write(run: Run, name: str) -> None:
    assert (run[name].writes, run[name].audit) == (0, [])


@pytest.mark.parametrize("name", [name for name in TOUCHED if name.endswith(", again")])
def test_a_second_run_changes_nothing(run: Run, name: str) -> None:
    assert (run[name].changed, set(actions(run, name))) == (False, {"none"})


@pytest.mark.parametrize("name", ["replace", "allocate", "purge"])
def test_check_mode_foretells_the_clients(run: Run, name: str) -> None:
    assert run[f"{name}, foretold"].values["clients"] == run[name].values["clients"]


@pytest.mark.parametrize("name", ["replace", "purge"])
def test_check_mode_foretells_the_diff(run: Run, name: str) -> None:
    assert run[f"{name}, foretold"].values["diff"] == run[name].values["diff"]


# --- replace ----------------------------------------------------------------------------------------------------------


def test_a_conflict_names_the_holder_and_the_remedy(run: Run) -> None:
    assert f"reserved for {mac(20)} (printer)" in run["conflict"].values["msg"]
    assert "on_conflict=replace" in run["conflict"].values["msg"]


def test_a_successor_takes_name_description_and_option_values(run: Run) -> None:
    assert shown(run, "replace", "10.1.0.20") == expected(0xA0, "printer")


def test_the_options_of_a_successor_are_those_of_its_predecessor_in_full(run: Run, before: dict[str, Any]) -> None:
    old = before["scopes"]["10.1.0.0"]["reservations"]["10.1.0.20"]["options"]
    new = item(run, "replace", "10.1.0.20")[1]["options"]
    assert sorted(old, key=str) == sorted(new, key=str)


def test_a_successor_is_reported_as_such(run: Run) -> None:
    client = run["replace"].values["client"]
    assert (client["action"], client["mac_address"], client["name"]) == ("replaced", mac(0xA0), "printer")


def test_a_stray_lease_is_evicted_with_a_warning(run: Run) -> None:
    (warning,) = run["evict"].values["warnings"]
    assert mac(30) in warning


def test_the_evicted_lease_leaves_nothing_to_its_successor(run: Run) -> None:
    record, reservation = item(run, "evict", "10.1.0.30")
    assert (record["client_id"], reservation["client_id"]) == (octets(0xA1), octets(0xA1))
    assert (record["name"], reservation["options"]) == ("camera", [])


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: str(change["ip_address"]))
def test_in_swaps_and_rings_each_client_keeps_what_is_its_own(run: Run, change: dict[str, str]) -> None:
    client = int(change["mac_address"][-2:], 16)
    assert shown(run, "swap and ring", change["ip_address"]) == expected(client, NAMES[client])


def test_swaps_and_rings_are_moves(run: Run) -> None:
    assert actions(run, "swap and ring") == ["moved"] * 5


def test_a_moved_client_takes_its_belongings_along(run: Run) -> None:
    assert shown(run, "move", "10.1.0.61") == expected(60, "plotter")
    assert item(run, "move", "10.1.0.60") == (None, None)


def test_a_name_waits_for_the_record_of_a_reserved_address(run: Run) -> None:
    (warning,) = run["squatted"].values["warnings"]
    assert mac(91) in warning
    assert run["squatted"].values["client"]["pending"] == ["name"]


def test_the_strangers_record_at_a_reserved_address_is_evicted(run: Run) -> None:
    record, reservation = item(run, "squatted, evicted", "10.1.0.90")
    assert (record["client_id"], record["name"], reservation["client_id"]) == (octets(90), "clock", octets(90))


def test_a_replacement_survives_a_lost_connection(run: Run) -> None:
    assert shown(run, "cut", "10.1.0.71") == expected(0xA3, "window")


def test_a_list_that_gives_an_address_on_does_not_warn_of_it(run: Run) -> None:
    assert (actions(run, "succession"), run["succession"].values.get("warnings", [])) == (["created", "removed"], [])
    assert item(run, "succession", "10.1.0.71")[0]["name"] == "blind"


def test_a_replacement_that_fails_was_tried_and_is_undone(run: Run) -> None:
    assert {each["call"] for each in run["broken"].audit} >= {UNRESERVE, CREATE}
    (old, old_reservation), (new, reservation) = (item(run, name, "10.1.0.70") for name in ("move, again", "broken"))
    assert {key: value for key, value in old.items() if new[key] != value}.keys() <= SERVERS_OWN
    assert old_reservation == reservation


def test_a_replacement_that_fails_returns_what_was_there(run: Run) -> None:
    (old,) = run["broken"].values["client"]["before"]
    assert (old["mac_address"], old["name"], len(old["options"])) == (mac(70), "door", 3)


# --- allocation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["allocate, foretold", "allocate", "allocate, again"])
def test_clients_get_their_own_or_the_lowest_free_address(run: Run, name: str) -> None:
    found = [client["ip_address"] for client in run[name].values["clients"]]
    assert found == ["10.2.0.13", "10.2.0.15", "10.2.0.16"]


def test_a_client_on_the_network_keeps_its_lease_under_the_reservation(run: Run, before: dict[str, Any]) -> None:
    record, reservation = item(run, "allocate", "10.2.0.16")
    assert record == before["scopes"]["10.2.0.0"]["records"]["10.2.0.16"]
    assert (reservation["client_id"], actions(run, "allocate")[2]) == (octets(16), "updated")


def test_check_mode_says_that_the_address_is_not_held(run: Run) -> None:
    assert "does not hold it" in run["allocate, foretold"].values["warnings"][0]


def test_a_full_scope_serves_as_many_as_it_can(run: Run) -> None:
    clients = run["allocate too many"].values["clients"]
    assert [client["ip_address"] for client in clients] == ["10.2.0.17", "10.2.0.18", "10.2.0.19", None]
    assert "no free address" in clients[3]["error"]
    assert [item(run, "allocate too many", f"10.2.0.{last}")[1]["client_id"] for last in (17, 18, 19)] == [
        octets(0xC0 + number) for number in range(3)
    ]


def test_a_full_scope_is_named(run: Run) -> None:
    assert "scope 10.2.0.0 has no free address" in run["allocate in a full scope"].values["msg"]


@pytest.fixture(scope="module")
def race(workplace: Workplace, run: Run) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Five hosts that want an address of the same scope at the same time, and the simulator afterwards."""
    assert run.tasks
    workplace.program.ask(do="reset")
    want = {
        "scope": "10.3.0.0",
        "mac_address": "{{ '00:1c:25:80:01:%02x' | format(ansible_play_hosts_all.index(inventory_hostname)) }}",
    }
    play = {
        "name": "Race",
        "hosts": "all",
        "gather_facts": False,
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "module_defaults": {"group/msrpc.dhcp.dhcp": workplace.connection},
        "tasks": [
            task("allocate", want, register="answer", ignore_errors=True),
            {
                "name": "collect",
                "ansible.builtin.debug": {
                    "msg": "{{ ansible_play_hosts_all | map('extract', hostvars, 'answer') | list }}"
                },
                "run_once": True,
            },
        ],
    }
    playbook = workplace.home / "race.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    ended = run_playbook(playbook, "--inventory", "a,b,c,d,e", "--forks", "5", home=workplace.home)
    assert ended.status == 0, ended.output
    return ended["collect"].values["msg"], workplace.program.ask(do="dump")


def test_of_five_at_once_three_get_the_three_addresses(race: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    answers, server = race
    given = {each["client"]["ip_address"]: each["client"]["client_id"] for each in answers if not each["failed"]}
    scope = server["scopes"]["10.3.0.0"]
    assert sorted(given) == ["10.3.0.10", "10.3.0.11", "10.3.0.12"]
    assert {where: each["client_id"] for where, each in scope["reservations"].items()} == given
    assert {where: each["client_id"] for where, each in scope["records"].items()} == given


def test_of_five_at_once_two_read_that_there_is_none(race: tuple[list[dict[str, Any]], dict[str, Any]]) -> None:
    failed = [each for each in race[0] if each["failed"]]
    assert len(failed) == 2
    assert all("no free address" in each["msg"] for each in failed)


def test_of_five_at_once_none_disturbs_another_scope(
    race: tuple[list[dict[str, Any]], dict[str, Any]], run: Run
) -> None:
    mine = {f"10.3.0.{last}" for last in (10, 11, 12)}
    assert others(race[1], mine) == others(run["not migrated"].server, mine)
    assert {each["address"] for each in race[1]["audit"]} == mine


# --- purge ------------------------------------------------------------------------------------------------------------


def test_the_limit_of_a_purge_stops_the_whole_task(run: Run) -> None:
    assert "purge would remove 2 reservations" in run["purge over its limit"].values["msg"]


@pytest.mark.parametrize("name", ["purge, foretold", "purge"])
def test_what_is_purged_is_returned_and_shown(run: Run, name: str) -> None:
    values = run[name].values
    assert [client["ip_address"] for client in values["purged"]] == ["10.4.0.22", "10.4.0.23"]
    assert sorted(values["diff"]["before"]) == ["10.4.0.22", "10.4.0.23"]


def test_a_purge_leaves_what_is_listed_and_every_lease(run: Run) -> None:
    scope = run["purge"].server["scopes"]["10.4.0.0"]
    assert sorted(scope["reservations"]) == ["10.4.0.20", "10.4.0.21", "10.4.0.25"]
    assert sorted(scope["records"]) == ["10.4.0.20", "10.4.0.21", "10.4.0.25", "10.4.0.30"]


# --- reading ----------------------------------------------------------------------------------------------------------


def test_every_kind_of_client_is_read(run: Run) -> None:
    clients = run["read a scope"].values["clients"]
    assert [
        (client["ip_address"], client["client_id"], client["type"], client["lease_expires"]) for client in clients
    ] == [
        ("10.5.0.20", octets(20), "reservation", None),
        ("10.5.0.30", octets(30), "lease", LATER),
        ("10.5.0.31", LONG_ID, "lease", "never"),
        ("10.5.0.32", "aa", "lease", LATER),
    ]


def test_a_name_that_looks_like_a_template_is_returned_as_text(run: Run) -> None:
    client = run["read a scope"].values["clients"][1]
    assert (client["name"], client["description"]) == (TEMPLATE, "{{ 1 + 1 }}")


def test_a_client_is_found_in_each_scope(run: Run) -> None:
    found = [client["ip_address"] for client in run["read a client"].values["clients"]]
    assert found == ["10.4.0.30", "10.5.0.30"]


def test_an_unknown_client_is_an_empty_list(run: Run) -> None:
    assert run["read nobody"].values["clients"] == []


def test_scopes_are_counted(run: Run) -> None:
    scopes = {each["scope"]: each for each in run["read scopes"].values["scopes"]}
    assert sorted(scopes) == sorted(each["scope"] for each in SITE["scopes"])
    assert scopes["10.2.0.0"]["counts"]["free"] == 0


def test_the_failover_relationship_of_a_scope_is_read(run: Run) -> None:
    found = {each["scope"]: each["failover"] for each in run["read scopes"].values["scopes"]}
    assert (found["10.5.0.0"]["partner"], found["10.9.0.0"]) == ("dhcp2.example.com", None)


def test_a_reservation_under_failover_warns_and_names_the_partner(run: Run) -> None:
    (warning,) = run["declare under failover"].values["warnings"]
    assert "dhcp2.example.com" in warning


def test_the_connection_test_says_what_the_account_may(run: Run) -> None:
    values = run["test the connection"].values
    assert (values["reachable"], values["can_read"], values["version"]["major"]) == (True, True, 10)


def test_a_reader_cannot_write(run: Run) -> None:
    assert (run["write as a reader"].audit, run["write as a reader"].values["error_name"]) == (
        [],
        "ERROR_ACCESS_DENIED",
    )


def test_what_was_read_is_there_when_it_is_declared(run: Run) -> None:
    assert not run["declare what was read"].changed
    assert set(actions(run, "declare what was read")) == {"none"}


# --- older servers, older playbooks -----------------------------------------------------------------------------------


def test_an_older_server_does_as_well(run: Run) -> None:
    assert actions(run, "older server") == ["created", "replaced"]
    assert item(run, "older server", "10.6.0.10")[1]["client_id"] == octets(0xD0)
    assert len(item(run, "older server", "10.6.0.11")[1]["options"]) == 3


def test_an_older_server_knows_no_failover(run: Run) -> None:
    assert run["older server, read"].values["scopes"][0]["failover"] is None


def test_a_task_for_the_other_module_does_the_same_here(run: Run) -> None:
    record, reservation = item(run, "migrated", "10.1.0.100")
    assert (record["name"], record["comment"], reservation["client_id"]) == ("tv", "Hall", octets(100))


def test_what_cannot_be_the_same_here_is_refused_with_what_to_write(run: Run) -> None:
    assert "lease_expires" in run["not migrated"].values["msg"]
    assert run["not migrated"].calls == 0


# --- inventory --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hosts(workplace: Workplace, run: Run) -> tuple[Run, dict[str, Any]]:
    """A playbook whose hosts are the server's clients, and the simulator afterwards."""
    assert run.tasks
    workplace.program.ask(do="reset")
    source = workplace.home / "dhcp_leases.yml"
    configuration = {
        "plugin": "msrpc.dhcp.dhcp_leases",
        **workplace.connection,
        **READING,
        "password": "{{ lookup('ansible.builtin.env', 'READER_PASSWORD') }}",
        "scopes": ["10.1.0.0", "10.5.0.0"],
        "strict": True,
        "compose": {"copied": "dhcp_name ~ dhcp_description"},
        "groups": {"swapped": "dhcp_name in ('left', 'right')"},
        "keyed_groups": [{"key": "dhcp_scope", "prefix": "scope"}, {"key": "dhcp_type", "separator": ""}],
    }
    source.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    said = "{{ inventory_hostname }}|{{ ansible_host }}|{{ dhcp_name }}|{{ copied }}"
    play = {
        "name": "Hosts",
        "hosts": "scope_10_5_0_0:&lease",
        "gather_facts": False,
        "tasks": [
            {"name": "say", "ansible.builtin.debug": {"msg": "{{ groups }}"}, "run_once": True},
            {"name": "greet", "ansible.builtin.debug": {"msg": said}, "when": "ansible_host == '10.5.0.30'"},
        ],
    }
    playbook = workplace.home / "hosts.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    env = {"READER_PASSWORD": workplace.connection["password"]}
    ended = run_playbook(playbook, "--inventory", str(source), home=workplace.home, env=env)
    assert ended.status == 0, ended.output
    return ended, workplace.program.ask(do="dump")


def test_clients_are_hosts_of_their_groups(hosts: tuple[Run, dict[str, Any]]) -> None:
    groups = hosts[0]["say"].values["msg"]
    assert sorted(groups["swapped"]) == ["left", "right"]
    assert sorted(groups["scope_10_5_0_0"]) == sorted(
        ["10.5.0.31", "10.5.0.32", "scanner", "printer_10.5.0.20", TEMPLATE]
    )
    assert sorted(groups["lease"]) == sorted(["10.5.0.31", "10.5.0.32", "Gast Köln", TEMPLATE])


def test_a_name_that_looks_like_a_template_stays_text_in_a_play(hosts: tuple[Run, dict[str, Any]]) -> None:
    said = "|".join((TEMPLATE, "10.5.0.30", TEMPLATE, TEMPLATE + "{{ 1 + 1 }}"))
    assert hosts[0]["greet"].values["msg"] == said
    assert "uid=" not in hosts[0].output


def test_an_inventory_reads_each_scope_once_and_writes_nothing(hosts: tuple[Run, dict[str, Any]]) -> None:
    server = hosts[1]
    assert (server["writes"], server["audit"], server["counters"]["R_DhcpEnumSubnetClientsVQ"]) == (0, [], 2)
