# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Status codes: each one's class, name and sentence."""

from __future__ import annotations

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import status

CALL = "R_DhcpCreateClientInfoVQ"

CLASSES: dict[int, type[status.StatusError]] = {
    5: status.AccessDenied,
    20005: status.ScopeNotPresent,
    20013: status.DatabaseError,
    20014: status.ClientExists,
    20018: status.NotReservedClient,
    20019: status.ReservedClient,
    20022: status.ReservationExists,
}

# Numbers and names of MS-ERREF 2.2 and MS-DHCPM 2.2.1, and a word of what the sentence has to say.
NAMES = {
    2: ("ERROR_FILE_NOT_FOUND", "no such entry"),
    5: ("ERROR_ACCESS_DENIED", "DHCP Administrators"),
    8: ("ERROR_NOT_ENOUGH_MEMORY", "out of memory"),
    14: ("ERROR_OUTOFMEMORY", "out of memory"),
    50: ("ERROR_NOT_SUPPORTED", "does not support"),
    87: ("ERROR_INVALID_PARAMETER", "outside every scope"),
    120: ("ERROR_CALL_NOT_IMPLEMENTED", "does not implement"),
    234: ("ERROR_MORE_DATA", "more to read"),
    259: ("ERROR_NO_MORE_ITEMS", "nothing more to read"),
    1722: ("RPC_S_SERVER_UNAVAILABLE", "Check that it runs"),
    1753: ("EPT_S_NOT_REGISTERED", "no DHCP server is registered"),
    1783: ("RPC_X_BAD_STUB_DATA", "could not read the request"),
    20000: ("ERROR_DHCP_REGISTRY_INIT_FAILED", "registry"),
    20001: ("ERROR_DHCP_DATABASE_INIT_FAILED", "database"),
    20002: ("ERROR_DHCP_RPC_INIT_FAILED", "RPC interface"),
    20003: ("ERROR_DHCP_NETWORK_INIT_FAILED", "network"),
    20004: ("ERROR_DHCP_SUBNET_EXITS", "exists already"),
    20005: ("ERROR_DHCP_SUBNET_NOT_PRESENT", "no such scope"),
    20006: ("ERROR_DHCP_PRIMARY_NOT_FOUND", "primary host"),
    20007: ("ERROR_DHCP_ELEMENT_CANT_REMOVE", "cannot be removed"),
    20010: ("ERROR_DHCP_OPTION_NOT_PRESENT", "no such option"),
    20013: ("ERROR_DHCP_JET_ERROR", "all three"),
    20014: ("ERROR_DHCP_CLIENT_EXISTS", "has a record already"),
    20015: ("ERROR_DHCP_INCONSISTENT_MIB", "counters"),
    20016: ("ERROR_DHCP_INVALID_DHCP_CLIENT", "no such client"),
    20018: ("ERROR_DHCP_NOT_RESERVED_CLIENT", "outside every range"),
    20019: ("ERROR_DHCP_RESERVED_CLIENT", "Remove its reservation first"),
    20022: ("ERROR_DHCP_RESERVEDIP_EXITS", "reserved already"),
    20023: ("ERROR_DHCP_INVALID_RANGE", "range is not valid"),
    20044: ("ERROR_DHCP_CLASS_NOT_FOUND", "vendor class"),
    20115: ("ERROR_DHCP_FO_RELATIONSHIP_DOES_NOT_EXIST", "no such failover relationship"),
    20116: ("ERROR_DHCP_FO_SCOPE_NOT_IN_RELATIONSHIP", "in no failover relationship"),
    20126: ("ERROR_DHCP_REACHED_END_OF_SELECTION", "no more free addresses"),
}


def raised(code: int) -> status.StatusError:
    with pytest.raises(status.StatusError) as caught:
        status.raise_for(code, CALL)
    return caught.value


def test_success_is_no_error() -> None:
    status.raise_for(status.SUCCESS, CALL)


@pytest.mark.parametrize(("code", "kind"), CLASSES.items(), ids=str)
def test_a_code_that_callers_act_on_has_its_class(code: int, kind: type[status.StatusError]) -> None:
    assert raised(code).__class__ is kind


@pytest.mark.parametrize("code", [1, 1783, 20016, 20126, 0xFFFFFFFF])
def test_any_other_code_is_a_plain_status_error(code: int) -> None:
    assert raised(code).__class__ is status.StatusError


def test_every_class_is_registered_with_its_code() -> None:
    assert status.StatusError.by_code == CLASSES
    assert {code: kind.code_of_class for code, kind in CLASSES.items()} == {code: code for code in CLASSES}


def test_a_plain_status_error_is_no_class_of_a_code() -> None:
    assert status.StatusError.code_of_class is None


@pytest.mark.parametrize(("code", "meaning"), NAMES.items(), ids=str)
def test_a_code_has_its_name_and_its_sentence(code: int, meaning: tuple[str, str]) -> None:
    name, words = meaning
    error = raised(code)
    assert error.name == name
    assert str(error).startswith(f"{CALL} answered {code} ({name}): ")
    assert words in str(error)


def test_every_code_with_a_sentence_is_in_the_table_of_this_test() -> None:
    assert set(status._CODES) == set(NAMES)


@pytest.mark.parametrize("code", [*NAMES, 1, 4711, 0xC0000022])
def test_a_sentence_ends_with_one_full_stop(code: int) -> None:
    text = str(raised(code))
    assert text.endswith(".")
    assert ".." not in text


def test_an_unknown_code_is_named_by_its_number() -> None:
    assert str(raised(4711)).startswith(f"{CALL} answered 4711 (0x00001267): this is none of the codes")


def test_an_unknown_code_comes_with_the_command_that_explains_it() -> None:
    assert "`certutil -error 0x80070020`" in str(raised(0x80070020))


def test_access_denied_names_who_asked_and_whom() -> None:
    with pytest.raises(status.AccessDenied, match=r"'EXAMPLE\\reader' may not do this on dhcp1\.example\.com"):
        status.raise_for(5, CALL, account=r"'EXAMPLE\reader'", server="dhcp1.example.com")


def test_braces_in_a_name_are_no_placeholders() -> None:
    with pytest.raises(status.AccessDenied, match=r"'\{code\}' may not"):
        status.raise_for(5, CALL, account="'{code}'", server="dhcp1.example.com")


def test_an_error_knows_its_code_and_its_call() -> None:
    error = raised(20022)
    assert (error.code, error.call) == (20022, CALL)


def test_a_status_error_is_one_of_the_collections_errors() -> None:
    assert issubclass(status.StatusError, DhcpError)


def test_the_codes_that_page_loops_look_for_have_their_numbers() -> None:
    assert (status.SUCCESS, status.MORE_DATA, status.NO_MORE_ITEMS) == (0, 234, 259)
