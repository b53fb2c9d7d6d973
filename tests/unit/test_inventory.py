# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin dhcp_leases, as ansible-inventory and ansible run it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.msrpc.dhcp.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import DEFAULT_PASSWORD, NOBODY, READER, record
from ansible_collections.msrpc.dhcp.tests.unit.reading import LATER, account, program, site

PLUGIN = Path(__file__).parents[2] / "plugins" / "inventory" / "dhcp_leases.py"
TEMPLATE = "{{ lookup('pipe','id') }}"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(site()) as simulator:
        yield simulator


class Inventory:
    """A configuration file for one simulator, and the programs that read it."""

    def __init__(self, home: Path, sim: Simulator) -> None:
        self.home = home
        self.sim = sim
        self.file = home / "dhcp_leases.yml"
        self.output = ""

    def configure(self, **options: Any) -> None:
        """Write the file; an option that is None is left out."""
        whole = {"plugin": "msrpc.dhcp.dhcp_leases", **account(self.sim), **options}
        given = {name: value for name, value in whole.items() if value is not None}
        self.file.write_text(yaml.safe_dump(given), encoding="utf-8")

    def run(self, name: str, *arguments: str | Path, env: dict[str, str] | None = None) -> str:
        self.output = program(name, "-i", self.file, *arguments, home=self.home, env=env)
        return self.output

    def listed(self, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
        """What ``ansible-inventory --list`` shows, with everything that is marked as unsafe as plain text."""
        self.configure(**options)
        printed = self.run("ansible-inventory", "--list", *arguments, env=env)
        _warnings, start, rest = f"\n{printed}".partition("\n{")
        found: dict[str, Any] = json.loads(start + rest, object_hook=_plain)
        return found

    def hosts(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """The hosts with their variables."""
        found: dict[str, Any] = self.listed(*arguments, **options)["_meta"]["hostvars"]
        return found


def _constant(name: str) -> str:
    """A constant of the plugin, which is not imported: Ansible's controller code changes what modules do beside it."""
    for node in ast.parse(PLUGIN.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return str(ast.literal_eval(node.value))
    raise LookupError(name)


def _plain(value: dict[str, Any]) -> Any:
    return value.get("__ansible_unsafe", value)


@pytest.fixture
def inventory(tmp_path: Path, sim: Simulator) -> Inventory:
    return Inventory(tmp_path, sim)


def test_every_client_is_a_host_with_its_address_and_variables(inventory: Inventory) -> None:
    hosts = inventory.hosts()
    assert sorted(hosts) == [
        "192.0.2.41",
        "192.0.2.60",
        "198.51.100.41",
        "PRINTER-1",
        "laptop",
        "printer-1.example.com",
    ]
    assert hosts["printer-1.example.com"] == {
        "ansible_host": "192.0.2.40",
        "dhcp_active_until": None,
        "dhcp_client_id": "001c2580a043",
        "dhcp_description": "Copies",
        "dhcp_ip_address": "192.0.2.40",
        "dhcp_lease_expires": None,
        "dhcp_mac_address": "00:1c:25:80:a0:43",
        "dhcp_name": "printer-1.example.com",
        "dhcp_scope": "192.0.2.0",
        "dhcp_type": "reservation",
    }


def test_scopes_and_types_narrow_what_is_taken(inventory: Inventory) -> None:
    assert sorted(inventory.hosts(scopes=["192.0.2.0"], types=["lease"], hostname=["ip_address"])) == [
        "192.0.2.50",
        "192.0.2.60",
    ]
    assert inventory.sim.counters["R_DhcpEnumSubnetClientsVQ"] == 1


def test_an_unknown_scope_is_a_warning(inventory: Inventory) -> None:
    assert inventory.hosts(scopes=["10.9.9.0"]) == {}
    assert "The server has no scope 10.9.9.0" in inventory.output


def test_clients_without_a_name_are_left_out_where_only_names_count(inventory: Inventory) -> None:
    assert sorted(inventory.hosts(hostname=["name"])) == ["PRINTER-1", "laptop", "printer-1.example.com"]


def test_clients_of_one_name_are_told_apart_with_a_warning(inventory: Inventory) -> None:
    inventory.sim.scope("192.0.2.0").records.put(record("192.0.2.72", "aa", name="laptop", expires=LATER))
    hosts = inventory.hosts(scopes=["192.0.2.0"], types=["lease"])
    assert {"laptop_192.0.2.50", "laptop_192.0.2.72"} <= set(hosts)
    assert "Several clients are called 'laptop'" in " ".join(inventory.output.split())


def test_a_client_that_calls_itself_localhost_is_not(inventory: Inventory) -> None:
    inventory.sim.scope("192.0.2.0").records.put(record("192.0.2.72", "aa", name="localhost"))
    assert "localhost" not in inventory.hosts()


def test_a_name_that_looks_like_a_template_stays_text(inventory: Inventory) -> None:
    inventory.sim.scope("192.0.2.0").records.put(record("192.0.2.70", "aa", name=TEMPLATE, comment="{{ 1 + 1 }}"))
    inventory.configure(
        compose={"copy": "dhcp_name", "both": "dhcp_name ~ dhcp_description"}, types=["lease"], cache=False
    )
    shown = "msg={{ inventory_hostname }}|{{ dhcp_name }}|{{ dhcp_description }}|{{ copy }}|{{ both }}"
    printed = inventory.run("ansible", "all", "-m", "ansible.builtin.debug", "-a", shown)
    assert "|".join((TEMPLATE, TEMPLATE, "{{ 1 + 1 }}", TEMPLATE, f"{TEMPLATE}{{{{ 1 + 1 }}}}")) in printed
    assert "uid=" not in printed


def test_a_cached_name_that_looks_like_a_template_stays_text(inventory: Inventory) -> None:
    inventory.sim.scope("192.0.2.0").records.put(record("192.0.2.70", "aa", name=TEMPLATE))
    inventory.configure(
        cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(inventory.home / "cache")
    )
    for _run in range(2):
        printed = inventory.run("ansible", "all", "-m", "ansible.builtin.debug", "-a", "msg={{ dhcp_name }}")
        assert f'"msg": "{TEMPLATE}"' in printed
        assert "uid=" not in printed


def test_composed_variables_and_groups_come_from_the_clients(inventory: Inventory) -> None:
    found = inventory.listed(
        strict=True,
        compose={"dhcp_reserved": "dhcp_type == 'reservation'"},
        groups={"printers": "dhcp_description == 'Copies'"},
        keyed_groups=[{"key": "dhcp_scope", "prefix": "scope"}],
    )
    assert found["printers"]["hosts"] == ["printer-1.example.com"]
    assert sorted(found["scope_198_51_100_0"]["hosts"]) == ["198.51.100.41", "PRINTER-1"]
    assert found["_meta"]["hostvars"]["laptop"]["dhcp_reserved"] is False


def test_an_expression_that_fails_is_fatal_where_strict(inventory: Inventory) -> None:
    inventory.listed(strict=True, compose={"bad": "dhcp_nothing.at_all"})
    assert "Could not set bad" in inventory.output


def test_what_is_cached_is_not_read_again(inventory: Inventory) -> None:
    cached: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(inventory.home / "cache"),
    }
    first = inventory.hosts(**cached)
    calls = inventory.sim.calls
    assert inventory.hosts(**cached) == first
    assert inventory.sim.calls == calls


def test_the_cache_of_other_scopes_does_not_count(inventory: Inventory) -> None:
    cached: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(inventory.home / "cache"),
    }
    inventory.hosts(**cached)
    assert len(inventory.hosts(scopes=["198.51.100.0"], **cached)) == 2


def test_a_flushed_cache_is_read_again(inventory: Inventory) -> None:
    cached: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(inventory.home / "cache"),
    }
    inventory.hosts(**cached)
    inventory.sim.scope("192.0.2.0").records.put(record("192.0.2.70", "aa", name="new"))
    assert "new" in inventory.hosts("--flush-cache", **cached)


