# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The structures around failover, one frozen class each, as in ``structs.py``."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.ndr import Reader, Writer
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.structs import (
    read_ip_array,
    read_string,
    write_ip_array,
)

# Two addresses, four enums of 16 bits, two DWORDs, three names, the scopes, a byte with its padding, the secret.
_RELATIONSHIP = struct.Struct("<IIHHHHIIIIIIB3xI")

# DHCP_FAILOVER_MODE (2.2.1.1.18)
MODE_LOAD_BALANCE = 0
MODE_HOT_STANDBY = 1

# DHCP_FAILOVER_SERVER (2.2.1.1.19)
SERVER_PRIMARY = 0
SERVER_SECONDARY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_FAILOVER_RELATIONSHIP:
    """DHCP_FAILOVER_RELATIONSHIP (2.2.1.2.98). ``serverType`` says which of the two the answering server is.

    ``state`` and ``prevState`` are an FSM_STATE (2.2.1.1.20): 3 is NORMAL. ``mclt`` and ``safePeriod`` are seconds.
    """

    primaryServer: int
    secondaryServer: int
    mode: int
    serverType: int
    state: int
    prevState: int
    mclt: int
    safePeriod: int
    relationshipName: str | None
    primaryServerName: str | None
    secondaryServerName: str | None
    pScopes: tuple[int, ...] | None
    percentage: int
    pSharedSecret: str | None = field(repr=False)

    def write(self, w: Writer) -> None:
        """Fixed part and referents."""
        w.record(
            _RELATIONSHIP,
            self.primaryServer,
            self.secondaryServer,
            self.mode,
            self.serverType,
            self.state,
            self.prevState,
            self.mclt,
            self.safePeriod,
            w.referent(self.relationshipName),
            w.referent(self.primaryServerName),
            w.referent(self.secondaryServerName),
            w.referent(self.pScopes),
            self.percentage,
            w.referent(self.pSharedSecret),
        )
        w.string(self.relationshipName)
        w.string(self.primaryServerName)
        w.string(self.secondaryServerName)
        if self.pScopes is not None:
            write_ip_array(w, self.pScopes)
        w.string(self.pSharedSecret)

    @classmethod
    def read(cls, r: Reader) -> DHCP_FAILOVER_RELATIONSHIP:
        """Fixed part and referents."""
        head = r.record(_RELATIONSHIP)
        primary, secondary, mode, server_type, state, previous, mclt, safe_period = head[:8]
        name, primary_name, secondary_name, scopes, percentage, secret = head[8:]
        return cls(
            primaryServer=primary,
            secondaryServer=secondary,
            mode=mode,
            serverType=server_type,
            state=state,
            prevState=previous,
            mclt=mclt,
            safePeriod=safe_period,
            relationshipName=read_string(r, name),
            primaryServerName=read_string(r, primary_name),
            secondaryServerName=read_string(r, secondary_name),
            pScopes=read_ip_array(r) if scopes else None,
            percentage=percentage,
            pSharedSecret=read_string(r, secret),
        )
