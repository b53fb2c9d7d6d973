# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The calls around option values, one frozen class each, as in ``calls.py``."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.calls import Call, Reply, StatusReply
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.ndr import Reader, Writer
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_structs import (
    DHCP_ALL_OPTION_VALUES,
    DHCP_OPTION_SCOPE_INFO,
    DHCP_OPTION_VALUE_ARRAY,
)

# Flags of R_DhcpSetOptionValuesV5: options of the default vendor class, or of a specific one.
OPTION_DEFAULT = 0
OPTION_IS_VENDOR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOptionValuesReply(Reply):
    Values: DHCP_ALL_OPTION_VALUES | None
    Return: int

    def write(self, w: Writer) -> None:
        if w.pointer(self.Values) and self.Values is not None:
            self.Values.write(w)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> AllOptionValuesReply:
        values = DHCP_ALL_OPTION_VALUES.read(r) if r.pointer() else None
        return cls(Values=values, Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpSetOptionValuesV5(Call[StatusReply]):
    """R_DhcpSetOptionValuesV5, opnum 20 (MS-DHCPM 3.2.4.21): all values of a pair of classes at once.

    ``OptionValues`` must not be empty: a server answers success to that and does nothing.
    """

    INTERFACE = DHCPSRV2
    OPNUM = 20
    WRITES = True
    Reply = StatusReply

    ServerIpAddress: str | None = None
    Flags: int
    ClassName: str | None
    VendorName: str | None
    ScopeInfo: DHCP_OPTION_SCOPE_INFO
    OptionValues: DHCP_OPTION_VALUE_ARRAY

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.Flags)
        w.unique_string(self.ClassName)
        w.unique_string(self.VendorName)
        self.ScopeInfo.write(w)  # top-level reference pointer: no referent id
        self.OptionValues.write(w)  # likewise

    @classmethod
    def read(cls, r: Reader) -> R_DhcpSetOptionValuesV5:
        return cls(
            ServerIpAddress=r.unique_string(),
            Flags=r.u32(),
            ClassName=r.unique_string(),
            VendorName=r.unique_string(),
            ScopeInfo=DHCP_OPTION_SCOPE_INFO.read(r),
            OptionValues=DHCP_OPTION_VALUE_ARRAY.read(r),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpGetAllOptionValues(Call[AllOptionValuesReply]):
    """R_DhcpGetAllOptionValues, opnum 30 (MS-DHCPM 3.2.4.31): what is set at a place, for all pairs of classes."""

    INTERFACE = DHCPSRV2
    OPNUM = 30
    Reply = AllOptionValuesReply

    ServerIpAddress: str | None = None
    Flags: int = 0
    ScopeInfo: DHCP_OPTION_SCOPE_INFO

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.Flags)
        self.ScopeInfo.write(w)  # top-level reference pointer: no referent id

    @classmethod
    def read(cls, r: Reader) -> R_DhcpGetAllOptionValues:
        return cls(
            ServerIpAddress=r.unique_string(),
            Flags=r.u32(),
            ScopeInfo=DHCP_OPTION_SCOPE_INFO.read(r),
        )
