# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks against a simulator in a process of its own, so that its state can be seen after every task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.support import Program, Workplace


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A simulator and a home for the programs; one for all tests of a file."""
    folder: Path = tmp_path_factory.mktemp("workplace")
    with Program(folder) as program:
        yield Workplace(program=program, home=folder / "home")
