# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is demanded of a target for every input: a value or a ``DhcpError``, and no more memory than it may take."""

from __future__ import annotations

import tracemalloc

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.tests.fuzz.targets import BESIDE, PER_OCTET, SERVERS, TARGETS

# A sentence for a user: what a peer sent may be in it, but not all of it.
LONGEST_SENTENCE = 2000


class Defect(Exception):
    """A target did what it must not do."""


def outcome(target: str, data: bytes) -> object:
    """What a target makes of an input: its value, or the ``DhcpError``. Any other exception comes through."""
    try:
        return TARGETS[target](data)
    except DhcpError as exc:
        if target in SERVERS:
            raise Defect(f"a server raised {exc!r}") from exc
        if len(str(exc)) > LONGEST_SENTENCE:
            raise Defect(f"a sentence of {len(str(exc))} characters") from exc
        return exc


def check(target: str, data: bytes) -> None:
    """Run a target and raise where it does not behave."""
    allowed = BESIDE + PER_OCTET * len(data)
    taken = _peak(target, data)
    if taken > allowed:
        # A library may have filled something that it keeps for good: only the second time counts.
        taken = _peak(target, data)
    if taken > allowed:
        raise Defect(f"{len(data)} octets took {taken} octets of memory, {allowed} are allowed")


def _peak(target: str, data: bytes) -> int:
    """How much memory an input takes at most, in octets."""
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        outcome(target, data)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()