def test_the_account_may_be_templates(inventory: Inventory) -> None:
    hosts = inventory.hosts(
        "--extra-vars",
        json.dumps({"dhcp_server": inventory.sim.host, "vaulted": DEFAULT_PASSWORD}),
        server="{{ dhcp_server }}",
        username="{{ lookup('ansible.builtin.env', 'WHO') }}",
        password="{{ vaulted }}",
        env={"WHO": READER},
    )
    assert len(hosts) == 6


def test_the_connection_may_come_from_the_environment(inventory: Inventory) -> None:
    environment = {
        "MSRPC_DHCP_SERVER": inventory.sim.host,
        "MSRPC_DHCP_PORT": str(inventory.sim.port),
        "MSRPC_DHCP_USERNAME": READER,
        "MSRPC_DHCP_PASSWORD": DEFAULT_PASSWORD,
        "MSRPC_DHCP_AUTH": "ntlm",
    }
    given = dict.fromkeys(("server", "port", "username", "password"))
    assert len(inventory.hosts(env=environment, **given)) == 6


def test_a_failure_is_the_sentence_of_the_modules(inventory: Inventory) -> None:
    assert inventory.hosts(username=NOBODY) == {}
    assert "Reading needs membership in DHCP Users" in " ".join(inventory.output.split())


def test_a_password_is_not_printed_where_the_logon_fails(inventory: Inventory) -> None:
    inventory.configure(password="canary-Pa55")
    assert "canary-Pa55" not in inventory.run("ansible-inventory", "--list", "-vvvv")


def test_a_file_of_another_name_is_not_this_plugins(inventory: Inventory) -> None:
    inventory.file = inventory.home / "leases.yml"
    assert inventory.hosts() == {}
    assert inventory.sim.calls == 0


def test_the_documented_connection_options_are_those_of_the_modules() -> None:
    fallbacks = yaml.safe_load(ModuleDocFragment.PLUGIN)["options"]
    for name, option in argspec.connection_spec().items():
        documented = [entry["name"] for entry in fallbacks.get(name, {"env": []})["env"]]
        assert documented == (list(option["fallback"][1]) if "fallback" in option else [])


def test_the_example_runs(inventory: Inventory) -> None:
    example = yaml.safe_load(_constant("EXAMPLES"))
    reachable = {"server": inventory.sim.host, "port": inventory.sim.port}
    kept = {"cache_connection": str(inventory.home / "cache")}
    found = inventory.listed(env={"DHCP_READER_PASSWORD": DEFAULT_PASSWORD}, **{**example, **reachable, **kept})
    assert found["printers"]["hosts"] == ["printer-1.example.com"]
