# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every message that a user can meet, collected from the sources, on one page with cause and remedy.

``python -m ansible_collections.msrpc.dhcp.tests.messages`` writes docs/messages.md from the sources and from
tests/data/messages.yml, which has the causes and remedies. tests/unit/test_messages.py holds the three together.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path

import yaml

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import status

ROOT = Path(__file__).parents[1]
PLUGINS = ROOT / "plugins"
PAGE = ROOT / "docs" / "messages.md"
EXPLANATIONS = ROOT / "tests" / "data" / "messages.yml"

# What is no message: documentation, types, tables that the page has as tables, and what only a programmer can meet.
_NO_MESSAGES = ("modules", "doc_fragments")
_SILENT = {"DOCUMENTATION", "EXAMPLES", "RETURN", "_CODES", "_PRODUCTS"}
_BUGS = {"LookupError", "TypeError", "ValueError", "NotImplementedError"}
# Whatever has so many words is taken for one, whichever way it goes to the user; so no new way can be forgotten.
_WORDS = 4
# Shorter ones count where one of these gets them. The number is the argument's.
_SINKS = {"InvalidInput": 2, "translated": 1, "_reject": 0, "with_note": 0, "warning": 0}
_PLACEHOLDER = re.compile(r"<[^<>]+>")
# Placeholders by what they hold, where the name in the code would not tell.
_NAMES = {
    "EnumInfo": "number of",
    "IPAddrList": "number of",
    "RIGHTS": "the rights that are needed",
    "_gone": "cause",
    "_named": "client",
    "_status": "code",
    "advice": "what to check",
    "client_id": "client",
    "doing": "what was being done",
    "exc": "cause",
    "gone": "cause",
    "holders": "addresses",
    "how": "reason",
    "mac": "MAC",
    "missing_required_lib": "what Ansible says of a missing library",
    "next": "cause",
    "note": "cause",
    "option": "place in the list",
    "other": "ansible.windows.win_dhcp_lease",
    "problem": "cause",
    "title": "mechanism",
    "victims": "number of",
    "where": "client and place",
    "why": "cause",
    "words": "the write",
}


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """A sentence of the sources, or a part of one, with ``<placeholders>``. ``file`` is below plugins/."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said about a message. ``says`` is how its text begins, in the file whose path ends with ``file``."""

    file: str
    says: str
    cause: str = ""
    remedy: str = ""
    begins: str = ""  # what the page has in the place of placeholders at the beginning

    def fits(self, message: Message) -> bool:
        return message.file.endswith(self.file) and message.text.startswith(self.says)


@dataclass(frozen=True, slots=True)
class Group:
    """The messages that are met in one situation."""

    title: str
    intro: str
    entries: tuple[Entry, ...]


# --- the sources ------------------------------------------------------------------------------------------------------


@cache
def messages() -> tuple[Message, ...]:
    """Every message of plugins/, each text of a file once, in the order of the sources."""
    found: dict[tuple[str, str], Message] = {}
    for path in sorted(PLUGINS.rglob("*.py")):
        if path.parent.name not in _NO_MESSAGES:
            name = path.relative_to(PLUGINS).as_posix()
            for message in of_source(path.read_text(encoding="utf-8"), name):
                found.setdefault((name, message.text), message)
    return tuple(found.values())


def of_source(source: str, name: str) -> Iterator[Message]:
    """The messages of one source."""
    tree = ast.parse(source)
    constants = _constants(tree)
    sinks = {**dict.fromkeys(_error_names(), 0), **_SINKS}
    short = {id(text) for node in ast.walk(tree) if isinstance(node, ast.Call) for text in _given(node, sinks)}
    for node in _strings(tree):
        text = template(node, constants)
        if id(node) in short or len(_PLACEHOLDER.sub("x", text).split()) >= _WORDS:
            yield Message(name, node.lineno, text)


@cache
def _error_names() -> frozenset[str]:
    """The classes whose first argument is a message."""
    source = (PLUGINS / "module_utils" / "_errors.py").read_text(encoding="utf-8")
    names = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}
    return frozenset(names | {"Conflict", "AnsibleParserError"})


def _given(call: ast.Call, sinks: dict[str, int]) -> Iterator[ast.expr]:
    """The string that a call gets as its message."""
    position = sinks.get(_name(call.func))
    if position is not None and len(call.args) > position:
        argument = call.args[position]
        if isinstance(argument, (ast.Constant, ast.JoinedStr)):
            yield argument


def _strings(node: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The strings of a tree that can be messages; of one with placeholders also those inside of them."""
    for child in ast.iter_child_nodes(node):
        if _is_silent(child):
            continue
        if isinstance(child, ast.JoinedStr):
            yield child
            for value in child.values:
                if isinstance(value, ast.FormattedValue):
                    yield from _strings(value)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child
        else:
            yield from _strings(child)


def _is_silent(node: ast.AST) -> bool:
    """Whether nothing in it reaches a user: docstrings, documentation, types, programmers' errors."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name in _SILENT:
            return True
        case ast.AnnAssign(annotation=annotation):
            return _name(annotation) == "TypeAlias"
        case ast.Call(func=function):
            return _name(function) in _BUGS
    return False


def _constants(tree: ast.Module) -> dict[str, str]:
    """Texts and numbers that the source gives names to, since they are the same in every case."""
    named: dict[str, str] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str() | int() as value)):
                named[name] = str(value)
    return named


