# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The two RPC interfaces of a DHCP server (MS-DHCPM 2.1)."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


class Interface(NamedTuple):
    """An RPC interface; ``version`` is the major version, the minor one is always 0."""

    name: str
    uuid: UUID
    version: int


DHCPSRV = Interface("dhcpsrv", UUID("6BFFD098-A112-3610-9833-46C3F874532D"), 1)
DHCPSRV2 = Interface("dhcpsrv2", UUID("5B821720-F63B-11D0-AAD2-00C04FC324DB"), 1)
