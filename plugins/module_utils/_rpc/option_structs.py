# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The structures around option values, one frozen class each, as in ``structs.py``."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.ndr import Reader, Writer
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.structs import length_of, read_octets, read_string

# DHCP_OPTION_SCOPE_TYPE (2.2.1.1.4)
SCOPE_DEFAULT = 0
SCOPE_GLOBAL = 1
SCOPE_SUBNET = 2
SCOPE_RESERVED = 3
SCOPE_MSCOPE = 4

# DHCP_OPTION_DATA_TYPE (2.2.1.1.10)
OPTION_BYTE = 0
OPTION_WORD = 1
OPTION_DWORD = 2
OPTION_DWORD_DWORD = 3
OPTION_IP_ADDRESS = 4
OPTION_STRING = 5
OPTION_BINARY = 6
OPTION_ENCAPSULATED = 7
OPTION_IPV6_ADDRESS = 8

_NUMBERS = {
    OPTION_BYTE: struct.Struct("<B"),
    OPTION_WORD: struct.Struct("<H"),
    OPTION_DWORD: struct.Struct("<I"),
    OPTION_IP_ADDRESS: struct.Struct("<I"),
}
_DWORD_DWORD = struct.Struct("<II")
_STRINGS = (OPTION_STRING, OPTION_IPV6_ADDRESS)
_OCTETS = (OPTION_BINARY, OPTION_ENCAPSULATED)
_COUNTED = struct.Struct("<II")  # a length or number of elements, the pointer to them
_VALUE = struct.Struct("<III")  # OptionID, NumElements, pointer
_OF_CLASS = struct.Struct("<IIII")  # ClassName, VendorName, IsVendor, OptionsArray
_RESERVED_SCOPE = struct.Struct("<II")

# The least that one element of an array takes. The last data element ends with its value: a byte behind two tags.
_ELEMENT_SIZE = 5
_VALUE_SIZE = _VALUE.size
_OF_CLASS_SIZE = _OF_CLASS.size


def _tags(r: Reader, what: str) -> int:
    """An enumeration and the tag of the union behind it, which must be the same."""
    r.align(4)
    kind, tag = r.u16(), r.u16()
    if kind != tag:
        raise DecodeError(f"{what} {kind} with union tag {tag}.")
    return kind


