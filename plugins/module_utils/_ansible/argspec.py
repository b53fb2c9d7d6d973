# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The option tables that modules share. The doc fragments describe the same options; a test holds them together."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.parameters import env_fallback


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
            "choices": ["negotiate", "ntlm"],
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
        "on_conflict": {"type": "str", "choices": ["fail"]},
    }
    if defaults:
        for name, value in _DEFAULTS.items():
            spec[name]["default"] = value
    return spec


_DEFAULTS = {"type": "reservation", "state": "present", "name_policy": "always", "on_conflict": "fail"}

# What the module returns of a client and a task may hand back unchanged.
READ_ONLY = ("active_until", "action", "pending", "error")


def reservation_lease_spec() -> dict[str, dict[str, Any]]:
    """All options of ``dhcp_reservation_lease``."""
    read_only: dict[str, dict[str, Any]] = {name: {"type": "raw"} for name in READ_ONLY}
    item = {**client_spec(), **shared_spec(defaults=False), **read_only}
    clients: dict[str, Any] = {"type": "list", "elements": "dict", "options": item}
    return {**connection_spec(), **client_spec(), **shared_spec(defaults=True), "clients": clients}


# The single form and the list exclude each other; scope, type and the like are defaults for the list.
MUTUALLY_EXCLUSIVE = [("clients", name) for name in client_spec()]
REQUIRED_ONE_OF = [("clients", "ip_address", "mac_address", "client_id")]
