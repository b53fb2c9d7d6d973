# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Reader and writer of NDR 2.0, little-endian (C706 chapter 14): what MS-DHCPM needs of it and no more.

Every read is bounded by the bytes that are there; what does not fit raises ``DecodeError``.
"""

from __future__ import annotations

import struct
from codecs import utf_16_le_decode

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError

_U8 = struct.Struct("<B")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_STRING = struct.Struct("<III")  # maximum count, offset, actual count (C706 14.3.4.2)

# The first referent id that Windows uses; any id that is unique within the stub and not 0 would do.
_FIRST_REFERENT = 0x00020000

# A reply may end in a few octets of padding; more is not the reply that was asked for.
_MAX_TRAILING = 15


class Writer:
    """Appends primitives to a stub. Lengths and alignment are the writer's; order is the caller's."""

    __slots__ = ("_buffer", "_referent")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._referent = _FIRST_REFERENT

    def __bytes__(self) -> bytes:
        return bytes(self._buffer)

    def align(self, size: int) -> None:
        """Pad with zeros to a multiple of ``size`` octets."""
        self._buffer += bytes(-len(self._buffer) % size)

    def u8(self, value: int) -> None:
        self._buffer += _U8.pack(value)

    def u16(self, value: int) -> None:
        self.align(2)
        self._buffer += _U16.pack(value)

    def u32(self, value: int) -> None:
        self.align(4)
        self._buffer += _U32.pack(value)

    def record(self, layout: struct.Struct, *values: int) -> None:
        """A run of fixed fields that starts on a 4 octet boundary."""
        self.align(4)
        self._buffer += layout.pack(*values)

    def referent(self, value: object) -> int:
        """The id of the pointer to ``value``: 0 for ``None``, else one that this stub has not used yet."""
        if value is None:
            return 0
        self._referent += 4
        return self._referent

    def pointer(self, value: object) -> bool:
        """Write the pointer to ``value``; true if a referent has to follow."""
        self.u32(self.referent(value))
        return value is not None

    def string(self, text: str | None) -> None:
        """The referent of a ``[string] wchar_t *``: counts in UTF-16 code units, the NUL included. None: nothing."""
        if text is None:
            return
        encoded = text.encode("utf-16-le", "surrogatepass") + b"\0\0"
        units = len(encoded) // 2
        self.record(_STRING, units, 0, units)
        self._buffer += encoded

    def unique_string(self, text: str | None) -> None:
        """A top-level ``[unique, string]`` parameter: pointer and referent together."""
        self.pointer(text)
        self.string(text)

    def octets(self, data: bytes | None) -> None:
        """The referent of ``[size_is(n)] BYTE *``: a conformant array. None: nothing."""
        if data is None:
            return
        self.u32(len(data))
        self._buffer += data


def ends_early(data: bytes, position: int, size: int) -> DecodeError:
    """What is raised where ``size`` octets are due at ``position`` and are not there."""
    return DecodeError(f"NDR data ends at octet {len(data)}, but {size} octets are due at {position}.")


def string_at(data: bytes, position: int) -> tuple[str, int]:
    """The referent of a ``[string] wchar_t *`` up to its NUL, and where it ends; a missing NUL is tolerated."""
    position += -position % 4
    try:
        maximum, offset, actual = _STRING.unpack_from(data, position)
    except struct.error:
        raise ends_early(data, position, _STRING.size) from None
    position += _STRING.size
    end = position + 2 * actual
    if offset or actual > maximum or end > len(data):
        raise DecodeError(f"NDR string with counts {maximum}, {offset}, {actual} at octet {position} of {len(data)}.")
    return utf_16_le_decode(data[position:end], "surrogatepass", True)[0].partition("\0")[0], end


def octets_at(data: bytes, position: int, length: int) -> tuple[bytes, int]:
    """The referent of a ``[size_is(length)] BYTE *``, and where it ends."""
    position += -position % 4
    try:
        (count,) = _U32.unpack_from(data, position)
    except struct.error:
        raise ends_early(data, position, _U32.size) from None
    position += _U32.size
    end = position + count
    if count != length or end > len(data):
        raise DecodeError(
            f"NDR array of {count} octets where {length} were announced, {len(data) - position} are left."
        )
    return data[position:end], end


class Reader:
    """Takes primitives off a stub, from the front. Every method raises ``DecodeError`` where the octets end.

    ``data`` and ``position`` are for structures that come in thousands and are read in one go.
    """

    __slots__ = ("data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def align(self, size: int) -> None:
        self.position += -self.position % size

    def remaining(self) -> int:
        return len(self.data) - self.position

    def _take(self, layout: struct.Struct) -> tuple[int, ...]:
        try:
            values = layout.unpack_from(self.data, self.position)
        except struct.error:
            raise ends_early(self.data, self.position, layout.size) from None
        self.position += layout.size
        return values

    def u8(self) -> int:
        return self._take(_U8)[0]

    def u16(self) -> int:
        self.align(2)
        return self._take(_U16)[0]

    def u32(self) -> int:
        self.align(4)
        return self._take(_U32)[0]

    def record(self, layout: struct.Struct) -> tuple[int, ...]:
        """A run of fixed fields that starts on a 4 octet boundary."""
        self.align(4)
        return self._take(layout)

    def pointer(self) -> bool:
        """Whether the pointer that stands here has a referent."""
        return self.u32() != 0

    def count(self, size: int) -> int:
        """The maximum count of a conformant array whose elements take at least ``size`` octets each."""
        count = self.u32()
        if count * size > self.remaining():
            raise DecodeError(f"NDR array of {count} elements in {self.remaining()} octets.")
        return count

    def array(self, announced: int, referent: int, size: int) -> int | None:
        """The maximum count of a ``[size_is(announced)]`` array whose pointer has been read; ``None`` for NULL."""
        if not referent:
            if announced:
                raise DecodeError(f"{announced} elements are announced behind a NULL pointer.")
            return None
        count = self.count(size)
        if count != announced:
            raise DecodeError(f"{announced} elements are announced, the array has {count}.")
        return count

    def string(self) -> str:
        """The referent of a ``[string] wchar_t *``, up to its NUL; a missing NUL is tolerated."""
        text, self.position = string_at(self.data, self.position)
        return text

    def unique_string(self) -> str | None:
        """A top-level ``[unique, string]`` parameter."""
        return self.string() if self.pointer() else None

    def octets(self, length: int) -> bytes:
        """The referent of ``[size_is(length)] BYTE *``."""
        data, self.position = octets_at(self.data, self.position, length)
        return data

    def end(self) -> None:
        """Demand that the stub ends here, but for padding."""
        if self.remaining() > _MAX_TRAILING:
            raise DecodeError(f"{self.remaining()} octets are left over at the end of the NDR data.")
