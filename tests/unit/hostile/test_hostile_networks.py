# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/hostile-networks.md: every cell is a test, and every test a cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.msrpc.dhcp.tests.kdc import missing
from ansible_collections.msrpc.dhcp.tests.simulator.faults import FORGERIES
from ansible_collections.msrpc.dhcp.tests.unit.hostile import logons, mapper, replies, wire
from ansible_collections.msrpc.dhcp.tests.unit.hostile.kdcs import COLUMNS, KDCS
from ansible_collections.msrpc.dhcp.tests.unit.hostile.logons import LOGONS
from ansible_collections.msrpc.dhcp.tests.unit.hostile.mapper import MAPPER
from ansible_collections.msrpc.dhcp.tests.unit.hostile.replies import REPLIES
from ansible_collections.msrpc.dhcp.tests.unit.hostile.requests import REQUESTS
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    MECHANISMS,
    VERDICTS,
    Attack,
    Keys,
    Mechanism,
    Stage,
    is_known,
    keys,
    read,
    stage,
)
from ansible_collections.msrpc.dhcp.tests.unit.hostile.swapped import SWAPPED
from ansible_collections.msrpc.dhcp.tests.unit.hostile.timing import TIMING

DOCS = Path(__file__).parents[3] / "docs" / "hostile-networks.md"

# The tables, by the headings that they stand under.
TABLES: dict[str, tuple[Attack, ...]] = {
    "Replies": REPLIES,
    "Requests": REQUESTS,
    "The logon": LOGONS,
    "Interfaces exchanged": SWAPPED,
    "The endpoint mapper": MAPPER,
    "Time": TIMING,
}
EVERY = [(heading, attack) for heading, attacks in TABLES.items() for attack in attacks]
# Heading, attack, the column's heading, and the mechanism that it stands for.
EVERY_CELL = [(*row, mechanism.name, mechanism) for row in EVERY for mechanism in MECHANISMS] + [
    ("The KDC", attack, column, mechanism) for attack in KDCS for column, mechanism in COLUMNS.items()
]
CELLS = [
    pytest.param(attack, mechanism, id=f"{heading}, {attack.name}, {column}")
    for heading, attack, column, mechanism in EVERY_CELL
]

_TABLE = re.compile(r"^\| attack \| (.*) \|\n\| ---.*\n((?:\|.*\n)+)", re.MULTILINE)


def documented() -> dict[tuple[str, str, str], str]:
    """Every cell of the page's tables of attacks, by heading, attack and mechanism."""
    cells: dict[tuple[str, str, str], str] = {}
    for section in re.split(r"^## ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        for mechanisms, rows in _TABLE.findall(section):
            for row in rows.splitlines():
                name, *verdicts = row.removeprefix("| ").removesuffix(" |").split(" | ")
                for mechanism, verdict in zip(mechanisms.split(" | "), verdicts, strict=True):
                    assert (heading, name, mechanism) not in cells
                    cells[heading, name, mechanism] = verdict
    return cells


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys | None]:
    if missing():
        yield None
        return
    with keys(tmp_path_factory.mktemp("realm")) as found:
        yield found


@pytest.fixture
def ground(mechanism: Mechanism, realm: Keys | None) -> Iterator[Stage]:
    if mechanism.kerberos and realm is None:
        pytest.skip(f"environment: {missing()}")
    with stage(mechanism, realm if mechanism.kerberos else None) as found:
        yield found


@pytest.mark.parametrize(("attack", "mechanism"), CELLS)
def test_the_cell_says_what_happens(attack: Attack, mechanism: Mechanism, ground: Stage) -> None:
    assert attack.play(ground) == attack.expected(mechanism)


def test_every_cell_is_tested_and_every_test_is_a_cell() -> None:
    tested = {
        (heading, attack.name, column): attack.expected(mechanism) for heading, attack, column, mechanism in EVERY_CELL
    }
    assert documented() == tested


def test_a_table_names_an_attack_once() -> None:
    names = [(heading, attack.name, column) for heading, attack, column, _mechanism in EVERY_CELL]
    assert len(set(names)) == len(names)


def test_every_verdict_is_explained() -> None:
    text = DOCS.read_text(encoding="utf-8")
    used = {attack.expected(mechanism) for _heading, attack, _column, mechanism in EVERY_CELL}
    assert used == set(VERDICTS)
    assert [verdict for verdict in VERDICTS if f"\n- {verdict}: " not in text] == []


def test_every_forgery_of_the_simulator_is_a_row() -> None:
    assert {*replies.FORGED, *logons.FORGED, *mapper.FORGED} == FORGERIES
    rows = [*replies.FORGED.values(), *logons.FORGED.values(), *mapper.FORGED.values()]
    assert all(any(row is attack for _heading, attack in EVERY) for row in rows)


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda each: each.name)
def test_without_an_attack_everything_succeeds(mechanism: Mechanism, ground: Stage) -> None:
    """So it is the attack that was noticed."""
    with ground.gateway(port=None) as server:
        assert server.mechanism() == ("kerberos" if mechanism.kerberos else "ntlm")
        assert is_known(read(server))
    assert ground.run().action == "created"
    assert ground.run().outcome.changed is False
    kinds = {wire.kind(each) for line in ground.relay.lines for each in line.sent}
    assert kinds == {wire.BIND, wire.AUTH3 if mechanism.ends_with_auth3 else wire.ALTER_CONTEXT, wire.REQUEST}
    bind = ground.relay.lines[0].sent[0]
    assert bind[wire.trailer_at(bind)] == mechanism.auth_type
