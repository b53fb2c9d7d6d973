# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What plugins inherit from Ansible has no annotations.
# mypy: disallow-untyped-calls=False

"""The inventory plugin dhcp_leases: the clients of a DHCP server as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: dhcp_leases
short_description: Clients of a Windows DHCP server as inventory hosts
version_added: 1.0.0
description:
  - Makes hosts of the clients of a Windows DHCP server, reservations and leases alike.
  - Its configuration is a file whose name ends with C(dhcp_leases.yml) or C(dhcp_leases.yaml).
  - O(server), O(username), O(password) and O(spn) may be templates, of extra variables and lookups.
  - Every host has the variable C(ansible_host), its address, and the variables C(dhcp_ip_address),
    C(dhcp_mac_address), C(dhcp_client_id), C(dhcp_scope), C(dhcp_name), C(dhcp_description), C(dhcp_type),
    C(dhcp_lease_expires) and C(dhcp_active_until), which have the values that
    M(msrpc.dhcp.dhcp_lease_info) returns.
author:
  - msrpc.dhcp contributors (!UNKNOWN)
extends_documentation_fragment:
  - msrpc.dhcp.connection
  - msrpc.dhcp.connection.plugin
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin, so that nobody else's file is taken for its own.
    type: str
    required: true
    choices:
      - msrpc.dhcp.dhcp_leases
  scopes:
    description:
      - Subnet addresses of the scopes to read, for example V(10.0.0.0). If left out, all scopes are read.
      - A scope that the server does not have gives a warning.
    type: list
    elements: str
  types:
    description: Which clients to take.
    type: list
    elements: str
    choices:
      - reservation
      - lease
    default:
      - reservation
      - lease
  hostname:
    description:
      - What a host is named after, the first that the client has.
      - Clients that share a name all get their address behind it, and a warning says so. A client that calls itself
        C(localhost), C(127.0.0.1), C(::1), C(all) or C(ungrouped) is named the same way. One whose name holds a slash
        or characters that cannot be printed is named with its address alone.
      - A client that has none of what is listed is left out.
    type: list
    elements: str
    choices:
      - name
      - ip_address
    default:
      - name
      - ip_address
notes:
  - Nothing that the server says is ever a template. A client named C({{ lookup('pipe', 'id') }}) has that name.
  - Clients may choose their names themselves, and a server may store what they send. Where you do not trust all clients
    of a scope, take O(types=reservation) or O(hostname=ip_address), since a host of the same name from another source
    of the inventory gets the variables of this one.
"""

EXAMPLES = r"""
# dhcp_leases.yml
plugin: msrpc.dhcp.dhcp_leases
server: dhcp1.example.com
username: EXAMPLE\dhcp-reader
password: "{{ lookup('ansible.builtin.env', 'DHCP_READER_PASSWORD') }}"
scopes:
  - 192.0.2.0
types:
  - reservation
strict: true
compose:
  dhcp_reserved: dhcp_type == 'reservation'
groups:
  printers: dhcp_name is match('printer-')
keyed_groups:
  - key: dhcp_scope
    prefix: scope
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/ansible/dhcp
cache_timeout: 600
"""

from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import argspec, deps
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.naming import host_names
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.reading import clients_of_scopes
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import perform

_SUFFIXES = ("dhcp_leases.yml", "dhcp_leases.yaml")
_TEMPLATED = ("server", "username", "password", "spn")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """What ``ansible-inventory`` and its like load."""

    NAME = "msrpc.dhcp.dhcp_leases"

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin."""
        return bool(super().verify_file(path)) and path.endswith(_SUFFIXES)

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Read the clients, from the cache where it has them, and make hosts of them."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        types = self.get_option("types")
        clients = [client for client in self._clients(path, cache=cache) if client["type"] in types]
        named = host_names(clients, self.get_option("hostname"))
        for warning in named.warnings:
            self.display.warning(warning)
        for client, name in zip(clients, named.names, strict=True):
            if name is not None:
                self._add(inventory, client, name)

    def _clients(self, path: str, *, cache: bool) -> list[dict[str, Any]]:
        """The clients of the scopes asked for. What is cached counts only for the same server and scopes."""
        params = self._parameters()
        asked = {name: params[name] for name in ("server", "port", "endpoint_mapper_port", "scopes")}
        if not self.get_option("cache"):
            return self._fetch(params)
        key = self.get_cache_key(path)
        if cache:
            kept = self._cache.get(key)
            if kept is not None and kept["asked"] == asked:
                clients: list[dict[str, Any]] = kept["clients"]
                return clients
        clients = self._fetch(params)
        self._cache[key] = {"asked": asked, "clients": clients}
        return clients

    def _parameters(self) -> dict[str, Any]:
        """The options as a module would get them, templates resolved."""
        params = {name: self.get_option(name) for name in (*argspec.connection_spec(), "scopes")}
        self.templar.available_variables = dict(self._vars or {})
        for name in _TEMPLATED:
            if params[name] is not None:
                params[name] = str(self.templar.template(params[name]))
        return params

    def _fetch(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        problem = deps.missing_library()
        if problem is not None:
            raise AnsibleParserError(problem)
        answer = perform(clients_of_scopes, params, check_mode=False)
        for warning in answer.warnings:
            self.display.warning(warning)
        if answer.failure is not None:
            raise AnsibleParserError(answer.failure)
        clients: list[dict[str, Any]] = answer.values["clients"]
        return clients

    def _add(self, inventory: InventoryData, client: dict[str, Any], name: str) -> None:
        """Add a host. Its strings are plain ones, which Ansible trusts no further than to be text."""
        inventory.add_host(name)
        variables = {"ansible_host": client["ip_address"], **{f"dhcp_{key}": value for key, value in client.items()}}
        for key, value in variables.items():
            inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)
