# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Option values as the protocol carries them, and as a dump shows them (MS-DHCPM 3.1.1.9 to 3.1.1.12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_calls import (
    OPTION_IS_VENDOR,
    R_DhcpSetOptionValuesV5,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_structs import (
    DHCP_ALL_OPTION_VALUES,
    DHCP_CLASS_OPTION_VALUES,
    DHCP_OPTION_DATA,
    DHCP_OPTION_DATA_ELEMENT,
    DHCP_OPTION_VALUE,
    DHCP_OPTION_VALUE_ARRAY,
    OPTION_IP_ADDRESS,
)
from ansible_collections.msrpc.dhcp.tests.simulator.site import OPTION_TYPES, OptionValue, dotted

# The classes of 3.1.1.8; their names differ between builds.
BUILT_IN_CLASSES = frozenset(
    {
        "Default Routing and Remote Access Class",
        "Default BOOTP Class",
        "Microsoft Windows 2000 Options",
        "Microsoft Windows 98 Options",
        "Microsoft Options",
        "Default Network Access Protection Class",
    }
)

# Pairs of vendor class and option id: the standard options (RFC 2132), the DNS settings (3.3.1), and RFC 3442's routes.
BUILT_IN_DEFINITIONS = frozenset((None, number) for number in (*range(2, 77), 81, 121))

_TYPE_NAMES = {number: name for name, number in OPTION_TYPES.items()}


def _key(value: OptionValue) -> tuple[str | None, str | None, bool, int]:
    return value.user_class, value.vendor_class, value.vendor, value.option_id


def merged(old: Iterable[OptionValue], new: Iterable[OptionValue]) -> tuple[OptionValue, ...]:
    """The old values with the new ones in their places, or behind them."""
    values = {_key(each): each for each in old}
    values.update((_key(each), each) for each in new)
    return tuple(values.values())


def received(call: R_DhcpSetOptionValuesV5) -> tuple[OptionValue, ...]:
    """The values that a call of opnum 20 carries."""
    return tuple(
        OptionValue(
            option_id=each.OptionID,
            elements=each.Value.Elements or (),
            user_class=call.ClassName,
            vendor_class=call.VendorName,
            vendor=bool(call.Flags & OPTION_IS_VENDOR),
        )
        for each in call.OptionValues.Values or ()
    )


def shown(values: Iterable[OptionValue]) -> DHCP_ALL_OPTION_VALUES:
    """What opnum 30 answers: each pair of classes twice, first its own options, then its vendor's (3.2.4.31)."""
    pairs: dict[tuple[str | None, str | None], list[OptionValue]] = {}
    for each in values:
        pairs.setdefault((each.user_class, each.vendor_class), []).append(each)
    found = tuple(
        DHCP_CLASS_OPTION_VALUES(
            ClassName=user_class,
            VendorName=vendor_class,
            IsVendor=vendor,
            OptionsArray=_array(each for each in of_pair if each.vendor is vendor),
        )
        for (user_class, vendor_class), of_pair in pairs.items()
        for vendor in (False, True)
    )
    return DHCP_ALL_OPTION_VALUES(Options=found or None)


def _array(values: Iterable[OptionValue]) -> DHCP_OPTION_VALUE_ARRAY:
    found = tuple(
        DHCP_OPTION_VALUE(OptionID=each.option_id, Value=DHCP_OPTION_DATA(Elements=each.elements)) for each in values
    )
    return DHCP_OPTION_VALUE_ARRAY(Values=found or None)


def plain(value: OptionValue) -> dict[str, Any]:
    """A value as JSON can hold it, with the keys of a site."""
    return {
        "id": value.option_id,
        "user_class": value.user_class,
        "vendor_class": value.vendor_class,
        "vendor": value.vendor,
        "elements": [{"type": _TYPE_NAMES[each.OptionType], "value": _plain(each)} for each in value.elements],
    }


def _plain(element: DHCP_OPTION_DATA_ELEMENT) -> int | str | None:
    if isinstance(element.Element, bytes):
        return element.Element.hex()
    if element.OptionType == OPTION_IP_ADDRESS and isinstance(element.Element, int):
        return dotted(element.Element)
    return element.Element
