# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages of docs/docsite show runs as it is shown, and comes out as the pages promise."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import status
from ansible_collections.msrpc.dhcp.tests.playbooks.running import Run, program, run_playbook
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_DOMAIN, DEFAULT_PASSWORD, READER

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
DOCSITE = ROOT / "docs" / "docsite"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((DOCSITE / "rst").glob("*.rst"))}
SHOWN = {name for text in PAGES.values() for name in re.findall(r"^\.\. literalinclude:: /(\S+)$", text, re.MULTILINE)}
INVENTORY = ("-i", "inventory.yml")
SCOPE = "192.0.2.0"
STRAYS = {f"192.0.2.{number}": f"001c2580b0{number}" for number in (60, 61, 62)}


class Desk:
    """A copy of the pages' playbooks, a simulator, and its account in the environment as the first page sets it."""

    def __init__(self, folder: Path, server: Program) -> None:
        self.folder = folder / "playbooks"
        self.server = server
        self._home = folder / "home"
        shutil.copytree(DOCSITE / "playbooks", self.folder)
        self.environment = {
            "MSRPC_DHCP_SERVER": "127.0.0.1",
            "MSRPC_DHCP_PORT": str(server.ports["port"]),
            "MSRPC_DHCP_USERNAME": f"{DEFAULT_DOMAIN}\\{ADMINISTRATOR}",
            "MSRPC_DHCP_PASSWORD": DEFAULT_PASSWORD,
        }

    def play(self, playbook: str, *arguments: str | Path) -> Run:
        """Run a playbook; the simulator counts from here."""
        self.server.ask(do="reset")
        return run_playbook(
            self.folder / playbook, *map(str, arguments), home=self._home, cwd=self.folder, env=self.environment
        )

    def good(self, playbook: str, *arguments: str | Path) -> tuple[int, int]:
        """Run a playbook that has to succeed: how many tasks changed something, and how many writes that took."""
        run = self.play(playbook, *arguments)
        assert run.status == 0, run.output
        return changes(run), self.dump()["writes"]

    def inventory(self, *arguments: str) -> dict[str, Any]:
        """What ansible-inventory lists."""
        ended = program(
            "ansible-inventory", "--list", *arguments, home=self._home, cwd=self.folder, env=self.environment
        )
        assert ended.returncode == 0, ended.stdout
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def dump(self) -> dict[str, Any]:
        """All that the simulator has and has seen."""
        found: dict[str, Any] = self.server.ask(do="dump")
        return found

    def names(self) -> dict[str, Any]:
        """The names of the reserved clients, by address."""
        scope = self.dump()["scopes"][SCOPE]
        return {address: scope["records"].get(address, {}).get("name") for address in sorted(scope["reservations"])}


def changes(run: Run) -> int:
    """How many tasks of a run changed something, of all hosts."""
    return sum(map(int, re.findall(r"\bchanged=(\d+)", run.output)))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Program(tmp_path) as server:
        yield Desk(tmp_path, server)


PRINTERS = {"192.0.2.40": "printer-1", "192.0.2.41": "printer-2", "192.0.2.42": "printer-3"}
CAMERAS = {"192.0.2.50": "camera-1", "192.0.2.51": "camera-2", "192.0.2.52": "camera-3"}


# --- what the playbooks do --------------------------------------------------------------------------------------------


def test_the_first_steps_reserve_an_address_once(desk: Desk) -> None:
    assert desk.good("first-steps.yml", "--check", "--diff") == (1, 0)
    assert desk.good("first-steps.yml") == (1, 2)
    assert desk.names() == {"192.0.2.40": "printer-1.example.com"}
    assert desk.good("first-steps.yml") == (0, 0)


def test_a_task_of_the_other_module_runs_under_its_own_option_names(desk: Desk) -> None:
    assert desk.good("migrated.yml") == (1, 2)
    assert desk.good("first-steps.yml") == (0, 0)


def test_machines_declare_themselves_one_by_one_or_in_one_list(desk: Desk) -> None:
    assert desk.good("hosts.yml", *INVENTORY)[0] == len(PRINTERS)
    assert desk.names() == PRINTERS
    assert desk.good("hosts.yml", *INVENTORY) == (0, 0)
    assert desk.good("list.yml", *INVENTORY) == (0, 0)


def test_an_export_is_declared_from_csv_and_from_json(desk: Desk) -> None:
    assert desk.good("csv.yml") == (1, 2 * len(CAMERAS))
    assert desk.names() == CAMERAS
    assert desk.dump()["scopes"][SCOPE]["records"]["192.0.2.52"]["comment"] == "Loading bay"
    # The names in full are a change; that the CSV file has them without their domain is no difference then.
    assert desk.good("json.yml") == (1, len(CAMERAS))
    assert desk.names() == {address: f"{name}.example.com" for address, name in CAMERAS.items()}
    assert desk.good("csv.yml") == (0, 0)


