# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Kerberos password, the key of a ticket and the key of a keytab appear nowhere, whatever fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.kdc import Realm, changed_environment, free_port
from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run, program
from ansible_collections.msrpc.dhcp.tests.playbooks.support import SITE, Program, Workplace
from ansible_collections.msrpc.dhcp.tests.playbooks.watching import Watch, holders, spellings
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR

INFO = "msrpc.dhcp.dhcp_server_info"
WRITE = "msrpc.dhcp.dhcp_reservation_lease"
CLIENT = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
CANARY = "Canary-b8e2604f"
PRINCIPAL = "canary"
LONGEST_KEY = 32


def keys_of(realm: Realm, keytab: Path) -> list[bytes]:
    """The keys in a keytab."""
    import krb5  # noqa: PLC0415

    with changed_environment(realm.variables):
        library = krb5.init_context()
        return [bytes(entry.key.data) for entry in krb5.kt_resolve(library, f"FILE:{keytab}".encode())]


def keys_in_a_cache(realm: Realm, name: str) -> list[bytes]:
    """The session keys of the tickets in a cache."""
    import krb5  # noqa: PLC0415

    with changed_environment(realm.variables):
        library = krb5.init_context()
        cache = krb5.cc_resolve(library, name.encode())
        return [bytes(ticket.keyblock.data) for ticket in cache]


