# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The option tables that modules share. The doc fragments describe the same options; a test holds them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.parameters import env_fallback

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.migration import FOREIGN_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """What a module takes: its options, and which of them exclude or demand each other."""

    options: dict[str, dict[str, Any]]
    mutually_exclusive: Sequence[tuple[str, ...]] = ()
    required_one_of: Sequence[tuple[str, ...]] = ()


def connection_spec() -> dict[str, dict[str, Any]]:
    """The options of the fragment ``connection``."""
    return {
        "server": {"type": "str", "required": True, "fallback": (env_fallback, ["MSRPC_DHCP_SERVER"])},
        "port": {"type": "int", "fallback": (env_fallback, ["MSRPC_DHCP_PORT"])},
        "endpoint_mapper_port": {
            "type": "int",
            "default": 135,
            "fallback": (env_fallback, ["MSRPC_DHCP_ENDPOINT_MAPPER_PORT"]),
        },
        "username": {"type": "str", "fallback": (env_fallback, ["MSRPC_DHCP_USERNAME"])},
        "password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["MSRPC_DHCP_PASSWORD"])},
        "auth": {
            "type": "str",
            "choices": ["negotiate", "kerberos", "ntlm"],
            "default": "negotiate",
            "fallback": (env_fallback, ["MSRPC_DHCP_AUTH"]),
        },
        "spn": {"type": "str", "fallback": (env_fallback, ["MSRPC_DHCP_SPN"])},
        "connect_timeout": {"type": "float", "default": 10},
        "request_timeout": {"type": "float", "default": 30},
    }


def client_spec() -> dict[str, dict[str, Any]]:
    """The options that describe one client, without those that a task can also set for all."""
    return {
        "ip_address": {"type": "str", "aliases": ["ip"]},
        "mac_address": {"type": "str", "aliases": ["mac"]},
        "client_id": {"type": "str"},
        "name": {"type": "str", "aliases": ["reservation_name"]},
        "description": {"type": "str", "aliases": ["comment"]},
        "lease_expires": {"type": "str"},
    }


def shared_spec(*, defaults: bool) -> dict[str, dict[str, Any]]:
    """The options that a client may have, and a task may set for all of its clients."""
    spec: dict[str, dict[str, Any]] = {
        "scope": {"type": "str", "aliases": ["scope_id"]},
        "type": {"type": "str", "choices": ["reservation", "lease"]},
        "state": {"type": "str", "choices": ["present", "absent"]},
        "name_policy": {"type": "str", "choices": ["always", "on_create"]},
        "on_conflict": {"type": "str", "choices": ["fail", "evict_lease", "replace"]},
    }
    if defaults:
        for name, value in _DEFAULTS.items():
            spec[name]["default"] = value
    return spec


_DEFAULTS = {"type": "reservation", "state": "present", "name_policy": "always", "on_conflict": "fail"}

# What the module returns of a client and a task may hand back unchanged.
READ_ONLY = ("active_until", "action", "pending", "error", "before")


def reservation_lease_spec() -> dict[str, dict[str, Any]]:
    """All options of ``dhcp_reservation_lease``."""
    read_only: dict[str, dict[str, Any]] = {name: {"type": "raw"} for name in READ_ONLY}
    item = {**client_spec(), **shared_spec(defaults=False), **read_only}
    clients: dict[str, Any] = {"type": "list", "elements": "dict", "options": item}
    purge: dict[str, Any] = {
        "purge": {"type": "bool", "default": False},
        "purge_limit": {"type": "int", "default": 10},
    }
    connections: dict[str, Any] = {"connections": {"type": "int", "default": 4}}
    # Known only to be refused with what to write instead.
    foreign: dict[str, dict[str, Any]] = {name: {"type": "raw"} for name in FOREIGN_OPTIONS}
    own = {**client_spec(), **shared_spec(defaults=True), "clients": clients, **purge, **connections}
    return {**connection_spec(), **own, **foreign}


# The single form and the list exclude each other; scope, type and the like are defaults for the list.
MUTUALLY_EXCLUSIVE = [("clients", name) for name in client_spec()]
REQUIRED_ONE_OF = [("clients", "ip_address", "mac_address", "client_id")]

RESERVATION_LEASE = ModuleSpec(
    options=reservation_lease_spec(), mutually_exclusive=MUTUALLY_EXCLUSIVE, required_one_of=REQUIRED_ONE_OF
)
_SCOPE = {"scope": shared_spec(defaults=False)["scope"]}
LEASE_INFO = ModuleSpec(
    options={
        **connection_spec(),
        **_SCOPE,
        **{name: client_spec()[name] for name in ("ip_address", "mac_address", "client_id", "name")},
    }
)
SCOPE_INFO = ModuleSpec(options={**connection_spec(), **_SCOPE})
SERVER_INFO = ModuleSpec(options=connection_spec())