class _ElementHead(NamedTuple):
    """The fixed part of a data element: its number, or the length and the pointer of what comes later."""

    kind: int
    number: int
    referent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_OPTION_DATA_ELEMENT:
    """DHCP_OPTION_DATA_ELEMENT (2.2.1.2.23).

    ``Element`` is what ``OptionType`` says: a number (for DWORD_DWORD one of 64 bits, whose upper half is DWord1), a
    string, or octets.
    """

    OptionType: int
    Element: int | str | bytes | None

    def __post_init__(self) -> None:
        kinds: tuple[type, ...] = ()
        if self.OptionType in _NUMBERS or self.OptionType == OPTION_DWORD_DWORD:
            kinds = (int,)
        elif self.OptionType in _STRINGS:
            kinds = (str, type(None))
        elif self.OptionType in _OCTETS:
            kinds = (bytes, type(None))
        if not isinstance(self.Element, kinds):
            raise TypeError(f"OptionType {self.OptionType} cannot be a {type(self.Element).__name__}.")

    def write(self, w: Writer) -> None:
        w.align(4)
        w.u16(self.OptionType)
        w.u16(self.OptionType)  # the tag of the union
        if isinstance(self.Element, int):
            self._write_number(w, self.Element)
        elif self.OptionType in _OCTETS:  # DHCP_BINARY_DATA (2.2.1.2.9)
            w.u32(length_of(self.Element if isinstance(self.Element, bytes) else None))
            w.pointer(self.Element)
        else:
            w.pointer(self.Element)

    def _write_number(self, w: Writer, number: int) -> None:
        if self.OptionType == OPTION_DWORD_DWORD:
            w.record(_DWORD_DWORD, number >> 32, number & 0xFFFFFFFF)  # DWord1 is the upper half (2.2.1.2.22)
        else:
            w.record(_NUMBERS[self.OptionType], number)

    def write_referents(self, w: Writer) -> None:
        if isinstance(self.Element, bytes):
            w.octets(self.Element)
        elif isinstance(self.Element, str):
            w.string(self.Element)

    @classmethod
    def read_array(cls, r: Reader, count: int) -> tuple[DHCP_OPTION_DATA_ELEMENT, ...]:
        """An array of structures: first all fixed parts, then the referents in order."""
        heads = [cls._read_head(r) for _index in range(count)]
        return tuple(cls(OptionType=head.kind, Element=cls._read_referent(r, head)) for head in heads)

    @staticmethod
    def _read_head(r: Reader) -> _ElementHead:
        kind = _tags(r, "OptionType")
        if kind in _NUMBERS:
            return _ElementHead(kind, r.record(_NUMBERS[kind])[0], 0)
        if kind == OPTION_DWORD_DWORD:
            upper, lower = r.record(_DWORD_DWORD)
            return _ElementHead(kind, upper << 32 | lower, 0)
        if kind in _STRINGS:
            return _ElementHead(kind, 0, r.u32())
        if kind in _OCTETS:
            return _ElementHead(kind, *r.record(_COUNTED))
        raise DecodeError(f"OptionType {kind} is not known to this protocol (2.2.1.1.10).")

    @staticmethod
    def _read_referent(r: Reader, head: _ElementHead) -> int | str | bytes | None:
        if head.kind in _STRINGS:
            return read_string(r, head.referent)
        if head.kind in _OCTETS:
            return read_octets(r, head.number, head.referent)
        return head.number


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_OPTION_DATA:
    """DHCP_OPTION_DATA (2.2.1.2.24): all elements of an option's value. ``None`` is a NULL array."""

    Elements: tuple[DHCP_OPTION_DATA_ELEMENT, ...] | None

    def write_referents(self, w: Writer) -> None:
        """The array; number and pointer stand in the DHCP_OPTION_VALUE that holds this structure."""
        if self.Elements is None:
            return
        w.u32(len(self.Elements))
        for element in self.Elements:
            element.write(w)
        for element in self.Elements:
            element.write_referents(w)

    @classmethod
    def read_referents(cls, r: Reader, announced: int, referent: int) -> DHCP_OPTION_DATA:
        count = r.array(announced, referent, _ELEMENT_SIZE)
        return cls(Elements=None if count is None else DHCP_OPTION_DATA_ELEMENT.read_array(r, count))


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_OPTION_VALUE:
    """DHCP_OPTION_VALUE (2.2.1.2.42)."""

    OptionID: int
    Value: DHCP_OPTION_DATA

    def write(self, w: Writer) -> None:
        elements = self.Value.Elements
        w.record(_VALUE, self.OptionID, len(elements or ()), w.referent(elements))


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_OPTION_VALUE_ARRAY:
    """DHCP_OPTION_VALUE_ARRAY (2.2.1.2.43). ``None`` is a NULL array, as servers send it for no values."""

    Values: tuple[DHCP_OPTION_VALUE, ...] | None

    def write(self, w: Writer) -> None:
        """Fixed part and referents."""
        w.u32(len(self.Values or ()))
        if not w.pointer(self.Values) or self.Values is None:
            return
        w.u32(len(self.Values))
        for value in self.Values:
            value.write(w)
        for value in self.Values:
            value.Value.write_referents(w)

    @classmethod
    def read(cls, r: Reader) -> DHCP_OPTION_VALUE_ARRAY:
        """Fixed part and referents."""
        count = r.array(r.u32(), r.u32(), _VALUE_SIZE)
        if count is None:
            return cls(Values=None)
        heads = [r.record(_VALUE) for _index in range(count)]
        return cls(
            Values=tuple(
                DHCP_OPTION_VALUE(OptionID=option, Value=DHCP_OPTION_DATA.read_referents(r, announced, referent))
                for option, announced, referent in heads
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_CLASS_OPTION_VALUES:
    """The structure without a name inside DHCP_ALL_OPTION_VALUES (2.2.1.2.44): the values of a pair of classes.

    ``None`` as ``ClassName`` is the default user class, as ``VendorName`` the default vendor class.
    """

    ClassName: str | None
    VendorName: str | None
    IsVendor: bool
    OptionsArray: DHCP_OPTION_VALUE_ARRAY | None

    def write(self, w: Writer) -> None:
        w.record(
            _OF_CLASS,
            w.referent(self.ClassName),
            w.referent(self.VendorName),
            self.IsVendor,
            w.referent(self.OptionsArray),
        )

    def write_referents(self, w: Writer) -> None:
        w.string(self.ClassName)
        w.string(self.VendorName)
        if self.OptionsArray is not None:
            self.OptionsArray.write(w)

    @classmethod
    def read_array(cls, r: Reader, count: int) -> tuple[DHCP_CLASS_OPTION_VALUES, ...]:
        """An array of structures: first all fixed parts, then the referents in order."""
        heads = [r.record(_OF_CLASS) for _index in range(count)]
        return tuple(
            cls(
                ClassName=read_string(r, user),
                VendorName=read_string(r, vendor),
                IsVendor=bool(is_vendor),
                OptionsArray=DHCP_OPTION_VALUE_ARRAY.read(r) if options else None,
            )
            for user, vendor, is_vendor, options in heads
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_ALL_OPTION_VALUES:
    """DHCP_ALL_OPTION_VALUES (2.2.1.2.44). ``None`` as ``Options`` is a NULL array: no values at all."""

    Flags: int = 0
    Options: tuple[DHCP_CLASS_OPTION_VALUES, ...] | None

    def write(self, w: Writer) -> None:
        """Fixed part and referents."""
        w.u32(self.Flags)
        w.u32(len(self.Options or ()))
        if not w.pointer(self.Options) or self.Options is None:
            return
        w.u32(len(self.Options))
        for each in self.Options:
            each.write(w)
        for each in self.Options:
            each.write_referents(w)

    @classmethod
    def read(cls, r: Reader) -> DHCP_ALL_OPTION_VALUES:
        """Fixed part and referents."""
        flags = r.u32()
        count = r.array(r.u32(), r.u32(), _OF_CLASS_SIZE)
        options = None if count is None else DHCP_CLASS_OPTION_VALUES.read_array(r, count)
        return cls(Flags=flags, Options=options)


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_RESERVED_SCOPE:
    """DHCP_RESERVED_SCOPE (2.2.1.2.40): a reservation, and the subnet that it is in."""

    ReservedIpAddress: int
    ReservedIpSubnetAddress: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DHCP_OPTION_SCOPE_INFO:
    """DHCP_OPTION_SCOPE_INFO (2.2.1.2.41): where option values are set.

    ``ScopeInfo`` is what ``ScopeType`` says: nothing for the default and the server level, a subnet address, a
    reservation, or the name of a multicast scope.
    """

    ScopeType: int
    ScopeInfo: int | str | DHCP_RESERVED_SCOPE | None = None

    def write(self, w: Writer) -> None:
        """Fixed part and referents."""
        w.align(4)
        w.u16(self.ScopeType)
        w.u16(self.ScopeType)  # the tag of the union
        if isinstance(self.ScopeInfo, DHCP_RESERVED_SCOPE):
            w.record(_RESERVED_SCOPE, self.ScopeInfo.ReservedIpAddress, self.ScopeInfo.ReservedIpSubnetAddress)
        elif isinstance(self.ScopeInfo, int):
            w.u32(self.ScopeInfo)
        elif self.ScopeType == SCOPE_MSCOPE:
            w.unique_string(self.ScopeInfo)

    @classmethod
    def read(cls, r: Reader) -> DHCP_OPTION_SCOPE_INFO:
        """Fixed part and referents."""
        kind = _tags(r, "ScopeType")
        info: int | str | DHCP_RESERVED_SCOPE | None = None
        if kind == SCOPE_SUBNET:
            info = r.u32()
        elif kind == SCOPE_RESERVED:
            address, subnet = r.record(_RESERVED_SCOPE)
            info = DHCP_RESERVED_SCOPE(ReservedIpAddress=address, ReservedIpSubnetAddress=subnet)
        elif kind == SCOPE_MSCOPE:
            info = r.unique_string()
        elif kind not in (SCOPE_DEFAULT, SCOPE_GLOBAL):
            raise DecodeError(f"ScopeType {kind} is not known to this protocol (2.2.1.1.4).")
        return cls(ScopeType=kind, ScopeInfo=info)
