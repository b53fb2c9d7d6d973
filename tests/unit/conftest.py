# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the tests that go through real sockets to the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import Bed, site


@pytest.fixture
def bed() -> Iterator[Bed]:
    """A site of two scopes with bystanders, served on loopback."""
    with Simulator(site()) as simulator:
        yield Bed(simulator)