def test_the_pipelines_check_shows_what_its_second_job_writes(desk: Desk) -> None:
    check, apply = pipelines()
    desk.environment["MSRPC_DHCP_USERNAME"] = f"{DEFAULT_DOMAIN}\\{READER}"
    asked = desk.play(*arguments_of(check))
    assert (changes(asked), desk.dump()["writes"]) == (1, 0), asked.output
    assert '"name": "printer-3"' in asked.output
    desk.environment["MSRPC_DHCP_USERNAME"] = f"{DEFAULT_DOMAIN}\\{ADMINISTRATOR}"
    assert desk.good(*arguments_of(apply))[0] == 1
    assert desk.names() == PRINTERS
    assert desk.good(*arguments_of(check)) == (0, 0)


def test_an_allocated_address_is_kept(desk: Desk) -> None:
    first = desk.play("allocate.yml")
    assert first.status == 0, first.output
    found = {"192.0.2.10": "camera-7", "192.0.2.11": "camera-8"}
    assert desk.names() == found
    assert {address: name for name, address in first["Show which addresses those are"].values["msg"].items()} == found
    assert desk.good("allocate.yml") == (0, 0)


def test_a_purge_leaves_what_is_listed_and_stops_at_its_limit(desk: Desk) -> None:
    for address, identifier in STRAYS.items():
        stray = {"ip_address": address, "client_id": identifier}
        desk.server.ask(do="put_reservation", scope=SCOPE, reservation=stray)
    refused = desk.play("purge.yml", *INVENTORY)
    assert (refused.status, desk.dump()["writes"]) == (2, 0)
    assert "purge_limit" in refused.output
    desk.server.ask(do="remove_reservation", scope=SCOPE, ip_address="192.0.2.62")
    shown = desk.play("purge.yml", *INVENTORY, "--check", "--diff")
    purged = shown["Declare all reservations of the scope, and remove every other one"].values["purged"]
    assert ([client["ip_address"] for client in purged], desk.dump()["writes"]) == (["192.0.2.60", "192.0.2.61"], 0)
    assert desk.good("purge.yml", *INVENTORY)[0] == 1
    assert desk.names() == PRINTERS
    assert desk.good("purge.yml", *INVENTORY) == (0, 0)


def test_a_successor_takes_over_the_name(desk: Desk) -> None:
    desk.good("first-steps.yml")
    assert desk.good("successor.yml")[0] == 1
    assert desk.names() == {"192.0.2.40": "printer-1.example.com"}
    assert desk.dump()["scopes"][SCOPE]["reservations"]["192.0.2.40"]["client_id"] == "001c2580a099"
    assert desk.good("successor.yml") == (0, 0)


def test_what_was_read_brings_everything_back(desk: Desk) -> None:
    desk.good("csv.yml")
    before = desk.dump()["scopes"]
    assert desk.good("scopes.yml") == (0, 0)
    assert desk.good("backup.yml") == (1, 0)
    desk.server.ask(do="remove_reservation", scope=SCOPE, ip_address="192.0.2.51")
    desk.server.ask(do="remove_record", scope=SCOPE, ip_address="192.0.2.51")
    assert desk.good("restore.yml") == (1, 2)
    assert desk.dump()["scopes"] == before
    assert desk.good("backup.yml") == (0, 0)


def test_the_inventory_has_the_reserved_clients_in_their_groups(desk: Desk) -> None:
    desk.good("list.yml", *INVENTORY)
    desk.good("csv.yml")
    listed = desk.inventory("-i", "dhcp_leases.yml")
    assert sorted(listed["printers"]["hosts"]) == sorted(PRINTERS.values())
    assert len(listed["scope_192_0_2_0"]["hosts"]) == len(PRINTERS) + len(CAMERAS)


def test_both_partners_get_the_reservations(desk: Desk, tmp_path: Path) -> None:
    partner = tmp_path / "partner"
    partner.mkdir()
    with Program(partner) as other:
        servers = {"dhcp1.example.com": desk.server.ports["port"], "dhcp2.example.com": other.ports["port"]}
        here = {name: {"dhcp_server": "127.0.0.1", "dhcp_port": port} for name, port in servers.items()}
        (desk.folder / "here.yml").write_text(json.dumps({"dhcp_servers": {"hosts": here}}), encoding="utf-8")
        inventories = (*INVENTORY, "-i", "partners.yml", "-i", "here.yml")
        assert desk.good("failover.yml", *inventories)[0] == len(servers)
        assert other.ask(do="dump")["scopes"][SCOPE]["reservations"].keys() == PRINTERS.keys() == desk.names().keys()
        assert desk.good("failover.yml", *inventories) == (0, 0)


# --- the pages --------------------------------------------------------------------------------------------------------


