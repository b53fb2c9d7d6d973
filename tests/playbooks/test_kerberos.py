# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules and inventory with tickets of a real KDC: no user name, no password, or a password that becomes a ticket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.kdc import Realm, changed_environment
from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run, program
from ansible_collections.msrpc.dhcp.tests.playbooks.support import SITE, Program, Workplace, task
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD

INFO = "msrpc.dhcp.dhcp_server_info"
CANARY = "canary-Kerb3ros"
PRINTER = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43", "name": "printer"}


@pytest.fixture(scope="module")
def kerberized(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A simulator with keys, and a ticket of the administrator in the cache that KRB5CCNAME names."""
    folder: Path = tmp_path_factory.mktemp("kerberized")
    ticket = realm.write_ticket(folder / "tickets", ADMINISTRATOR, password=DEFAULT_PASSWORD, life=3000)
    site = {**SITE, "settings": {"keytab": realm.keytab("server")}}
    with changed_environment(realm.variables | {"KRB5CCNAME": ticket}), Program(folder, site) as running:
        yield Workplace(program=running, home=folder / "home")


@pytest.fixture(scope="module")
def run(kerberized: Workplace) -> Run:
    """One play, so that Ansible starts once."""
    password = {"username": f"{ADMINISTRATOR}@EXAMPLE.COM", "password": DEFAULT_PASSWORD}
    no_ticket = {"environment": {"KRB5CCNAME": "FILE:/nonexistent/tickets"}}
    return kerberized.play(
        [
            {"name": "by ticket", INFO: {}},
            {"name": "by ticket alone", INFO: {"auth": "kerberos"}},
            {"name": "by environment", INFO: {}, "environment": {"MSRPC_DHCP_AUTH": "kerberos"}},
            {"name": "by password", INFO: password, **no_ticket},
            {"name": "by address", INFO: {**password, "server": "127.0.0.1"}},
            {"name": "by ntlm", INFO: {**password, "auth": "ntlm"}},
            task("create", PRINTER),
            {"name": "leases", "msrpc.dhcp.dhcp_lease_info": {"scope": "10.0.0.0"}},
            {"name": "scopes", "msrpc.dhcp.dhcp_scope_info": {}},
            {"name": "wrong", INFO: {**password, "password": CANARY}, "ignore_errors": True},
            {"name": "no ticket", INFO: {}, "ignore_errors": True, **no_ticket},
            {"name": "ntlm without", INFO: {"auth": "ntlm"}, "ignore_errors": True},
        ],
        "-vvvv",
        connection=options(kerberized),
    )


def options(workplace: Workplace) -> dict[str, Any]:
    return {"server": "localhost", "port": workplace.program.ports["port"]}


@pytest.mark.parametrize("name", ["by ticket", "by ticket alone", "by environment", "by password"])
def test_the_server_is_logged_on_to_by_kerberos(run: Run, name: str) -> None:
    values = run[name].values
    assert (values["mechanism"], values["without_kerberos"], values["can_read"]) == ("kerberos", None, True)


def test_an_address_leads_to_ntlm_and_the_result_says_why(run: Run) -> None:
    values = run["by address"].values
    assert values["mechanism"] == "ntlm"
    assert "127.0.0.1 is an address. Set server to the name, or spn" in values["without_kerberos"]


def test_nothing_is_said_of_kerberos_where_ntlm_was_asked_for(run: Run) -> None:
    values = run["by ntlm"].values
    assert (values["mechanism"], values["without_kerberos"]) == ("ntlm", None)


def test_a_ticket_is_enough_to_write(run: Run) -> None:
    assert run["create"].values["client"]["action"] == "created"
    assert run["create"].writes > 0


def test_a_ticket_is_enough_to_read(run: Run) -> None:
    assert [client["name"] for client in run["leases"].values["clients"]] == ["printer"]
    assert len(run["scopes"].values["scopes"]) == len(SITE["scopes"])


def test_a_wrong_password_is_not_tried_by_ntlm(run: Run) -> None:
    assert run["wrong"].failed
    assert "the KDC refuses the password of" in run["wrong"].values["msg"]
    assert run["wrong"].calls == 0


def test_a_missing_ticket_is_a_sentence(run: Run) -> None:
    assert "there is no ticket in FILE:/nonexistent/tickets" in run["no ticket"].values["msg"]
    assert "Get one with kinit" in run["no ticket"].values["msg"]


def test_ntlm_without_a_password_is_refused(run: Run) -> None:
    assert "auth=ntlm needs a user name and a password" in run["ntlm without"].values["msg"]
    assert run["ntlm without"].calls == 0


@pytest.mark.parametrize("secret", [DEFAULT_PASSWORD, CANARY])
def test_the_password_is_in_nothing_that_was_printed(run: Run, secret: str) -> None:
    assert secret not in run.output


def test_no_ticket_is_left_behind(run: Run, kerberized: Workplace) -> None:
    """But for the one in the user's own cache; a cache of the file format begins with 5 and 4."""
    del run
    found = [path for path in kerberized.home.rglob("*") if path.is_file() and path.read_bytes()[:2] == b"\x05\x04"]
    assert found == []


def test_the_inventory_is_read_with_a_ticket(run: Run, kerberized: Workplace) -> None:
    del run
    source = kerberized.home / "dhcp_leases.yml"
    source.write_text(json.dumps({"plugin": "msrpc.dhcp.dhcp_leases", **options(kerberized)}), encoding="utf-8")
    listed = program("ansible-inventory", "-i", source, "--list", home=kerberized.home)
    assert listed.returncode == 0, listed.stdout
    assert "printer" in json.loads(listed.stdout)["_meta"]["hostvars"]


def test_a_relative_path_starts_from_the_playbook(kerberized: Workplace, realm: Realm, tmp_path: Path) -> None:
    workplace = Workplace(program=kerberized.program, home=tmp_path / "home")
    workplace.home.mkdir()
    realm.write_ticket(workplace.home / "beside", ADMINISTRATOR, password=DEFAULT_PASSWORD, life=3000)
    beside = task("beside", PRINTER, environment={"KRB5CCNAME": "FILE:beside"})
    ended = workplace.play([beside], "-vvv", connection=options(workplace), cwd=tmp_path)
    assert "Using action file " in ended.output
    assert not ended["beside"].failed
