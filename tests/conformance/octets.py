# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Octets derived by hand: rows of hexadecimal digits, each with what it means.

``ref`` stands for a referent id and ``..`` for an octet of padding: both are free in NDR, so comparing ignores them.
"""

from __future__ import annotations

import struct


class Octets:
    """A stub made of annotated rows."""

    def __init__(self, *rows: tuple[str, str]) -> None:
        stub = bytearray()
        self._referents: list[int] = []
        self._pads: list[int] = []
        for digits, _meaning in rows:
            for token in digits.split():
                if token == "ref":
                    self._referents.append(len(stub))
                    stub += struct.pack("<I", len(stub) + 1)
                elif token == "..":
                    self._pads.append(len(stub))
                    stub += b"\0"
                else:
                    stub += bytes.fromhex(token)
        self.stub = bytes(stub)

    def masked(self, stub: bytes | None = None) -> str:
        """A stub, by default this one, with every referent id that is not 0 and all padding made equal."""
        data = bytearray(self.stub if stub is None else stub)
        for offset in self._referents:
            if data[offset : offset + 4] != bytes(4):
                data[offset : offset + 4] = b"\xff" * 4
        for offset in self._pads:
            if offset < len(data):
                data[offset] = 0
        return data.hex()
