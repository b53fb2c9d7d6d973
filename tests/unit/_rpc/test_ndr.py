# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reader and writer of NDR 2.0 (C706 chapter 14): alignment, pointers, strings, arrays, and where octets end."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.ndr import Reader, Writer

# UTF-16 code units, lone surrogates among them, as Python has them after decoding; a NUL would end the string.
TEXT = st.lists(st.integers(1, 0xFFFF), max_size=40).map(
    lambda units: struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "surrogatepass")
)
HUGE = (0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def written(*steps: Callable[[Writer], object]) -> str:
    w = Writer()
    for step in steps:
        step(w)
    return bytes(w).hex(" ", -4)


def string(maximum: int, offset: int, actual: int, text: bytes) -> bytes:
    return struct.pack("<III", maximum, offset, actual) + text


# --- writing ----------------------------------------------------------------------------------------------------------


def test_integers_are_little_endian() -> None:
    assert written(lambda w: w.u32(0x0A000001), lambda w: w.u16(0x1234), lambda w: w.u8(0x56)) == "0100000a 341256"


def test_an_integer_is_aligned_to_its_size() -> None:
    assert (
        written(lambda w: w.u8(1), lambda w: w.u16(2), lambda w: w.u8(3), lambda w: w.u32(4))
        == "01000200 03000000 04000000"
    )


def test_a_record_is_aligned_to_4() -> None:
    assert written(lambda w: w.u8(1), lambda w: w.record(struct.Struct("<HB"), 2, 3)) == "01000000 020003"


def test_a_null_pointer_is_zero() -> None:
    assert written(lambda w: w.pointer(None)) == "00000000"


def test_a_pointer_to_something_empty_is_not_null() -> None:
    assert (
        written(lambda w: w.pointer(""), lambda w: w.pointer(b""), lambda w: w.pointer(0))
        == "04000200 08000200 0c000200"
    )


def test_a_pointer_tells_whether_its_referent_follows() -> None:
    w = Writer()
    assert (w.pointer(None), w.pointer("")) == (False, True)


def test_a_string_is_counted_in_code_units_with_its_nul() -> None:
    assert written(lambda w: w.string("Ab")) == "03000000 00000000 03000000 41006200 0000"


def test_a_character_outside_the_first_plane_counts_twice() -> None:
    assert written(lambda w: w.string("\U00010437")) == "03000000 00000000 03000000 01d837dc 0000"


def test_an_empty_string_is_its_nul() -> None:
    assert written(lambda w: w.unique_string("")) == "04000200 01000000 00000000 01000000 0000"


def test_a_missing_string_is_a_null_pointer_alone() -> None:
    assert written(lambda w: w.unique_string(None)) == "00000000"


def test_a_string_is_aligned_to_4() -> None:
    assert written(lambda w: w.string(""), lambda w: w.string("")) == (
        "01000000 00000000 01000000 00000000 01000000 00000000 01000000 0000"
    )


def test_octets_are_counted() -> None:
    assert written(lambda w: w.octets(b"\x0a\x0b\x0c")) == "03000000 0a0b0c"


def test_no_octets_and_missing_octets_are_told_apart() -> None:
    assert (written(lambda w: w.octets(b"")), written(lambda w: w.octets(None))) == ("00000000", "")


# --- reading ----------------------------------------------------------------------------------------------------------


def test_integers_are_read_where_they_are_aligned() -> None:
    r = Reader(bytes.fromhex("01ff0200 03ffffff 04000000 05ffff00 06000000 07"))
    assert (r.u8(), r.u16(), r.u8(), r.u32(), r.u8()) == (1, 2, 3, 4, 5)
    assert (r.record(struct.Struct("<I")), r.u8(), r.remaining()) == ((6,), 7, 0)


READS: dict[str, Callable[[Reader], Any]] = {
    "u8": lambda r: r.u8(),
    "u16": lambda r: r.u16(),
    "u32": lambda r: r.u32(),
    "record": lambda r: r.record(struct.Struct("<IIB")),
    "pointer": lambda r: r.pointer(),
    "count": lambda r: r.count(4),
    "string": lambda r: r.string(),
    "unique_string": lambda r: r.unique_string(),
    "octets": lambda r: r.octets(0),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_nothing_is_read_behind_the_end(read: Callable[[Reader], Any]) -> None:
    with pytest.raises(DecodeError, match=r"ends at octet 0, but \d+ octets are due at 0"):
        read(Reader(b""))


@pytest.mark.parametrize("read", [READS["u16"], READS["u32"], READS["record"], READS["string"]])
def test_nothing_is_read_behind_an_end_that_alignment_has_passed(read: Callable[[Reader], Any]) -> None:
    r = Reader(b"\x01")
    r.u8()
    with pytest.raises(DecodeError):
        read(r)


@pytest.mark.parametrize("referent", [1, 0x00020000, 0x72657355, 0xFFFFFFFF])
def test_every_referent_id_but_0_is_a_pointer(referent: int) -> None:
    assert Reader(struct.pack("<I", referent)).pointer()


def test_referent_id_0_is_no_pointer() -> None:
    assert not Reader(bytes(4)).pointer()


def test_a_string_ends_at_its_nul() -> None:
    assert Reader(string(5, 0, 5, "a\0bc\0".encode("utf-16-le"))).string() == "a"


def test_a_string_without_its_nul_is_read_whole() -> None:
    assert Reader(string(2, 0, 2, "ab".encode("utf-16-le"))).string() == "ab"


def test_a_string_that_uses_less_than_its_maximum_is_read() -> None:
    assert Reader(string(260, 0, 3, "ab\0".encode("utf-16-le"))).string() == "ab"


def test_a_string_of_no_code_units_is_empty() -> None:
    assert Reader(string(0, 0, 0, b"")).string() == ""


def test_what_follows_a_string_is_read_behind_all_of_it() -> None:
    r = Reader(string(3, 0, 3, "a\0b".encode("utf-16-le")) + b"\xff\xff" + struct.pack("<I", 7))
    assert (r.string(), r.u32()) == ("a", 7)


def test_a_lone_surrogate_survives() -> None:
    assert Reader(string(2, 0, 2, b"\x00\xd8\x00\x00")).string() == "\ud800"


@pytest.mark.parametrize(
    ("maximum", "offset", "actual"),
    [(2, 1, 2), (1, 0, 2), (3, 0, 3), *((count, 0, count) for count in HUGE), (2, 0xFFFFFFFF, 2), (0, 0, 1)],
)
def test_a_string_with_counts_that_do_not_fit_is_refused(maximum: int, offset: int, actual: int) -> None:
    with pytest.raises(DecodeError, match=rf"NDR string with counts {maximum}, {offset}, {actual} at octet 12 of 16"):
        Reader(string(maximum, offset, actual, b"a\0\0\0")).string()


@pytest.mark.parametrize(("announced", "count"), [(3, 2), (2, 3), (4, 4), (0, 1), (1, 0), *((n, n) for n in HUGE)])
def test_octets_whose_counts_do_not_fit_are_refused(announced: int, count: int) -> None:
    with pytest.raises(DecodeError, match=f"NDR array of {count} octets where {announced} were announced"):
        Reader(struct.pack("<I", count) + b"abc").octets(announced)


def test_octets_that_fit_are_read() -> None:
    r = Reader(struct.pack("<I", 3) + b"abc\xff" + struct.pack("<I", 7))
    assert (r.octets(3), r.u32()) == (b"abc", 7)


@pytest.mark.parametrize("count", [3, *HUGE])
def test_an_array_that_does_not_fit_is_refused(count: int) -> None:
    with pytest.raises(DecodeError, match=f"NDR array of {count} elements in 8 octets"):
        Reader(struct.pack("<I", count) + bytes(8)).count(4)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_an_array_that_fits_is_counted(count: int) -> None:
    assert Reader(struct.pack("<I", count) + bytes(8)).count(4) == count


@pytest.mark.parametrize("left", [0, 1, 15])
def test_padding_at_the_end_is_tolerated(left: int) -> None:
    Reader(bytes(left)).end()


@pytest.mark.parametrize("left", [16, 1000])
def test_more_than_padding_at_the_end_is_refused(left: int) -> None:
    with pytest.raises(DecodeError, match=f"{left} octets are left over"):
        Reader(bytes(left)).end()


@pytest.mark.parametrize("count", HUGE)
@pytest.mark.parametrize("read", [READS["string"], READS["count"], lambda r: r.octets(0xFFFFFFFF)])
def test_a_huge_count_costs_no_memory(read: Callable[[Reader], Any], count: int) -> None:
    data = struct.pack("<III", count, 0, count) + bytes(64)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            read(Reader(data))
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024
    finally:
        tracemalloc.stop()


# --- both -------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(text=st.none() | TEXT, before=st.integers(0, 3))
def test_a_string_that_was_written_is_read(text: str | None, before: int) -> None:
    w = Writer()
    for _each in range(before):
        w.u8(0xFF)
    w.unique_string(text)
    w.u32(7)
    r = Reader(bytes(w))
    for _each in range(before):
        r.u8()
    assert (r.unique_string(), r.u32(), r.remaining()) == (text, 7, 0)


@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_octets_that_were_written_are_read(data: bytes) -> None:
    w = Writer()
    w.octets(data)
    assert Reader(bytes(w)).octets(len(data)) == data


@settings(deadline=None)
@given(data=st.binary(max_size=60), reads=st.lists(st.sampled_from(sorted(READS)), max_size=8))
def test_any_octets_are_read_or_refused(data: bytes, reads: list[str]) -> None:
    r = Reader(data)
    try:
        for name in reads:
            READS[name](r)
    except DecodeError:
        pass
