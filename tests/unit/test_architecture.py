# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of the collection, read from its sources: who may import whom, and what no file of it may do."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
PACKAGE = "ansible_collections.msrpc.dhcp."
OURS = PACKAGE + "plugins.module_utils."

FILES = sorted(PLUGINS.rglob("*.py"))
SOURCES = sorted(
    path
    for folder in (PLUGINS, ROOT / "tests", ROOT / "extensions")
    for path in folder.rglob("*.py")
    if not {"output", "__pycache__"} & set(path.parts)
)

LICENCE = """\
# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
SHEBANG = "#!/usr/bin/python\n"
PRIVATE = "# This code is private to the collection msrpc.dhcp: it may change in any release.\n"

LONGEST_FUNCTION = 45

# Which rooms each room may look into, itself apart. "modules" and the like are the folders of the plugins.
MAY_IMPORT: dict[str, set[str]] = {
    "_errors": set(),
    "_rpc": {"_errors"},
    "_domain": {"_errors"},
    "_server": {"_rpc", "_domain", "_errors"},
    "_crew": {"_server", "_errors"},
    "_reading": {"_crew", "_server", "_domain", "_errors"},
    "_progress": {"_domain", "_errors"},
    "_writing": {"_progress", "_crew", "_server", "_domain", "_errors"},
    "_undoing": {"_progress", "_reading", "_domain", "_errors"},
    "_execution": {"_writing", "_undoing", "_progress", "_reading", "_domain", "_errors"},
    "_converge": {"_execution", "_progress", "_reading", "_crew", "_server", "_domain", "_errors"},
    "_read": {"_server", "_domain", "_errors"},
    "_ansible": {"_converge", "_read", "_server", "_rpc", "_domain", "_errors"},
    "modules": {"_ansible"},
    "action": {"_ansible"},
    "inventory": {"_ansible"},
    "doc_fragments": set(),
}
WITH_ANSIBLE = {"_ansible", "modules", "action", "inventory", "doc_fragments"}
# Third-party libraries, and the one file that may import each.
LIBRARIES = {
    "gssapi": "_rpc/kerberos.py",
    "impacket": "_rpc/connection.py",
    "krb5": "_rpc/kerberos.py",
    "spnego": "_rpc/security.py",
}
STANDARD = sys.stdlib_module_names
# What decides has no file, no network, no clock and no log at hand.
OUTSIDE_WORLD = {
    "asyncio", "http", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket", "ssl", "subprocess",
    "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip


def room(path: Path) -> str:
    """Where a file belongs: a package or a module of module_utils, or a folder of plugins."""
    parts = path.relative_to(PLUGINS).with_suffix("").parts
    return parts[1] if parts[0] == "module_utils" else parts[0]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, in full."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def our_rooms(path: Path) -> set[str]:
    return {name.removeprefix(OURS).split(".")[0] for name in imports(path) if name.startswith(PACKAGE)}


def libraries(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path) if not name.startswith(PACKAGE)}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=FILES, ids=name_of)
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(params=SOURCES, ids=name_of)
def source(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


# --- directions -------------------------------------------------------------------------------------------------------


def test_the_files_are_found() -> None:
    assert {room(path) for path in FILES} >= {"_errors", "_rpc", "_domain", "_server", "_ansible", "modules"}


def test_a_file_belongs_to_a_room_that_is_known(file: Path) -> None:
    assert room(file) in MAY_IMPORT


def test_a_file_imports_only_in_the_direction_of_the_architecture(file: Path) -> None:
    assert our_rooms(file) <= MAY_IMPORT[room(file)] | {room(file)}


def test_no_module_imports_another_ones_modules_or_the_tests(file: Path) -> None:
    others = [name for name in imports(file) if name.startswith(PACKAGE) and not name.startswith(OURS)]
    assert others == []


def test_the_protocol_and_the_decision_do_not_know_each_other() -> None:
    assert "_domain" not in MAY_IMPORT["_rpc"]
    assert "_rpc" not in MAY_IMPORT["_domain"]


def test_the_decision_rests_on_the_standard_library_alone(file: Path) -> None:
    if room(file) == "_domain":
        assert libraries(file) <= STANDARD - OUTSIDE_WORLD


def test_a_library_is_imported_in_one_file_alone(file: Path) -> None:
    found = {name: name_of(file) for name in libraries(file) & set(LIBRARIES)}
    assert found == {name: f"plugins/module_utils/{LIBRARIES[name]}" for name in found}


def test_every_library_has_its_file() -> None:
    users = {name: [name_of(path) for path in FILES if name in libraries(path)] for name in LIBRARIES}
    assert users == {name: [f"plugins/module_utils/{path}"] for name, path in LIBRARIES.items()}


def test_ansible_is_known_where_the_architecture_says(file: Path) -> None:
    if room(file) not in WITH_ANSIBLE:
        assert "ansible" not in libraries(file)


def test_nothing_else_is_imported(file: Path) -> None:
    assert libraries(file) <= {*STANDARD, *LIBRARIES, "ansible"}


def test_a_library_that_is_missing_does_not_break_an_import(file: Path) -> None:
    """ansible-test imports every file without them: at file level they stand in a try that ends in ImportError."""
    loose = [node for node in tree(file).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    named = {alias.name.split(".")[0] for node in loose if isinstance(node, ast.Import) for alias in node.names}
    named |= {(node.module or "").split(".")[0] for node in loose if isinstance(node, ast.ImportFrom)}
    assert not named & set(LIBRARIES)


# --- what no file does ------------------------------------------------------------------------------------------------


def found(file: Path, *kinds: Any) -> list[Any]:
    return [node for node in ast.walk(tree(file)) if isinstance(node, kinds)]


def test_no_plugin_asserts(file: Path) -> None:
    assert [node.lineno for node in found(file, ast.Assert)] == []


def broad(handler: ast.ExceptHandler) -> bool:
    """Whether it takes everything: ``except``, ``except Exception``, alone or in a tuple."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException") for kind in kinds)