def template(node: ast.expr, constants: dict[str, str]) -> str:
    """A string as its reader sees it, with ``<name>`` where something is put in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(template(value, constants) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        name = _name(node.value)
        return constants.get(name) or _placeholder(name)
    text = str(node.value) if isinstance(node, ast.Constant) else ""
    return re.sub(r"\{(\w+)\}", lambda found: _placeholder(found[1]), text)


def _placeholder(name: str) -> str:
    return f"<{_NAMES.get(name, name.strip('_').replace('_', ' ').lower())}>"


def _name(node: ast.expr) -> str:
    """The last word of an expression, which is what it is called by."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name
        case ast.Subscript(value=value):
            return _name(value)
        case ast.Call(func=ast.Attribute(attr="join"), args=[argument]):
            return _name(argument)
        case ast.Call(func=ast.Name(id="len" | "str"), args=[argument]) | ast.BinOp(right=argument):
            return _name(argument)
        case ast.Call(func=func):
            return _name(func)
        case ast.IfExp(body=value) | ast.BoolOp(values=[value, *_]) | ast.GeneratorExp(elt=value):
            return _name(value)
    return "..."


# --- what is said about them ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Catalogue:
    """The file of explanations: groups for the page, and the beginnings of what is no message by itself."""

    groups: tuple[Group, ...]
    parts: tuple[Entry, ...]

    @classmethod
    def load(cls, path: Path = EXPLANATIONS) -> Catalogue:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        groups = tuple(
            Group(group["title"], group["intro"], tuple(_entries(group["messages"]))) for group in data["groups"]
        )
        parts = (Entry(file, says) for file, beginnings in data["parts"].items() for says in beginnings)
        return cls(groups, tuple(parts))

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return self.parts + tuple(entry for group in self.groups for entry in group.entries)

    def entry_of(self, message: Message) -> Entry | None:
        """The entry with the longest beginning that fits."""
        fitting = [entry for entry in self.entries if entry.fits(message)]
        return max(fitting, key=lambda entry: len(entry.says), default=None)


def _entries(files: dict[str, dict[str, list[str] | None]]) -> Iterator[Entry]:
    for file, explained in files.items():
        for says, texts in explained.items():
            yield Entry(file, says, *(texts or ()))


# --- the page ---------------------------------------------------------------------------------------------------------

_HEAD = """\
# Messages

<!-- Made by tests/messages.py from the sources and tests/data/messages.yml; do not edit it here. -->

Every error and every warning of this collection, by the situation in which it is met. What differs from case to case is
in angle brackets, such as `<client>`. Below each stand its cause and, in italics, a remedy; where
nothing does, the message says both itself.

To find one, search this page for a few words of it that are not in angle brackets.
"""
_CODES_HEAD = """\
## Codes of the server

The sentences follow "R_... answered CODE (NAME): ". A code that is not listed says how to have it explained.

| code | name | meaning and remedy |
| --- | --- | --- |
"""


def page() -> str:
    """docs/messages.md."""
    catalogue = Catalogue.load()
    by_entry: dict[int, list[Message]] = {}
    for message in messages():
        by_entry.setdefault(id(catalogue.entry_of(message)), []).append(message)
    parts = [_HEAD]
    for group in catalogue.groups:
        rows = [(entry, message) for entry in group.entries for message in by_entry.get(id(entry), ())]
        alike = groupby(rows, key=lambda row: (row[0].cause, row[0].remedy))
        text = "".join(_bullet(cause, remedy, list(members)) for (cause, remedy), members in alike)
        parts.append("\n\n".join(filter(None, (f"## {group.title}", group.intro.strip(), text))))
    codes = [f"| {code} | {name} | {_sentence(code)} |\n" for code, (name, _meaning) in sorted(status._CODES.items())]
    return "\n".join([*parts, _CODES_HEAD + "".join(codes)])


def _sentence(code: int) -> str:
    return status.meaning_of(code).format(account="ACCOUNT", server="SERVER", code=code)


def _bullet(cause: str, remedy: str, rows: list[tuple[Entry, Message]]) -> str:
    """Messages with what is said about all of them; where nothing is, each by itself."""
    texts = [_shown(entry, message) for entry, message in rows]
    if not cause:
        return "".join(f"- {text}\n" for text in texts)
    what_to_do = f" *{_full_stop(remedy)}*" if remedy else ""
    lines = "\n  <br>".join([*texts, f"{_full_stop(cause)}{what_to_do}"])
    return f"- {lines}\n"


def _shown(entry: Entry, message: Message) -> str:
    text = re.sub(r"^(<[^<>]+>)+", entry.begins, message.text) if entry.begins else message.text
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def _full_stop(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
