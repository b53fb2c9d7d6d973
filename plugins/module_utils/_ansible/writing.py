# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The use case of the module that writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import migration, options
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer, Job
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Outcome, converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._read import find_clients
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer


def reservation_lease(params: Mapping[str, Any], /, *, check_mode: bool) -> Job:
    """The module ``dhcp_reservation_lease``."""
    migration.refuse_foreign_options(params)
    declared = options.declarations(params, now=datetime.now(UTC))
    single = params["clients"] is None
    purge = options.purge(params, declared)
    connections = options.connections(params)

    def job(server: DhcpServer) -> Answer:
        outcome = converge(server, declared, single=single, check_mode=check_mode, purge=purge, connections=connections)
        values: dict[str, Any] = {"changed": outcome.changed, "clients": outcome.clients, "diff": outcome.diff}
        if purge is not None:
            values["purged"] = outcome.purged
        if single:
            values["client"] = outcome.clients[0]
        warnings = [*outcome.warnings, *_differences(server, params, outcome)]
        return Answer(values=values, warnings=warnings, failure=outcome.failure, error=outcome.error)

    return job


def _differences(server: DhcpServer, params: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """What came out otherwise than in ansible.windows.win_dhcp_lease, for a task that may have been written for it."""
    if not migration.was_renamed(params) or outcome.failure is not None or params["clients"] is not None:
        return []
    if params["state"] == "present":
        return migration.leases_without_end(params, outcome.clients)
    if params["type"] != "reservation" or outcome.clients[0]["action"] != "none":
        return []
    return migration.kept_leases(find_clients(server, options.question({**params, "name": None})).found)
