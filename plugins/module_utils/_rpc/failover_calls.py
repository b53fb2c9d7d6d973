# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The calls around failover, one frozen class each, as in ``calls.py``."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.calls import Call, Reply
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.failover_structs import DHCP_FAILOVER_RELATIONSHIP
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.ndr import Reader, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRelationshipReply(Reply):
    pRelationship: DHCP_FAILOVER_RELATIONSHIP | None
    Return: int

    def write(self, w: Writer) -> None:
        if w.pointer(self.pRelationship) and self.pRelationship is not None:
            self.pRelationship.write(w)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> ScopeRelationshipReply:
        relationship = DHCP_FAILOVER_RELATIONSHIP.read(r) if r.pointer() else None
        return cls(pRelationship=relationship, Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpV4FailoverGetScopeRelationship(Call[ScopeRelationshipReply]):
    """R_DhcpV4FailoverGetScopeRelationship, opnum 96 (MS-DHCPM 3.2.4.97), from Windows Server 2012 on."""

    INTERFACE = DHCPSRV2
    OPNUM = 96
    Reply = ScopeRelationshipReply

    ServerIpAddress: str | None = None
    scopeId: int

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.scopeId)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpV4FailoverGetScopeRelationship:
        return cls(ServerIpAddress=r.unique_string(), scopeId=r.u32())
