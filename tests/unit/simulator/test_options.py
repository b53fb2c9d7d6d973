# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Option values of reservations: opnums 20 and 30 of dhcpsrv2, one rule a test, each with the section that says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from impacket.dcerpc.v5 import dhcpm
from impacket.dcerpc.v5.rpcrt import DCERPCException

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_calls import (
    AllOptionValuesReply,
    R_DhcpGetAllOptionValues,
    R_DhcpSetOptionValuesV5,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_structs import (
    DHCP_CLASS_OPTION_VALUES,
    DHCP_OPTION_DATA,
    DHCP_OPTION_DATA_ELEMENT,
    DHCP_OPTION_SCOPE_INFO,
    DHCP_OPTION_VALUE,
    DHCP_OPTION_VALUE_ARRAY,
    DHCP_RESERVED_SCOPE,
    OPTION_STRING,
    SCOPE_DEFAULT,
    SCOPE_GLOBAL,
    SCOPE_MSCOPE,
    SCOPE_RESERVED,
    SCOPE_SUBNET,
)
from ansible_collections.msrpc.dhcp.tests.simulator.control import dump, perform
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator, new_server
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    NOBODY,
    OPTION_TYPES,
    READER,
    OptionValue,
    Site,
    address,
    load,
    option,
    reservation,
    scope,
)
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.simulator.foreign import ImpacketClient

OURS = bytes.fromhex("001c2580a043")
BOOT = option(66, "string", "boot.example.com")
LAB = option(67, "string", "lab.efi", user_class="Lab")
ACME = option(1, "dword", 7, vendor_class="Acme")
VALUES = {
    "byte": 255,
    "word": 65535,
    "dword": 4294967295,
    "dword_dword": 72623859790382856,
    "ip_address": "192.0.2.1",
    "string": "Drücker",
    "binary": "000102",
    "encapsulated": "",
    "ipv6_address": "2001:db8::1",
}


def site(*options: OptionValue, **more: Any) -> Site:
    """A scope with one reservation, and another scope."""
    reserved = reservation("10.0.0.20", OURS, options=options)
    return Site(scopes=(scope("10.0.0.0", reservations=(reserved,)), scope("10.0.1.0")), **more)


def store(*options: OptionValue, **more: Any) -> Store:
    return Store(site(*options, **more))


def place(ip: str = "10.0.0.20", subnet: str = "10.0.0.0") -> DHCP_OPTION_SCOPE_INFO:
    reserved = DHCP_RESERVED_SCOPE(ReservedIpAddress=address(ip), ReservedIpSubnetAddress=address(subnet))
    return DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_RESERVED, ScopeInfo=reserved)


def subnet_place(subnet: str) -> DHCP_OPTION_SCOPE_INFO:
    return DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_SUBNET, ScopeInfo=address(subnet))


def text(option_id: int, content: str) -> DHCP_OPTION_VALUE:
    element = DHCP_OPTION_DATA_ELEMENT(OptionType=OPTION_STRING, Element=content)
    return DHCP_OPTION_VALUE(OptionID=option_id, Value=DHCP_OPTION_DATA(Elements=(element,)))


def setting(*values: DHCP_OPTION_VALUE, where: DHCP_OPTION_SCOPE_INFO | None = None, **more: Any) -> Any:
    fields = {"Flags": 0, "ClassName": None, "VendorName": None, **more}
    array = DHCP_OPTION_VALUE_ARRAY(Values=values or None)
    return R_DhcpSetOptionValuesV5(ScopeInfo=where or place(), OptionValues=array, **fields)


def put(db: Store, *values: DHCP_OPTION_VALUE, where: DHCP_OPTION_SCOPE_INFO | None = None, **more: Any) -> int:
    return db.execute(setting(*values, where=where, **more)).Return


def read(db: Store, where: DHCP_OPTION_SCOPE_INFO | None = None, flags: int = 0) -> AllOptionValuesReply:
    reply = db.execute(R_DhcpGetAllOptionValues(Flags=flags, ScopeInfo=where or place()))
    assert isinstance(reply, AllOptionValuesReply)
    return reply


def groups(db: Store) -> tuple[DHCP_CLASS_OPTION_VALUES, ...]:
    values = read(db).Values
    assert values is not None
    return values.Options or ()


def ids(group: DHCP_CLASS_OPTION_VALUES) -> list[int]:
    assert group.OptionsArray is not None
    return [each.OptionID for each in group.OptionsArray.Values or ()]


def options(db: Store) -> tuple[OptionValue, ...]:
    return db.scope("10.0.0.0").reservations["10.0.0.20"].options


