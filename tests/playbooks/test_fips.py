# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook where there is no RC4, which NTLM needs: by Kerberos everything works, in the worker and as a module."""

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

WITHOUT_RC4 = {"CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"}
CLIENT = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
WAYS: dict[str, dict[str, Any]] = {"in the worker": {}, "as a module": {"environment": {"PYTHONNOUSERSITE": "1"}}}


@pytest.fixture(scope="module")
def workplace(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder: Path = tmp_path_factory.mktemp("workplace")
    site = {**SITE, "settings": {"keytab": realm.keytab("server")}}
    with changed_environment(realm.variables), Program(folder, site) as running:
        yield Workplace(program=running, home=folder / "home")


@pytest.fixture(scope="module")
def connection(workplace: Workplace) -> dict[str, Any]:
    account = {"username": f"{ADMINISTRATOR}@EXAMPLE.COM", "password": DEFAULT_PASSWORD}
    return {"server": "localhost", "port": workplace.program.ports["port"], "auth": "kerberos", **account}


@pytest.fixture(scope="module")
def run(realm: Realm, workplace: Workplace, connection: dict[str, Any]) -> Run:
    tasks: list[dict[str, Any]] = []
    for way, how in WAYS.items():
        tasks += [
            task(f"Kerberos {way}", CLIENT, **how),
            task(f"negotiate {way}", {**CLIENT, "auth": "negotiate"}, **how),
            task(f"NTLM {way}", {**CLIENT, "auth": "ntlm"}, ignore_errors=True, **how),
        ]
    tasks += [
        {"name": module, f"msrpc.dhcp.{module}": {}}
        for module in ("dhcp_server_info", "dhcp_scope_info", "dhcp_lease_info")
    ]
    with changed_environment(realm.variables):
        return workplace.play(tasks, connection=connection, env=WITHOUT_RC4)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("auth", ["Kerberos", "negotiate"])
def test_kerberos_works(run: Run, auth: str, way: str) -> None:
    assert not run[f"{auth} {way}"].failed


def test_something_was_written(run: Run) -> None:
    assert run["Kerberos in the worker"].changed


@pytest.mark.parametrize("way", WAYS)
def test_ntlm_says_what_is_missing_and_what_to_do(run: Run, way: str) -> None:
    message = run[f"NTLM {way}"].values["msg"]
    assert "NTLM needs RC4, which this system refuses" in message
    assert "set auth=kerberos" in message


@pytest.mark.parametrize("module", ["dhcp_server_info", "dhcp_scope_info", "dhcp_lease_info"])
def test_the_other_modules_work(run: Run, module: str) -> None:
    assert not run[module].failed


def test_the_inventory_works(realm: Realm, workplace: Workplace, connection: dict[str, Any], run: Run) -> None:
    assert run.tasks
    source = workplace.home / "dhcp_leases.yml"
    source.write_text(json.dumps({"plugin": "msrpc.dhcp.dhcp_leases", **connection}), encoding="utf-8")
    with changed_environment(realm.variables):
        listed = program("ansible-inventory", "-i", source, "--list", home=workplace.home, env=WITHOUT_RC4)
    assert "10.0.0.20" in json.loads(listed.stdout)["_meta"]["hostvars"]
