# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test that does not run is not a test that passes: with CI=true a skip fails.

Allowed are only skips that the machine forces; their reason begins with "environment:", as in
`pytest.skip("environment: this machine has no IPv6 loopback")`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from ansible_collections.msrpc.dhcp.tests.kdc import Realm, missing, populate

FORCED = "environment:"

# A busy machine makes no test fail, and no example is kept in the checkout: the blob that a failure prints repeats it.
settings.register_profile("project", deadline=None, database=None, print_blob=True)
settings.load_profile("project")

# No realm that this machine belongs to is asked by a test, but for those of a real server.
if "MSRPC_DHCP_SERVER" not in os.environ:
    os.environ["KRB5_CONFIG"] = os.devnull


@pytest.fixture(scope="session")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """A Kerberos realm with the principals of ``kdc.populate``; a test that asks it sets its variables."""
    reason = missing()
    if reason is not None:
        pytest.skip(f"environment: {reason}")
    with Realm(tmp_path_factory.mktemp("realm")) as running:
        populate(running)
        yield running


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn the report of a skip that nothing forced into a failure, where CI is set."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = text.removeprefix("Skipped: ")
    if not reason.startswith(FORCED):
        report.outcome = "failed"
        report.longrepr = f"skipped, though nothing in the environment forces it: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at what became of each test."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at modules that skip themselves as a whole."""
    report = yield
    _refuse_skip(report)
    return report