def remove(db: Store) -> int:
    element = structs.DHCP_IP_RESERVATION_V4(
        ReservedIpAddress=address("10.0.0.20"),
        ReservedForClient=structs.DHCP_CLIENT_UID(Data=OURS),
        bAllowedClientTypes=1,
    )
    data = structs.DHCP_SUBNET_ELEMENT_DATA_V5(ElementType=structs.ELEMENT_RESERVATIONS, Element=element)
    call = calls.R_DhcpRemoveSubnetElementV5(SubnetAddress=address("10.0.0.0"), RemoveElementInfo=data)
    return db.execute(call).Return


# --- R_DhcpGetAllOptionValues, 3.2.4.31 -------------------------------------------------------------------------------


def test_a_reservation_without_options_has_none_to_read() -> None:
    reply = read(store())
    assert reply.Values is not None
    assert (reply.Return, reply.Values.Options) == (0, None)


def test_a_pair_of_classes_is_read_twice_first_its_own_options_then_its_vendors() -> None:
    own = option(2, "byte", 1, vendor_class="Acme", vendor=False)
    read_groups = groups(store(ACME, own))
    assert [(each.VendorName, each.IsVendor, ids(each)) for each in read_groups] == [
        ("Acme", False, [2]),
        ("Acme", True, [1]),
    ]


def test_a_group_without_options_is_read_with_a_null_array() -> None:
    vendors = groups(store(BOOT))[1]
    assert vendors.OptionsArray == DHCP_OPTION_VALUE_ARRAY(Values=None)


def test_each_pair_of_classes_is_read_by_its_names() -> None:
    found = [(each.ClassName, each.VendorName) for each in groups(store(BOOT, LAB, ACME)) if ids(each)]
    assert found == [(None, None), ("Lab", None), (None, "Acme")]


@pytest.mark.parametrize("kind", OPTION_TYPES)
def test_a_value_is_read_with_its_type(kind: str) -> None:
    declared = option(66, kind, VALUES[kind], VALUES[kind])
    array = groups(store(declared))[0].OptionsArray
    assert array is not None
    assert array.Values is not None
    assert array.Values[0].Value.Elements == declared.elements


def test_reading_ignores_the_flags() -> None:
    assert read(store(BOOT), flags=7).Return == 0


@pytest.mark.parametrize("ip", ["10.0.0.21", "192.0.2.1"])
def test_reading_of_an_address_that_is_not_reserved_is_20018(ip: str) -> None:
    reply = read(store(), place(ip))
    assert (reply.Return, reply.Values) == (20018, None)


def test_reading_with_the_wrong_subnet_is_20005() -> None:
    assert read(store(), place(subnet="10.0.1.0")).Return == 20005


def test_reading_of_the_default_level_is_an_invalid_parameter() -> None:
    assert read(store(), DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_DEFAULT)).Return == 87


@pytest.mark.parametrize("where", [DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_GLOBAL), subnet_place("10.0.0.0")])
def test_server_and_scopes_have_no_options_to_read(where: DHCP_OPTION_SCOPE_INFO) -> None:
    reply = read(store(BOOT), where)
    assert reply.Values is not None
    assert (reply.Return, reply.Values.Options) == (0, None)


@pytest.mark.parametrize(
    "where", [subnet_place("192.0.2.0"), DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_MSCOPE, ScopeInfo="x")]
)
def test_reading_of_an_unknown_scope_is_20005(where: DHCP_OPTION_SCOPE_INFO) -> None:
    assert read(store(), where).Return == 20005


# --- R_DhcpSetOptionValuesV5, 3.2.4.21 --------------------------------------------------------------------------------


def test_a_value_is_created() -> None:
    db = store()
    status = put(db, text(66, "boot.example.com"))
    assert (status, options(db)) == (0, (BOOT,))


def test_a_value_is_changed_in_its_place() -> None:
    db = store(option(66, "string", "old"), option(6, "ip_address", "192.0.2.1"))
    put(db, text(66, "boot.example.com"))
    assert options(db) == (BOOT, option(6, "ip_address", "192.0.2.1"))


def test_many_values_are_set_at_once() -> None:
    db = store()
    put(db, text(66, "a"), text(67, "b"))
    assert [each.option_id for each in options(db)] == [66, 67]


def test_a_value_of_a_class_is_another_than_that_without() -> None:
    db = store(BOOT, classes=("Lab",))
    put(db, text(66, "lab"), ClassName="Lab")
    assert options(db) == (BOOT, option(66, "string", "lab", user_class="Lab"))


@pytest.mark.parametrize("flags", [1, 2, 3, 7])
def test_each_bit_of_the_flag_makes_a_vendors_option(flags: int) -> None:
    db = store(classes=("Acme",), option_definitions=(("Acme", 1),))
    put(db, text(1, "x"), VendorName="Acme", Flags=flags)
    assert options(db) == (option(1, "string", "x", vendor_class="Acme"),)


