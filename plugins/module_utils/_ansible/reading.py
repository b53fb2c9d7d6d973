# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The use cases of the modules that read. None of them needs what can write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer, Job
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.listing import Question
from ansible_collections.msrpc.dhcp.plugins.module_utils._read import (
    Listing,
    describe_server,
    find_clients,
    survey_scopes,
)


def lease_info(params: Mapping[str, Any], /, *, check_mode: bool) -> Job:
    """The module ``dhcp_lease_info``, in check mode as ever."""
    del check_mode
    question = options.question(params)
    return lambda server: _listed("clients", find_clients(server, question))


def clients_of_scopes(params: Mapping[str, Any], /, *, check_mode: bool) -> Job:
    """The inventory plugin ``dhcp_leases``."""
    del check_mode
    question = Question(scopes=options.listed_scopes(params))
    return lambda server: _listed("clients", find_clients(server, question))


def scope_info(params: Mapping[str, Any], /, *, check_mode: bool) -> Job:
    """The module ``dhcp_scope_info``, in check mode as ever."""
    del check_mode
    scopes = options.scopes(params)
    return lambda server: _listed("scopes", survey_scopes(server, scopes))


def server_info(params: Mapping[str, Any], /, *, check_mode: bool) -> Job:
    """The module ``dhcp_server_info``, in check mode as ever."""
    del params, check_mode
    return lambda server: Answer(values={"changed": False, **describe_server(server)})


def _listed(name: str, listing: Listing) -> Answer:
    return Answer(values={"changed": False, name: listing.found}, warnings=listing.warnings)
