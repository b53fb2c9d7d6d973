# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""From a module's parameters to typed values. Whatever cannot be meant is refused here, before the first call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Purge
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import Declaration
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import OnConflict
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.listing import Question
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    ClientId,
    ClientType,
    Expiry,
    NamePolicy,
    State,
    parse_address,
    parse_text,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials

_INHERITED = ("scope", "type", "state", "name_policy", "on_conflict")
_MAX_PORT = 65535
_MAX_CONNECTIONS = 16


def endpoint(params: Mapping[str, Any]) -> Endpoint:
    """Where the server is. Raises ``InvalidInput``."""
    server = params["server"].strip()
    if not server:
        raise InvalidInput("server", params["server"], "is empty. Give the name or address of the DHCP server.")
    for option in ("port", "endpoint_mapper_port"):
        port = params[option]
        if port is not None and not 0 < port <= _MAX_PORT:
            raise InvalidInput(option, port, f"is no TCP port. Give a number from 1 to {_MAX_PORT}.")
    for option in ("connect_timeout", "request_timeout"):
        if not 0 < params[option] < float("inf"):
            raise InvalidInput(option, params[option], "is no time to wait. Give a positive number of seconds.")
    return Endpoint(
        server=server,
        port=params["port"],
        endpoint_mapper_port=params["endpoint_mapper_port"],
        connect_timeout=params["connect_timeout"],
        request_timeout=params["request_timeout"],
    )


def credentials(params: Mapping[str, Any]) -> Credentials:
    """Who logs on: without a password by Kerberos. Raises ``InvalidInput``; the password is in no message."""
    auth, username, password = params["auth"], params["username"] or None, params["password"] or None
    if auth == "ntlm" and not (username and password):
        raise InvalidInput(
            "username" if username is None else "password",
            None,
            "auth=ntlm needs a user name and a password. Set username and password, or the environment variables "
            "MSRPC_DHCP_USERNAME and MSRPC_DHCP_PASSWORD.",
        )
    if password and any("\ud800" <= letter <= "\udfff" for letter in password):
        # An environment that is not in UTF-8 comes like this. Sent, it would count as a wrong password.
        raise InvalidInput(
            "password",
            None,
            "is not written in UTF-8. Store it in UTF-8 where it comes from: a file, or the environment variable "
            "MSRPC_DHCP_PASSWORD.",
        )
    if password and not username:
        raise InvalidInput(
            "username",
            params["username"],
            "there is a password, but no user name. Set username as well, or leave both out to use a Kerberos ticket; "
            "mind the environment variables MSRPC_DHCP_USERNAME and MSRPC_DHCP_PASSWORD.",
        )
    return Credentials(auth=auth, username=username, password=password, spn=params["spn"] or None)


def declarations(params: Mapping[str, Any], *, now: datetime) -> list[Declaration]:
    """The declared clients, in the order of the input. ``now`` is what expiries are compared with."""
    if params["clients"] is None:
        return [_declaration(params, index=0, place="", now=now)]
    listed = []
    for index, item in enumerate(params["clients"]):
        inherited = {name: params[name] for name in _INHERITED if item.get(name) is None}
        listed.append(_declaration({**item, **inherited}, index=index, place=f"clients[{index}].", now=now))
    return listed


def purge(params: Mapping[str, Any], declared: Sequence[Declaration]) -> Purge | None:
    """What may be removed beside the list. Raises ``InvalidInput``."""
    if params["purge_limit"] < 0:
        raise InvalidInput(
            "purge_limit",
            params["purge_limit"],
            "is negative. Give the largest number of removals to allow, from 0 on.",
        )
    if not params["purge"]:
        return None
    if not params["clients"]:
        raise InvalidInput(
            "purge",
            True,
            "needs a list of clients that is not empty, since every reservation that is not listed is removed.",
        )
    scope = _address(params["scope"], "scope")
    if scope is None:
        raise InvalidInput("purge", True, "needs scope, since it removes reservations of one scope only. Set scope.")
    for declaration in declared:
        if declaration.scope is not None and declaration.scope != scope:
            raise InvalidInput(
                f"{declaration.place}scope",
                str(declaration.scope),
                f"is another scope than {scope}, which purge is for. Use a task for each scope.",
            )
    return Purge(scope=scope, limit=params["purge_limit"])


def connections(params: Mapping[str, Any]) -> int:
    """Over how many connections many writes are sent at once. Raises ``InvalidInput``."""
    number: int = params["connections"]
    if not 1 <= number <= _MAX_CONNECTIONS:
        raise InvalidInput("connections", number, f"is out of range. Give a number from 1 to {_MAX_CONNECTIONS}.")
    return number


def question(params: Mapping[str, Any]) -> Question:
    """Which clients are asked for. Raises ``InvalidInput``."""
    return Question(
        scopes=scopes(params),
        address=_address(params["ip_address"], "ip_address"),
        client_id=_client_id(params, ""),
        name=_text(params["name"], "name"),
    )


def scopes(params: Mapping[str, Any]) -> tuple[IPv4Address, ...] | None:
    """The one scope that is asked for, or None for all. Raises ``InvalidInput``."""
    scope = _address(params["scope"], "scope")
    return None if scope is None else (scope,)


def listed_scopes(params: Mapping[str, Any]) -> tuple[IPv4Address, ...] | None:
    """Those of several scopes that are asked for, or None for all. Raises ``InvalidInput``."""
    if params["scopes"] is None:
        return None
    return tuple(parse_address(text, f"scopes[{index}]") for index, text in enumerate(params["scopes"]))


def _declaration(values: Mapping[str, Any], *, index: int, place: str, now: datetime) -> Declaration:
    state = State(values["state"])
    # An item of a list may be what was read, its lease over: that is judged when it is known what the server has. For a
    # client that is to be gone it does not matter.
    later = bool(place) or state is State.ABSENT
    expires = _expiry(values.get("lease_expires"), f"{place}lease_expires", now=None if later else now)
    return Declaration(
        index=index,
        place=place,
        state=state,
        type=ClientType(values["type"]),
        scope=_address(values.get("scope"), f"{place}scope"),
        address=_address(values.get("ip_address"), f"{place}ip_address"),
        client_id=_client_id(values, place),
        name=_text(values.get("name"), f"{place}name"),
        description=_text(values.get("description"), f"{place}description"),
        name_policy=NamePolicy(values["name_policy"]),
        on_conflict=OnConflict(values["on_conflict"]),
        expires=expires,
        is_over=state is State.PRESENT and expires is not None and not expires.is_after(now),
    )


def _address(text: str | None, option: str) -> IPv4Address | None:
    return None if text is None else parse_address(text, option)


def _text(text: str | None, option: str) -> str | None:
    return None if text is None else parse_text(text, option)


def _expiry(text: str | None, option: str, *, now: datetime | None) -> Expiry | None:
    return None if text is None else Expiry.parse(text, now=now, option=option)


def _client_id(values: Mapping[str, Any], place: str) -> ClientId | None:
    mac, identifier = values.get("mac_address"), values.get("client_id")
    from_mac = None if mac is None else ClientId.parse_mac(mac, f"{place}mac_address")
    from_hex = None if identifier is None else ClientId.parse_hex(identifier, f"{place}client_id")
    if from_mac is not None and from_hex is not None and from_mac != from_hex:
        raise InvalidInput(
            f"{place}client_id",
            identifier,
            f"is not the same as mac_address={mac!r}. Give one of them, or the same octets in both.",
        )
    return from_mac if from_hex is None else from_hex