@pytest.fixture(scope="module")
def keytab(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an account of its own, which has the canary as its password."""
    realm.add(PRINCIPAL, password=CANARY)
    return realm.write_keytab(tmp_path_factory.mktemp("keys") / "canary.keytab", PRINCIPAL)


@pytest.fixture(scope="module")
def ticket(realm: Realm, keytab: Path) -> str:
    """A cache with a ticket of that account."""
    return realm.write_ticket(keytab.parent / "tickets", PRINCIPAL, password=CANARY, life=3000)


@pytest.fixture(scope="module")
def traces(realm: Realm, keytab: Path, ticket: str, run: Run) -> list[bytes]:
    """The password, the key made of it, and all session keys, those of the run included."""
    assert run.tasks
    found = [CANARY.encode(), CANARY.encode("utf-16-le"), *keys_of(realm, keytab), *keys_in_a_cache(realm, ticket)]
    assert len({key for key in found if len(key) == LONGEST_KEY}) > 1
    return [spelling for each in found for spelling in spellings(each)]


@pytest.fixture(scope="module")
def workplace(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("workplace")
    accounts = [{"username": name, "password": CANARY, "rights": "users"} for name in (PRINCIPAL, ADMINISTRATOR)]
    site = {**SITE, "accounts": accounts, "settings": {"keytab": realm.keytab("server")}}
    with changed_environment(realm.variables), Program(folder, site) as running:
        (folder / "site.json").unlink()
        yield Workplace(program=running, home=folder / "home")


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def run(realm: Realm, workplace: Workplace, keytab: Path, ticket: str, watch: Watch) -> Run:
    """Logons by password, ticket and keytab, and what can fail of them, in the worker and as a module."""
    workplace.home.mkdir()
    secret = "{{ lookup('ansible.builtin.file', canary_file) | trim }}"
    (keytab.parent / "password").write_text(CANARY, encoding="utf-8")
    nobody = realm.write_config(keytab.parent / "nobody.conf", port=free_port())
    password = {"username": f"{PRINCIPAL}@EXAMPLE.COM", "password": secret}
    by_keytab = {"KRB5_CLIENT_KTNAME": f"FILE:{keytab}"}
    ways: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
        "password": (password, {}),
        "ticket": ({}, {"KRB5CCNAME": ticket}),
        "keytab": ({"username": password["username"]}, by_keytab),
        "wrong password": ({**password, "password": f"{secret}-x"}, {}),
        "unknown account": ({**password, "username": "nobody-here@EXAMPLE.COM"}, {}),
        "unknown service": ({**password, "spn": "host/elsewhere.example.com"}, {}),
        "another server": ({"spn": "host/dhcp2.example.com"}, {"KRB5CCNAME": ticket}),
        "no KDC": ({**password, "connect_timeout": 3}, {"KRB5_CONFIG": str(nobody)}),
        "wrong key": ({"username": f"{ADMINISTRATOR}@EXAMPLE.COM"}, by_keytab),
    }
    tasks: list[dict[str, Any]] = [
        {"name": f"{name} {number}", module: {**options, **given}, "environment": environment, "ignore_errors": True}
        for number, (module, options) in enumerate(((INFO, {}), (WRITE, CLIENT)))
        for name, (given, environment) in ways.items()
    ]
    connection = {"server": "localhost", "port": workplace.program.ports["port"], "auth": "kerberos"}
    # Its path, as the text is no variable that Ansible could print.
    variables = {"canary_file": str(keytab.parent / "password")}
    log = {"ANSIBLE_LOG_PATH": str(workplace.home / "ansible.log")}
    with changed_environment(realm.variables), watch:
        return workplace.play(tasks, "-vvvv", connection=connection, variables=variables, env=log)


GOOD = ("password", "ticket", "keytab")
BAD = {
    "wrong password": "the KDC refuses the password",
    "unknown account": "does not know the account",
    "unknown service": "does not know the service",
    "another server": "did not accept the logon",
    "no KDC": "no KDC of",
    "wrong key": "the keytab",
}


@pytest.mark.parametrize("name", GOOD)
def test_the_secret_was_used(run: Run, name: str) -> None:
    assert run[f"{name} 0"].values["mechanism"] == "kerberos"
    assert "ERROR_ACCESS_DENIED" in run[f"{name} 1"].values["msg"]  # it may read only


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", BAD)
def test_a_failure_is_the_one_that_is_meant(run: Run, name: str, number: int) -> None:
    assert BAD[name] in run[f"{name} {number}"].values["msg"]


def test_the_output_does_not_show_a_secret(run: Run, traces: list[bytes]) -> None:
    assert [trace for trace in traces if trace in run.output.encode()] == []
    assert re.search("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", run.output)


def test_the_results_do_not_hold_a_secret(run: Run, traces: list[bytes]) -> None:
    results = json.dumps([task.values for task in run.tasks.values()]).encode()
    assert [trace for trace in traces if trace in results] == []


def test_no_file_is_left_that_holds_a_secret(workplace: Workplace, traces: list[bytes]) -> None:
    assert (workplace.home / "ansible.log").stat().st_size
    assert holders(workplace.home, traces) == []


def test_no_ticket_or_key_is_left_on_the_disk(run: Run, workplace: Workplace) -> None:
    """Caches of the file format begin with 5 and 4, keytabs with 5 and 2."""
    assert run.tasks
    files = [path for path in workplace.home.rglob("*") if path.is_file()]
    assert [path for path in files if path.read_bytes()[:2] in (b"\x05\x04", b"\x05\x02")] == []


def test_no_process_has_a_secret_in_its_arguments_or_variables(watch: Watch, traces: list[bytes]) -> None:
    assert any(b"AnsiballZ_dhcp_server_info" in each for each in watch.arguments)
    assert [each for each in watch.arguments | watch.variables if any(trace in each for trace in traces)] == []


def test_the_inventory_does_not_show_a_secret(
    realm: Realm, workplace: Workplace, ticket: str, traces: list[bytes]
) -> None:
    source = workplace.home / "dhcp_leases.yml"
    connection = {"server": "localhost", "port": workplace.program.ports["port"], "auth": "kerberos"}
    source.write_text(json.dumps({"plugin": "msrpc.dhcp.dhcp_leases", **connection}), encoding="utf-8")
    with changed_environment(realm.variables | {"KRB5CCNAME": ticket}):
        listed = program("ansible-inventory", "-i", source, "--list", "-vvvv", home=workplace.home)
    assert listed.returncode == 0
    assert "_meta" in listed.stdout
    assert [trace for trace in traces if trace in listed.stdout.encode()] == []
