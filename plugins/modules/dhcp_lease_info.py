#!/usr/bin/python
# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module dhcp_lease_info: what it takes and returns."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dhcp_lease_info
short_description: Read clients of a Windows DHCP server
version_added: 1.0.0
description:
  - Reads the clients of a Windows DHCP server, reservations and leases alike. All of them, those of a scope, or those
    with a certain address, MAC address, client identifier or name.
  - The module speaks the server's own management protocol (MS-DHCPM, DCE/RPC over TCP). Neither WinRM nor PowerShell
    nor an agent is involved.
  - What is not there is not in the result. An empty list is no failure.
author:
  - msrpc.dhcp contributors (!UNKNOWN)
extends_documentation_fragment:
  - msrpc.dhcp.connection
  - msrpc.dhcp.attributes
  - msrpc.dhcp.attributes.action_group
attributes:
  check_mode:
    support: full
    details: This module never changes anything.
  diff_mode:
    support: N/A
    details: This module never changes anything.
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
  action_group:
    support: full
options:
  scope:
    description:
      - Subnet address of the scope to read, for example V(10.0.0.0). If left out, all scopes are read.
      - A scope that the server does not have gives an empty list and a warning.
    type: str
    aliases:
      - scope_id
  ip_address:
    description: Only clients at this IPv4 address.
    type: str
    aliases:
      - ip
  mac_address:
    description:
      - Only clients that identify themselves by this MAC address, in any of the forms V(00:1c:25:80:a0:43),
        V(00-1C-25-80-A0-43), V(001c.2580.a043) and V(001c2580a043). Quote it, since YAML takes some of these for
        numbers.
      - A client is found once in each scope that has it.
    type: str
    aliases:
      - mac
  client_id:
    description:
      - Only clients with this client identifier, in hexadecimal.
      - Together with O(mac_address) only if both are the same octets.
    type: str
  name:
    description:
      - Only clients with this name. Names compare without case, and a name without a dot equals the same name with a
        domain behind it. An empty string finds the clients that have no name.
    type: str
    aliases:
      - reservation_name
notes:
  - Conditions that are given together all have to hold.
  - With O(ip_address), O(mac_address) or O(client_id) the client is looked up. Otherwise every record of the scope is
    read, about 400 with each call.
  - RV(clients) is accepted unchanged as C(clients) of M(msrpc.dhcp.dhcp_reservation_lease), which then changes nothing
    as long as the server holds what was read. What it sets right are records that a client declined or that the server
    was about to delete, and reservations without a record. A lease that has
    expired is accepted as long as the server still stores that same end.
  - One thing cannot be handed back, an address that is reserved for one client while another one's lease is there.
    Those are two clients at one address, which is refused. Read with O(scope) and leave one of them out.
seealso:
  - module: msrpc.dhcp.dhcp_reservation_lease
  - plugin: msrpc.dhcp.dhcp_leases
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Read all clients of a scope
  msrpc.dhcp.dhcp_lease_info:
    server: dhcp1.example.com
    username: EXAMPLE\dhcp-reader
    password: "{{ dhcp_password }}"
    scope: 192.0.2.0
  register: office

- name: Show who has which address
  ansible.builtin.debug:
    msg: "{{ office.clients | items2dict(key_name='ip_address', value_name='name') }}"

- name: Find a client wherever it is, with the server and the account from the environment
  msrpc.dhcp.dhcp_lease_info:
    mac_address: "00:1c:25:80:a0:43"
  register: printer

- name: See who holds an address
  msrpc.dhcp.dhcp_lease_info:
    ip_address: 192.0.2.40
  register: holder

- name: Copy the reservations of a scope to a failover partner
  msrpc.dhcp.dhcp_reservation_lease:
    server: dhcp2.example.com
    username: EXAMPLE\dhcp-admin
    password: "{{ dhcp_password }}"
    clients: "{{ office.clients | selectattr('type', 'equalto', 'reservation') }}"
"""

RETURN = r"""
clients:
  description: The clients, by scope and address.
  returned: success
  type: list
  elements: dict
  sample:
    - active_until: null
      client_id: 001c2580a043
      description: First floor
      ip_address: 192.0.2.40
      lease_expires: null
      mac_address: 00:1c:25:80:a0:43
      name: printer-1.example.com
      scope: 192.0.2.0
      type: reservation
  contains:
    ip_address:
      description: The client's IPv4 address.
      type: str
      returned: success
    mac_address:
      description: The client's MAC address; null if its identifier is none.
      type: str
      returned: success
    client_id:
      description: The client identifier in hexadecimal.
      type: str
      returned: success
    scope:
      description: Subnet address of the client's scope.
      type: str
      returned: success
    name:
      description: The name that the server has stored. Null for a reservation without a record that could have one.
      type: str
      returned: success
    description:
      description: The description that the server has stored. Null for a reservation without a record.
      type: str
      returned: success
    type:
      description: V(reservation) or V(lease).
      type: str
      returned: success
    lease_expires:
      description: When the lease ends, in UTC, or V(never). Null for a reservation, and where no end is stored.
      type: str
      returned: success
    active_until:
      description: When the current lease of a reserved client ends, in UTC, or V(never). Null if it has none.
      type: str
      returned: success
rpc:
  description: What was sent to the server.
  returned: success or failure
  type: dict
  sample:
    calls: 5
    writes: 0
  contains:
    calls:
      description: Number of calls.
      type: int
      returned: success or failure
    writes:
      description: Number of these calls that could change something. Always 0 here.
      type: int
      returned: success or failure
error_code:
  description: The server's code for the error.
  returned: failure, if the server gave a code
  type: int
  sample: 5
error_name:
  description: The specification's name for RV(error_code), or its number in hexadecimal if it has none.
  returned: failure, if the server gave a code
  type: str
  sample: ERROR_ACCESS_DENIED
rpc_call:
  description: The call that returned RV(error_code), or V(bind) if it was the logon.
  returned: failure, if the server gave a code
  type: str
  sample: R_DhcpEnumSubnets
"""

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import LEASE_INFO
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.reading import lease_info
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import run


def main() -> None:
    """Entry point."""
    run(LEASE_INFO, lease_info)


if __name__ == "__main__":
    main()
