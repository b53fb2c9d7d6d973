# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SECURITY.md promises nothing without a test, and every file and function that it speaks of is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
LINKS = sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT)))
PROMISES = [line for line in TEXT.split("## What is promised")[1].split("\n## ")[0].splitlines() if line[:2] == "| "][
    2:
]


@pytest.mark.parametrize("link", [link for link in LINKS if ":" not in link])
def test_what_is_linked_is_there(link: str) -> None:
    assert (ROOT / link.partition("#")[0]).is_file()


@pytest.mark.parametrize("link", [link for link in LINKS if ":" in link])
def test_the_only_address_is_that_of_the_repository(link: str) -> None:
    assert link == yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]


@pytest.mark.parametrize("promise", PROMISES)
def test_each_promise_names_its_tests(promise: str) -> None:
    tests = re.findall(r"\]\((tests/[^)]+)\)", promise)
    assert tests
    assert all(
        re.search(r"^(def test_|class .*Machine|Test\w+ = )", (ROOT / test).read_text(encoding="utf-8"), re.MULTILINE)
        for test in tests
    )


def test_there_are_promises() -> None:
    assert len(PROMISES) > 5


def test_no_mail_address_is_made_up() -> None:
    assert re.findall(r"\S+@\S+\.\S+", TEXT) == []
