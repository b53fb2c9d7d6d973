# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said in several places is the same in all of them: options, requirements, versions, names."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, deps

ROOT = Path(__file__).parents[2]
PACKAGE = "ansible_collections.msrpc.dhcp.plugins."

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
SPECS: dict[str, Callable[[], dict[str, Any]]] = {
    "dhcp_lease_info": lambda: argspec.LEASE_INFO.options,
    "dhcp_reservation_lease": argspec.reservation_lease_spec,
    "dhcp_scope_info": lambda: argspec.SCOPE_INFO.options,
    "dhcp_server_info": lambda: argspec.SERVER_INFO.options,
}

# Keys that must be the same in the argument spec and in the documentation.
SHARED_KEYS = ("type", "required", "default", "choices", "aliases", "elements")
MEANT = {"required": False, "choices": [], "aliases": []}  # what leaving a key out means


def load(name: str) -> Any:
    """A YAML file of the collection."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def module_of(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}modules.{name}")


def fragment(name: str) -> Any:
    """The YAML of a documentation fragment, as ``msrpc.dhcp.FILE`` or ``msrpc.dhcp.FILE.PART`` names it."""
    file, _dot, part = name.removeprefix("msrpc.dhcp.").partition(".")
    holder = importlib.import_module(f"{PACKAGE}doc_fragments.{file}").ModuleDocFragment
    return yaml.safe_load(getattr(holder, part.upper() or "DOCUMENTATION"))


def documentation(name: str) -> dict[str, Any]:
    """A module's documentation together with its fragments."""
    whole: dict[str, Any] = yaml.safe_load(module_of(name).DOCUMENTATION)
    for each in whole.get("extends_documentation_fragment", ()):
        for key, value in fragment(each).items():
            if isinstance(value, dict):
                merged = {**value, **whole.get(key, {})}
                for inner, content in value.items():
                    merged[inner] = {**content, **whole.get(key, {}).get(inner, {})}
                whole[key] = merged
            else:
                whole[key] = [*whole.get(key, ()), *value]
    return whole


def plain(options: dict[str, Any], inner: str) -> dict[str, Any]:
    """Options reduced to what spec and documentation share; ``inner`` is their key for the options of an option."""
    return {
        name: {
            **{key: option.get(key, MEANT.get(key)) for key in SHARED_KEYS},
            "options": plain(option.get(inner) or {}, inner),
        }
        for name, option in options.items()
    }


def environment_variables(options: dict[str, Any]) -> dict[str, list[str]]:
    """The variables that descriptions name, by option."""
    return {
        name: re.findall(r"environment variable E\((\w+)\) is used", " ".join(descriptions(option)))
        for name, option in options.items()
    }


def descriptions(option: dict[str, Any]) -> list[str]:
    text = option["description"]
    return [text] if isinstance(text, str) else text


