# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which inputs are worth keeping: those that reach a jump from line to line that no smaller one reaches."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType
from typing import Any

from ansible_collections.msrpc.dhcp.tests.fuzz.checking import outcome
from ansible_collections.msrpc.dhcp.tests.fuzz.corpus import Case

# Of all that runs, what reads octets of a peer.
OURS = ("/plugins/module_utils/", "/tests/simulator/", "/spnego/", "/impacket/dcerpc/v5/epm.py")

Jump = tuple[str, int, int]


def jumps(target: str, data: bytes) -> frozenset[Jump]:
    """The jumps from line to line that an input makes, defects included."""
    found: set[Jump] = set()

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not any(part in name for part in OURS):
            return None
        last = -frame.f_code.co_firstlineno

        def step(inner: FrameType, event: str, _value: Any) -> Any:
            nonlocal last
            line = inner.f_lineno if event in ("line", "exception") else 0
            found.add((name, last, line))
            last = line
            return step

        return step

    sys.settrace(enter)
    try:
        with suppress(Exception):  # a defect is somebody else's business
            outcome(target, data)
    finally:
        sys.settrace(None)
    return frozenset(found)


def worth_keeping(target: str, cases: Iterable[Case]) -> list[Case]:
    """The named cases, and of the others the smallest that together reach the same."""
    reached: set[Jump] = set()
    kept: list[Case] = []
    for case in sorted(cases, key=lambda case: (not case.stays, len(case.data), case.data)):
        found = jumps(target, case.data)
        if case.stays or not found <= reached:
            reached |= found
            kept.append(case)
    return kept
