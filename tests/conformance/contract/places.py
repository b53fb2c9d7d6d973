# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that the contract can be held against: a real one, or simulators of different readings."""

from __future__ import annotations

import os
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, options
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.tests.conformance.contract.ground import Place, Unfit
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADMINISTRATOR,
    DEFAULT_PASSWORD,
    Settings,
    Site,
    record,
    reservation,
    scope,
)

SCRATCH = "MSRPC_DHCP_SCRATCH_SCOPE"
NEEDED = ("MSRPC_DHCP_SERVER", "MSRPC_DHCP_USERNAME", "MSRPC_DHCP_PASSWORD")
# The options of a connection, as the modules have them, and those of them that the environment can name.
DEFAULTS: dict[str, Any] = {name: spec.get("default") for name, spec in argspec.connection_spec().items()}
NAMED = [name for name, spec in argspec.connection_spec().items() if "fallback" in spec]
PORTS = ("port", "endpoint_mapper_port")
SUBNET = "10.9.0.0"

SIMULATORS = {
    "one reading": Settings(),
    "another reading": Settings(
        exists_code=20014,
        id_form="bare",
        create_outside_range="range",
        access_denied="fault",
        set_vq_names=False,
        remove_unrecognised="refuse",
        empty_elements="no_more_items",
        clients_per_page=1,
        elements_per_page=1,
    ),
    "2008 R2": Settings(generation="2008r2"),
}
SERVERS = ["real"] if os.environ.get(SCRATCH) else list(SIMULATORS)


def real_place() -> Place:
    """The server that the environment names."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise Unfit(f"{SCRATCH} is set, but {', '.join(missing)} is not: there is no server to ask.")
    given = {name: os.environ.get(f"MSRPC_DHCP_{name.upper()}") for name in NAMED}
    params = {**DEFAULTS, **{name: value for name, value in given.items() if value}}
    try:
        params |= {name: int(params[name]) for name in PORTS if params[name] is not None}
        subnet = IPv4Address(os.environ[SCRATCH])
        return Place(endpoint=options.endpoint(params), credentials=options.credentials(params), subnet=subnet)
    except (InvalidInput, ValueError) as exc:
        raise Unfit(f"The environment names no server that could be asked: {exc}") from exc


def simulated_place(simulator: Simulator) -> Place:
    """The empty one of a simulator's two scopes."""
    return Place(
        endpoint=Endpoint(server=simulator.host, port=simulator.port),
        credentials=Credentials(auth="negotiate", username=ADMINISTRATOR, password=DEFAULT_PASSWORD),
        subnet=IPv4Address(SUBNET),
    )


def site(settings: Settings) -> Site:
    """An empty scope, and one in which people work."""
    busy = scope(
        "10.0.0.0",
        records=(record("10.0.0.20", "020000000001", name="printer", expires=0), record("10.0.0.21", "020000000002")),
        reservations=(reservation("10.0.0.20", "020000000001"), reservation("10.0.0.22", "020000000003")),
    )
    return Site(scopes=(busy, scope(SUBNET, 26)), settings=settings)
