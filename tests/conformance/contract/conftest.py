# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server the contract is held against: simulators that read the specification in different ways, or a real one.

A real one is asked only where ``MSRPC_DHCP_SCRATCH_SCOPE`` names the scope to work in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.msrpc.dhcp.tests.conformance.contract.ground import Ground, Place, Unfit
from ansible_collections.msrpc.dhcp.tests.conformance.contract.places import (
    SERVERS,
    SIMULATORS,
    real_place,
    simulated_place,
    site,
)
from ansible_collections.msrpc.dhcp.tests.conformance.contract.questions import Answer, ask, table
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator

ANSWERS: pytest.StashKey[str] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The file that the answers go to."""
    parser.addoption("--contract-table", metavar="FILE", help="write the answers to open questions there, as Markdown")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what a real server has answered."""
    text = config.stash.get(ANSWERS, "")
    path = config.getoption("contract_table", None)
    if text and path:
        Path(path).write_text(text, encoding="utf-8")
    if text and SERVERS == ["real"]:
        terminalreporter.section("answers for docs/wire-notes.md")
        terminalreporter.write(text)


@pytest.fixture(scope="session", params=SERVERS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where the suite works."""
    if request.param == "real":
        try:
            found = real_place()
        except Unfit as exc:
            pytest.exit(str(exc), returncode=2)
        yield found
    else:
        with Simulator(site(SIMULATORS[request.param])) as simulator:
            yield simulated_place(simulator)


@pytest.fixture(scope="session")
def ground(place: Place) -> Iterator[Ground]:
    """The scratch scope; in the end it is empty again, and what other scopes hold is what they held."""
    try:
        claimed = Ground.claim(place)
    except Unfit as exc:
        pytest.exit(str(exc), returncode=2)
    yield claimed
    claimed.clean()
    claimed.expect_others_unchanged(strict=SERVERS != ["real"])


@pytest.fixture
def scratch(ground: Ground) -> Iterator[Ground]:
    """The scratch scope, and nothing of the suite in it before and after a test."""
    yield ground
    ground.clean()


@pytest.fixture(scope="session")
def answers(ground: Ground, place: Place, request: pytest.FixtureRequest) -> dict[str, str]:
    """What the server answers to the open questions, by topic."""
    found: list[Answer] = ask(ground)
    request.config.stash[ANSWERS] = table(found, server=place.endpoint.server)
    return {answer.topic: answer.answer for answer in found}
