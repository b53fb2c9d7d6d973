# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kept inputs: for each target a file of lines, an input in hexadecimal digits and, where it has one, its name.

Names that begin with ``crash:`` are of inputs that were a defect once; they stay, whatever they add.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "kept"
CRASH = "crash:"


@dataclass(frozen=True, slots=True)
class Case:
    """One input; ``name`` is empty where the fuzzer found it."""

    data: bytes
    name: str = ""

    @property
    def stays(self) -> bool:
        """Whether somebody put it there, rather than the fuzzer."""
        return bool(self.name)


def load(target: str) -> list[Case]:
    """The kept inputs of a target, in their order."""
    path = FOLDER / f"{target}.txt"
    return [_case(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _case(line: str) -> Case:
    digits, _mark, name = line.partition("#")
    return Case(bytes.fromhex(digits), name.strip())


def lines(cases: Iterable[Case]) -> list[str]:
    """The lines of a file: the named inputs first, then by size."""
    return [
        f"{case.data.hex()}  # {case.name}\n" if case.name else f"{case.data.hex()}\n"
        for case in sorted(cases, key=lambda case: (not case.stays, len(case.data), case.data))
    ]


def store(target: str, cases: Iterable[Case]) -> None:
    """Write the kept inputs of a target."""
    (FOLDER / f"{target}.txt").write_text("".join(lines(cases)), encoding="utf-8")