@pytest.fixture(params=MODULES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- options ----------------------------------------------------------------------------------------------------------


def test_every_module_is_compared() -> None:
    assert sorted(SPECS) == MODULES


def test_the_options_are_those_of_the_argument_spec(name: str) -> None:
    assert plain(documentation(name)["options"], "suboptions") == plain(SPECS[name](), "options")


def test_the_environment_variables_are_those_of_the_argument_spec(name: str) -> None:
    fallbacks = {option: spec.get("fallback", (None, []))[1] for option, spec in SPECS[name]().items()}
    assert environment_variables(documentation(name)["options"]) == fallbacks


def test_environment_variables_are_named_after_their_options(name: str) -> None:
    for option, spec in SPECS[name]().items():
        if "fallback" in spec:
            assert spec["fallback"][1] == [f"MSRPC_DHCP_{option.upper()}"]


def test_the_connection_has_the_same_options_in_every_module(name: str) -> None:
    spec = SPECS[name]()
    assert {option: spec[option] for option in argspec.connection_spec()} == argspec.connection_spec()
    assert "msrpc.dhcp.connection" in documentation(name)["extends_documentation_fragment"]


def test_a_password_is_never_logged(name: str) -> None:
    assert SPECS[name]()["password"]["no_log"] is True


def test_no_option_has_a_password_as_its_default(name: str) -> None:
    assert "default" not in SPECS[name]()["password"]


def test_options_that_the_documentation_refers_to_exist(name: str) -> None:
    whole = documentation(name)
    text = yaml.safe_dump(whole, width=10_000) + module_of(name).RETURN
    known = set(whole["options"])
    assert {found.split("=")[0] for found in re.findall(r"O\(([^)]+)\)", text)} <= known


def test_values_that_options_are_said_to_have_are_among_their_choices(name: str) -> None:
    options = documentation(name)["options"]
    text = yaml.safe_dump(documentation(name), width=10_000)
    for option, value in re.findall(r"O\((\w+)=([^)]+)\)", text):
        assert value in options[option].get("choices", [value])


def test_return_values_that_the_documentation_refers_to_exist(name: str) -> None:
    returned = yaml.safe_load(module_of(name).RETURN)
    text = yaml.safe_dump(documentation(name), width=10_000) + module_of(name).RETURN
    for path in re.findall(r"RV\(([^)]+)\)", text):
        place = returned
        for part in path.replace("[]", "").split("."):
            assert part in place, path
            place = place[part].get("contains", {})


# --- examples and return values ---------------------------------------------------------------------------------------


def tasks(node: Any) -> list[dict[str, Any]]:
    """All tasks of an EXAMPLES block, those in blocks too."""
    found: list[dict[str, Any]] = []
    for each in node:
        found += tasks(each["block"]) if "block" in each else [each]
    return found


def module_tasks(name: str) -> list[tuple[str, dict[str, Any]]]:
    """The tasks of a module's examples that use a module of this collection, each with that module's name."""
    prefix = "msrpc.dhcp."
    return [
        (key.removeprefix(prefix), task[key])
        for task in tasks(yaml.safe_load(module_of(name).EXAMPLES))
        for key in task
        if key.startswith(prefix)
    ]


def listed(options: dict[str, Any]) -> list[dict[str, Any]]:
    """The clients that a task lists; a template is no list."""
    clients = options.get("clients", [])
    return clients if isinstance(clients, list) else []


def test_every_example_has_a_name_and_names_its_module_in_full(name: str) -> None:
    for task in tasks(yaml.safe_load(module_of(name).EXAMPLES)):
        assert "name" in task
        assert any(key.startswith(("msrpc.dhcp.", "ansible.builtin.")) for key in task)
    assert name in dict(module_tasks(name))


def test_examples_use_options_that_exist(name: str) -> None:
    for used, options in module_tasks(name):
        spec = SPECS[used]()
        assert set(options) <= set(spec)
        for item in listed(options):
            assert set(item) <= set(spec["clients"]["options"])


def test_mac_addresses_in_examples_are_text(name: str) -> None:
    for _used, options in module_tasks(name):
        for item in (options, *listed(options)):
            assert isinstance(item.get("mac_address", ""), str)


def test_what_a_client_returns_is_accepted_as_a_client() -> None:
    returned = yaml.safe_load(module_of("dhcp_reservation_lease").RETURN)
    item = argspec.reservation_lease_spec()["clients"]["options"]
    assert set(returned["client"]["contains"]) <= set(item)
    assert set(returned["clients"]["contains"]) == set(returned["client"]["contains"])


def test_what_is_only_returned_is_ignored_as_input() -> None:
    returned = yaml.safe_load(module_of("dhcp_reservation_lease").RETURN)
    inputs = {*argspec.client_spec(), *argspec.shared_spec(defaults=False)}
    assert set(argspec.READ_ONLY) == set(returned["client"]["contains"]) - inputs


def test_samples_show_what_is_returned() -> None:
    returned = yaml.safe_load(module_of("dhcp_reservation_lease").RETURN)
    described = {
        key for key, value in returned["client"]["contains"].items() if "if the client failed" not in value["returned"]
    }
    assert set(returned["client"]["sample"]) == described


# --- requirements -----------------------------------------------------------------------------------------------------


def pinned() -> dict[str, str]:
    """The lower bounds of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([\w-]+)>=([\d.]+),<[\d.]+", line) for line in lines if line and not line.startswith("#")]
    assert all(found), "a requirement without bounds"
    return {match[1]: match[2] for match in found if match}


def test_the_libraries_are_demanded_as_they_are_installed() -> None:
    assert pinned() == deps.MINIMUM


def test_the_libraries_are_documented_as_they_are_demanded() -> None:
    described = dict(line.split(" >= ") for line in fragment("msrpc.dhcp.connection")["requirements"])
    assert described.pop("python") == "3.11"
    assert described == deps.MINIMUM


def test_every_library_is_looked_for() -> None:
    assert set(deps._IMPORT_ERRORS) == set(deps.MINIMUM)


def test_an_execution_environment_takes_the_same_requirements() -> None:
    named = load("meta/execution-environment.yml")["dependencies"]
    assert named == {"python": "requirements.txt", "system": "bindep.txt"}
    assert all((ROOT / path).is_file() for path in named.values())


def test_development_takes_the_ansible_that_the_collection_demands() -> None:
    demanded = load("meta/runtime.yml")["requires_ansible"].removeprefix(">=")
    development = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert f"ansible-core>={demanded.removesuffix('.0')}," in development


# --- names and versions -----------------------------------------------------------------------------------------------


def test_every_module_is_in_the_action_group() -> None:
    assert sorted(load("meta/runtime.yml")["action_groups"]["dhcp"]) == MODULES


def test_every_module_says_that_it_is_in_the_action_group(name: str) -> None:
    attributes = documentation(name)["attributes"]
    assert attributes["action_group"]["support"] == "full"
    assert "group/msrpc.dhcp.dhcp" in attributes["action_group"]["description"]


def test_a_module_is_documented_under_its_own_name(name: str) -> None:
    assert documentation(name)["module"] == name


def test_the_collection_has_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", load("galaxy.yml")["version"])


def test_the_collection_is_the_one_that_its_code_imports() -> None:
    galaxy = load("galaxy.yml")
    assert (galaxy["namespace"], galaxy["name"]) == ("msrpc", "dhcp")


def test_the_collection_depends_on_no_other() -> None:
    assert load("galaxy.yml")["dependencies"] == {}


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split("."))


def test_nothing_was_added_in_a_later_version_than_this(name: str) -> None:
    assert number(documentation(name)["version_added"]) <= number(load("galaxy.yml")["version"])


def test_this_version_has_its_changes_written_down() -> None:
    fragments = [
        path for path in (ROOT / "changelogs" / "fragments").glob("*.yml") if load(f"{path.relative_to(ROOT)}")
    ]
    released = load("changelogs/changelog.yaml")["releases"]
    assert fragments or load("galaxy.yml")["version"] in released


def test_a_changelog_fragment_has_sections_that_exist() -> None:
    config = load("changelogs/config.yaml")
    sections = {name for name, _title in config["sections"]} | {
        config["prelude_section_name"],
        config["trivial_section_name"],
    }
    for path in (ROOT / "changelogs" / "fragments").glob("*.yml"):
        assert set(load(str(path.relative_to(ROOT)))) <= sections


def test_the_licence_is_the_one_that_is_named() -> None:
    assert load("galaxy.yml")["license"] == ["GPL-3.0-or-later"]
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text(encoding="utf-8")