def test_exceptions_are_caught_by_their_meaning(file: Path) -> None:
    lines = [handler.lineno for handler in found(file, ast.ExceptHandler) if broad(handler)]
    assert len(lines) == (1 if name_of(file) == "plugins/module_utils/_rpc/foreign.py" else 0)


def test_nothing_is_suppressed_broadly(file: Path) -> None:
    names = [
        argument.id
        for call in found(file, ast.Call)
        if ast.unparse(call.func).endswith("suppress")
        for argument in call.args
        if isinstance(argument, ast.Name)
    ]
    assert not {"Exception", "BaseException"} & set(names)


def test_a_function_fits_a_screen(file: Path) -> None:
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in found(file, ast.FunctionDef, ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_nothing_is_printed(file: Path) -> None:
    calls = [call.lineno for call in found(file, ast.Call) if ast.unparse(call.func) == "print"]
    assert calls == []


def test_what_is_private_says_so(file: Path) -> None:
    if room(file).startswith("_"):
        assert PRIVATE in file.read_text(encoding="utf-8")


def test_a_package_of_plugins_has_no_init() -> None:
    assert list(PLUGINS.rglob("__init__.py")) == []


def test_the_tests_are_no_packages_either() -> None:
    assert [path for path in SOURCES if path.name == "__init__.py"] == []


# --- every source -----------------------------------------------------------------------------------------------------


def test_a_file_begins_with_the_licence(source: Path) -> None:
    assert source.read_text(encoding="utf-8").removeprefix(SHEBANG).startswith(LICENCE)


def test_a_file_says_what_it_is_for(source: Path) -> None:
    assert ast.get_docstring(tree(source))


def test_annotations_are_not_evaluated(source: Path) -> None:
    assert "__future__.annotations" in list(imports(source))


def test_no_work_is_left_in_a_comment(source: Path) -> None:
    marks = ["TO" + "DO", "FIX" + "ME", "X" * 3]
    text = source.read_text(encoding="utf-8")
    assert [mark for mark in marks if mark in text] == []


def test_no_test_is_skipped_or_expected_to_fail(source: Path) -> None:
    """But for what the machine forces, which says so (see conftest.py)."""
    for call in found(source, ast.Call):
        name = ast.unparse(call.func)
        if name in ("pytest.skip", "pytest.mark.skip", "pytest.mark.skipif"):
            assert "environment:" in ast.unparse(call)
        assert name not in ("pytest.xfail", "pytest.mark.xfail", "pytest.importorskip")


# --- the rules see what they forbid -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "try: x()\nexcept: pass",
        "try: x()\nexcept Exception: pass",
        "try: x()\nexcept BaseException as exc: raise",
        "try: x()\nexcept (ValueError, Exception): pass",
    ],
)
def test_a_broad_except_is_seen(code: str) -> None:
    assert [broad(node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ExceptHandler)] == [True]


def test_an_import_inside_a_function_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("def f():\n    if True:\n        from impacket.dcerpc.v5 import epm\n", encoding="utf-8")
    assert list(imports(path)) == ["impacket.dcerpc.v5.epm"]


def test_an_import_of_a_package_is_seen_as_what_it_brings(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(f"from {OURS[:-1]} import _rpc\nimport {OURS}_domain.plan\n", encoding="utf-8")
    assert our_rooms(path) == {"_rpc", "_domain"}