def test_a_flag_that_is_not_defined_is_an_invalid_parameter() -> None:
    assert put(store(), text(66, "x"), Flags=4) == 87


def test_no_values_are_a_success_whatever_the_rest_is() -> None:
    assert put(store(), where=place("192.0.2.1"), Flags=4, ClassName="nowhere") == 0


@pytest.mark.parametrize("names", [{"ClassName": "nowhere"}, {"VendorName": "nowhere"}])
def test_a_class_that_is_not_defined_is_20044(names: dict[str, Any]) -> None:
    assert put(store(), text(66, "x"), **names) == 20044


def test_the_built_in_classes_are_defined() -> None:
    assert put(store(), text(66, "x"), ClassName="Default BOOTP Class") == 0


def test_an_option_that_is_not_defined_is_20010() -> None:
    assert put(store(), text(150, "x")) == 20010


def test_an_option_of_a_vendor_is_not_defined_by_the_standard_one() -> None:
    assert put(store(classes=("Acme",)), text(66, "x"), VendorName="Acme") == 20010


def test_an_option_that_is_not_defined_ends_the_call_after_those_before_it() -> None:
    db = store()
    status = put(db, text(66, "boot.example.com"), text(150, "x"), text(67, "y"))
    assert (status, options(db)) == (20010, (BOOT,))


def test_a_refused_call_changes_nothing() -> None:
    db = store(BOOT)
    put(db, text(150, "x"))
    assert (options(db), db.audit) == ((BOOT,), [])


def test_setting_at_an_address_in_no_scope_is_not_found() -> None:
    assert put(store(), text(66, "x"), where=place("192.0.2.1")) == 2


def test_setting_at_an_address_that_is_not_reserved_is_20018() -> None:
    assert put(store(), text(66, "x"), where=place("10.0.0.21")) == 20018


def test_setting_with_the_wrong_subnet_is_20005() -> None:
    assert put(store(), text(66, "x"), where=place(subnet="10.0.1.0")) == 20005


@pytest.mark.parametrize(
    ("where", "status"),
    [
        (DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_DEFAULT), 50),
        (DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_GLOBAL), 20044),
        (subnet_place("10.0.0.0"), 20044),
        (subnet_place("192.0.2.0"), 20005),
        (DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_MSCOPE, ScopeInfo="x"), 2),
    ],
)
def test_only_reservations_take_options(where: DHCP_OPTION_SCOPE_INFO, status: int) -> None:
    assert put(store(), text(66, "x"), where=where) == status


def test_what_was_read_can_be_set_again() -> None:
    declared = (*(option(number, kind, VALUES[kind]) for number, kind in enumerate(OPTION_TYPES, 40)), LAB, ACME)
    db = store(*declared)
    saved = groups(db)
    db.scope("10.0.0.0").reservations["10.0.0.20"] = reservation("10.0.0.20", OURS)
    for group in saved:
        assert group.OptionsArray is not None
        put(
            db,
            *(group.OptionsArray.Values or ()),
            Flags=3 if group.IsVendor else 0,
            ClassName=group.ClassName,
            VendorName=group.VendorName,
        )
    assert options(db) == declared


# --- what becomes of them ---------------------------------------------------------------------------------------------


def test_options_go_with_their_reservation() -> None:
    db = store(BOOT)
    remove(db)
    db.scope("10.0.0.0").reservations.put(reservation("10.0.0.20", OURS))
    assert groups(db) == ()


def test_the_audit_shows_options_before_and_after() -> None:
    db = store()
    put(db, text(66, "boot.example.com"))
    change = db.audit[0]
    assert (change.call, change.before, change.after) == (
        "R_DhcpSetOptionValuesV5",
        reservation("10.0.0.20", OURS),
        reservation("10.0.0.20", OURS, options=(BOOT,)),
    )


def test_the_audit_of_a_removal_shows_the_options_that_went() -> None:
    db = store(BOOT)
    remove(db)
    assert db.audit[0].before == reservation("10.0.0.20", OURS, options=(BOOT,))


def test_a_snapshot_tells_options_apart() -> None:
    db = store(BOOT)
    before = db.snapshot()
    put(db, text(66, "another"))
    assert db.snapshot() != before


def test_setting_is_a_write_and_reading_is_none() -> None:
    assert (R_DhcpSetOptionValuesV5.WRITES, R_DhcpGetAllOptionValues.WRITES) == (True, False)


# --- sites, dumps, control --------------------------------------------------------------------------------------------


