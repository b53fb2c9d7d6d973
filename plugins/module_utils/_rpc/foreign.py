# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The border to other people's code: whatever a library raises becomes a ``DhcpError`` here, and only here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError


@contextmanager
def translated(kind: type[DhcpError], sentence: str) -> Iterator[None]:
    """Raise ``kind(sentence)`` for anything that is not a ``DhcpError`` already.

    This is the one broad ``except`` of the collection. impacket and pyspnego parse what a peer sent, and answer rubbish
    with ``struct.error``, ``IndexError``, ``UnicodeDecodeError``, plain ``Exception``: the set is open.
    """
    try:
        yield
    except DhcpError:
        raise
    except Exception as exc:
        raise kind(f"{sentence} ({type(exc).__name__}: {exc})") from exc
