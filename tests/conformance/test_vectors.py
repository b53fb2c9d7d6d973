# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The codec against stubs that an independent encoder made (vectors/ndr.json; its conventions stand in the file)."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, failover_calls, option_calls, structs

VECTORS = json.loads((Path(__file__).parent / "vectors" / "ndr.json").read_text(encoding="utf-8"))["vectors"]
# dhcpsrv2 122 and 123 are in the file, but the collection does not send them.
OURS = [vector for vector in VECTORS if hasattr(calls, vector["operation"])]


def number(value: Any) -> int:
    return int(ipaddress.IPv4Address(value)) if isinstance(value, str) else int(value)


def octets(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


def filetime(value: dict[str, int]) -> int:
    return value["dwHighDateTime"] << 32 | value["dwLowDateTime"]


def host(value: dict[str, Any]) -> structs.DHCP_HOST_INFO:
    return structs.DHCP_HOST_INFO(**{**value, "IpAddress": number(value["IpAddress"])})


def client(value: dict[str, Any] | None) -> structs.DHCP_CLIENT_INFO_VQ | None:
    if value is None:
        return None
    return structs.DHCP_CLIENT_INFO_VQ(
        **{
            **value,
            "ClientIpAddress": number(value["ClientIpAddress"]),
            "SubnetMask": number(value["SubnetMask"]),
            "ClientHardwareAddress": octets(value["ClientHardwareAddress"]),
            "ClientLeaseExpires": filetime(value["ClientLeaseExpires"]),
            "ProbationEnds": filetime(value["ProbationEnds"]),
            "OwnerHost": host(value["OwnerHost"]),
        }
    )


def element(value: dict[str, Any]) -> structs.DHCP_SUBNET_ELEMENT_DATA_V5:
    body: structs.Element | None = None
    if (bootp := value.get("IpRange")) is not None:
        body = structs.DHCP_BOOTP_IP_RANGE(**{key: number(item) for key, item in bootp.items()})
    elif (excluded := value.get("ExcludeIpRange")) is not None:
        body = structs.DHCP_IP_RANGE(**{key: number(item) for key, item in excluded.items()})
    elif (reserved := value.get("ReservedIp")) is not None:
        uid = None
        if "ReservedForClient" in reserved:
            uid = structs.DHCP_CLIENT_UID(Data=octets(reserved["ReservedForClient"]))
        body = structs.DHCP_IP_RESERVATION_V4(
            ReservedIpAddress=number(reserved["ReservedIpAddress"]),
            ReservedForClient=uid,
            bAllowedClientTypes=reserved["bAllowedClientTypes"],
        )
    return structs.DHCP_SUBNET_ELEMENT_DATA_V5(ElementType=value["ElementType"], Element=body)


def search(value: dict[str, Any]) -> structs.DHCP_SEARCH_INFO:
    if value["SearchType"] == structs.SEARCH_ADDRESS:
        found: Any = number(value["ClientIpAddress"])
    elif value["SearchType"] == structs.SEARCH_HARDWARE_ADDRESS:
        found = octets(value["ClientHardwareAddress"])
    else:
        found = value["ClientName"]
    return structs.DHCP_SEARCH_INFO(SearchType=value["SearchType"], Value=found)


def subnet(value: dict[str, Any] | None) -> structs.DHCP_SUBNET_INFO | None:
    if value is None:
        return None
    return structs.DHCP_SUBNET_INFO(
        **{
            **value,
            "SubnetAddress": number(value["SubnetAddress"]),
            "SubnetMask": number(value["SubnetMask"]),
            "PrimaryHost": host(value["PrimaryHost"]),
        }
    )


def array(value: dict[str, Any] | None, key: str, convert: Any) -> tuple[Any, ...] | None:
    return None if value is None else tuple(convert(item) for item in value[key])


def value_of(vector: dict[str, Any]) -> Any:
    """The codec's own value for the fields of a vector."""
    call = getattr(calls, vector["operation"])
    cls = call if vector["direction"] == "request" else call.Reply
    fields = dict(vector["fields"])
    converted: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        raw = fields.pop(field.name)
        if isinstance(raw, dict) and "SearchType" in raw:
            converted[field.name] = search(raw)
        elif field.name == "SubnetInfo":
            converted[field.name] = subnet(raw)
        elif field.name in ("AddElementInfo", "RemoveElementInfo"):
            converted[field.name] = element(raw)
        elif field.name == "EnumElementInfo":
            converted[field.name] = array(raw, "Elements", element)
        elif field.name in ("EnumInfo", "IPAddrList"):
            converted[field.name] = array(raw, "Elements", number)
        elif field.name == "ClientInfo":
            converted[field.name] = array(raw, "Clients", client) if "Clients" in (raw or {}) else client(raw)
        elif field.name == "ServerIpAddress":
            converted[field.name] = raw
        else:
            converted[field.name] = number(raw)
    assert not fields, "the vector has fields that the type does not know"
    return cls(**converted)


def masked(stub: bytes, vector: dict[str, Any]) -> str:
    """The stub with referent ids and padding made equal, as the vectors' conventions say."""
    data = bytearray(stub)
    for referent in vector["referents"]:
        offset = referent["offset"]
        if data[offset : offset + 4] != bytes(4):
            data[offset : offset + 4] = b"\xff" * 4
    for offset, length in vector["pads"]:
        data[offset : offset + length] = bytes(length)
    return data.hex()


@pytest.fixture(params=OURS, ids=lambda vector: vector["id"])
def vector(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_values_pack_to_the_vectors_octets(vector: dict[str, Any]) -> None:
    assert masked(value_of(vector).pack(), vector) == masked(bytes.fromhex(vector["hex_masked"]), vector)


def test_octets_unpack_to_the_vectors_values(vector: dict[str, Any]) -> None:
    value = value_of(vector)
    assert type(value).unpack(bytes.fromhex(vector["hex"])) == value


def test_referent_ids_are_unique_within_a_stub(vector: dict[str, Any]) -> None:
    stub = value_of(vector).pack()
    ids = [struct.unpack_from("<I", stub, referent["offset"])[0] for referent in vector["referents"]]
    used = [identifier for identifier in ids if identifier]
    assert len(used) == len(set(used))


def test_every_call_has_vectors_but_those_whose_octets_were_derived_by_hand() -> None:
    modules = (calls, option_calls, failover_calls)
    sent = {name for module in modules for name in vars(module) if name.startswith("R_Dhcp")}
    assert sent - {vector["operation"] for vector in OURS} == {
        "R_DhcpSetClientInfo",
        "R_DhcpSetOptionValuesV5",  # test_option_values.py
        "R_DhcpGetAllOptionValues",  # test_option_values.py
        "R_DhcpV4FailoverGetScopeRelationship",  # test_failover.py
    }