def test_every_file_is_shown_on_a_page_and_every_shown_file_exists() -> None:
    there = [path for folder in ("playbooks", "examples") for path in (DOCSITE / folder).rglob("*") if path.is_file()]
    assert {str(path.relative_to(DOCSITE)) for path in there} == SHOWN


def test_every_playbook_is_run_by_a_test() -> None:
    playbooks = {path.name for path in (DOCSITE / "playbooks").glob("*.yml") if isinstance(load(path), list)}
    run = set(re.findall(r'"([\w-]+\.yml)"', Path(__file__).read_text(encoding="utf-8")))
    assert playbooks <= run


def test_every_page_is_in_a_section() -> None:
    sections = load(DOCSITE / "extra-docs.yml")["sections"]
    listed = [page for section in sections for page in section["toctree"]]
    assert sorted(listed) == sorted(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_its_label(page: str) -> None:
    assert PAGES[page].startswith(f".. _ansible_collections.msrpc.dhcp.docsite.{page}:\n")


def test_the_page_of_codes_has_the_code_of_every_status_with_its_name() -> None:
    rows = re.findall(r"^   \* - (\d+)\n     - ``(\w+)``$", PAGES["troubleshooting"], re.MULTILINE)
    assert {int(code): name for code, name in rows} == {code: name for code, (name, _what) in status._CODES.items()}


def sentences() -> str:
    """All texts of the plugins, one a line, with ... for what is put in."""
    found = []
    for path in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values]
                found.append("".join(parts))
    return "\n".join(found)


def test_the_page_of_symptoms_quotes_what_messages_say() -> None:
    symptoms = "\n ".join(["", *re.findall(r"^   \* - (?!\d)(.+)$", PAGES["troubleshooting"], re.MULTILINE)])
    quoted = re.findall(r"(?<=[ ,])\*([^*\s][^*]+)\*", symptoms)
    said = sentences()
    assert len(quoted) > 10
    assert [symptom for symptom in quoted if not re.search(re.escape(symptom).replace(r"\.\.\.", ".*"), said)] == []


def test_variables_that_the_pages_set_exist() -> None:
    there = {
        variable for option in argspec.connection_spec().values() for variable in option.get("fallback", (0, []))[1]
    }
    examples = "".join(path.read_text(encoding="utf-8") for path in (DOCSITE / "examples").iterdir())
    named = set(re.findall(r"\bMSRPC_DHCP_\w+", "".join(PAGES.values()) + examples))
    assert named - {"MSRPC_DHCP_SCRATCH_SCOPE"} <= there


# --- pipelines and the automation controller --------------------------------------------------------------------------


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def pipelines() -> tuple[str, str]:
    """The two commands that both pipelines run: the merge request's, and the one after the merge."""
    gitlab, github = load(DOCSITE / "examples" / "gitlab-ci.yml"), load(DOCSITE / "examples" / "github-workflow.yml")
    of_gitlab = [gitlab[job]["script"][-1] for job in ("check", "apply")]
    of_github = [github["jobs"][job]["steps"][-1]["run"] for job in ("check", "apply")]
    assert of_gitlab == of_github
    return of_gitlab[0], of_gitlab[1]


def arguments_of(command: str) -> tuple[str, ...]:
    """What follows ansible-playbook, the playbook in front."""
    name, playbook, *arguments = command.split()
    assert name == "ansible-playbook"
    return (playbook, *arguments)


def test_the_credential_type_sets_variables_of_its_own_fields() -> None:
    inputs, injectors = (load(DOCSITE / "examples" / f"credential-{part}.yml") for part in ("inputs", "injectors"))
    fields = {field["id"]: field for field in inputs["fields"]}
    assert set(inputs["required"]) <= set(fields)
    assert [name for name, field in fields.items() if field.get("secret")] == ["password"]
    used = {name: re.fullmatch(r"\{\{ (\w+) \}\}", value) for name, value in injectors["env"].items()}
    assert {match[1] for match in used.values() if match} == set(fields)
    assert all(match and name == f"MSRPC_DHCP_{match[1].upper()}" for name, match in used.items())


def test_an_execution_environment_can_be_made_of_its_definition(tmp_path: Path) -> None:
    definition = shutil.copy(DOCSITE / "examples" / "execution-environment.yml", tmp_path)
    (tmp_path / "msrpc-dhcp.tar.gz").touch()
    context = tmp_path / "context"
    ended = program("ansible-builder", "create", "-f", definition, "-c", context, home=tmp_path)
    assert ended.returncode == 0, ended.stdout
    (collection,) = load(context / "_build" / "requirements.yml")["collections"]
    assert (context / "_build" / collection["name"]).exists()
    assert (context / "_build" / "requirements.txt").read_text(encoding="utf-8") == "pyspnego[kerberos]"