def declared(*options: dict[str, Any]) -> dict[str, Any]:
    reserved = {"ip_address": "10.0.0.20", "client_id": OURS.hex(), "options": list(options)}
    return {"scopes": [{"scope": "10.0.0.0", "prefix_length": 24, "reservations": [reserved]}]}


@pytest.mark.parametrize("kind", OPTION_TYPES)
def test_a_site_declares_options_of_every_type(kind: str) -> None:
    made = load(declared({"id": 66, "type": kind, "values": [VALUES[kind]]}))
    assert made.scopes[0].reservations[0].options == (option(66, kind, VALUES[kind]),)


@pytest.mark.parametrize(
    ("keys", "vendor"),
    [({}, False), ({"vendor_class": "Acme"}, True), ({"vendor_class": "Acme", "vendor": False}, False)],
)
def test_an_option_of_a_vendor_class_is_a_vendors_unless_it_says_otherwise(keys: dict[str, Any], vendor: bool) -> None:
    made = load(declared({"id": 1, "type": "byte", "values": [1], **keys}))
    assert made.scopes[0].reservations[0].options[0].vendor is vendor


def test_a_site_declares_elements_of_several_types() -> None:
    elements = [{"type": "byte", "value": 1}, {"type": "string", "value": "x"}]
    made = load(declared({"id": 1, "elements": elements}))
    assert [each.Element for each in made.scopes[0].reservations[0].options[0].elements] == [1, "x"]


def test_a_site_declares_classes_and_definitions() -> None:
    db = Store(load({"classes": ["Lab"], "option_definitions": [{"id": 150}, {"id": 1, "vendor_class": "Acme"}]}))
    assert "Lab" in db.classes
    assert {(None, 150), ("Acme", 1)} <= db.option_definitions


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ({"id": 1, "type": "colour", "values": [1]}, "option type 'colour' is none of"),
        ({"id": 1, "kind": "byte"}, "option: unknown keys kind"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(item: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load(declared(item))


def test_a_dump_shows_options_with_the_keys_of_a_site() -> None:
    every = [option(number, kind, VALUES[kind]) for number, kind in enumerate(OPTION_TYPES, 40)]
    server = new_server(site(*every, LAB, ACME))
    shown = dump(server)["scopes"]["10.0.0.0"]["reservations"]["10.0.0.20"]["options"]
    assert load(declared(*shown)).scopes[0].reservations[0].options == (*every, LAB, ACME)


def test_options_of_a_reservation_that_a_test_puts_are_defined() -> None:
    server = new_server(Site(scopes=(scope("10.0.0.0"),)))
    values = [{"id": 150, "type": "string", "values": ["x"], "user_class": "New"}]
    item = {"ip_address": "10.0.0.20", "client_id": "aa", "options": values}
    perform(server, {"do": "put_reservation", "scope": "10.0.0.0", "reservation": item})
    assert put(server.store, text(150, "y"), ClassName="New") == 0


# --- rights, over the wire --------------------------------------------------------------------------------------------


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(site(BOOT)) as running:
        yield running


def test_a_reader_reads_options(simulator: Simulator) -> None:
    request = R_DhcpGetAllOptionValues(ScopeInfo=place())
    with ImpacketClient(simulator, READER, interface=dhcpm.MSRPC_UUID_DHCPSRV2) as client:
        reply = AllOptionValuesReply.unpack(client.raw(30, request.pack()))
    assert reply == read(simulator.store)


def test_an_account_without_rights_does_not_read_options(simulator: Simulator) -> None:
    request = R_DhcpGetAllOptionValues(ScopeInfo=place())
    with ImpacketClient(simulator, NOBODY, interface=dhcpm.MSRPC_UUID_DHCPSRV2) as client:
        reply = AllOptionValuesReply.unpack(client.raw(30, request.pack()))
    assert reply == AllOptionValuesReply(Values=None, Return=5)


def test_a_reader_does_not_set_options(simulator: Simulator) -> None:
    with ImpacketClient(simulator, READER, interface=dhcpm.MSRPC_UUID_DHCPSRV2) as client:
        reply = calls.StatusReply.unpack(client.raw(20, setting(text(66, "x")).pack()))
    assert (reply.Return, simulator.audit) == (5, [])


def test_elements_that_are_announced_but_not_there_are_a_fault(simulator: Simulator) -> None:
    stub = bytearray(setting().pack())
    stub[-8] = 1  # NumElements, with a NULL array
    with (
        pytest.raises(DCERPCException, match="rpc_x_bad_stub_data"),
        ImpacketClient(simulator, interface=dhcpm.MSRPC_UUID_DHCPSRV2) as client,
    ):
        client.raw(20, bytes(stub))
