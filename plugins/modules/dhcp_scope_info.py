#!/usr/bin/python
# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module dhcp_scope_info: what it takes and returns."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dhcp_scope_info
short_description: Read scopes of a Windows DHCP server
version_added: 1.0.0
description:
  - Reads the scopes of a Windows DHCP server with their ranges and exclusions, how many clients they have, how many
    addresses are left, and their failover relationship.
  - The module speaks the server's own management protocol (MS-DHCPM, DCE/RPC over TCP). Neither WinRM nor PowerShell
    nor an agent is involved.
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
notes:
  - The counts are of the moment. To count them, every record of the scope is read, about 400 with each call.
seealso:
  - module: msrpc.dhcp.dhcp_lease_info
"""

EXAMPLES = r"""
- name: Read all scopes
  msrpc.dhcp.dhcp_scope_info:
    server: dhcp1.example.com
    username: EXAMPLE\dhcp-reader
    password: "{{ dhcp_password }}"
  register: all_scopes

- name: Stop where a scope is nearly full
  ansible.builtin.assert:
    that: item.counts.free > 10
    fail_msg: "{{ item.scope }} ({{ item.name }}) has {{ item.counts.free }} free addresses left"
  loop: "{{ all_scopes.scopes | selectattr('state', 'equalto', 'enabled') }}"
  loop_control:
    label: "{{ item.scope }}"

- name: Read one scope, with the server and the account from the environment
  msrpc.dhcp.dhcp_scope_info:
    scope: 192.0.2.0
  register: office
"""

RETURN = r"""
scopes:
  description: The scopes, by subnet address.
  returned: success
  type: list
  elements: dict
  sample:
    - scope: 192.0.2.0
      prefix_length: 24
      mask: 255.255.255.0
      name: Office
      description: First and second floor
      state: enabled
      ranges:
        - start: 192.0.2.10
          end: 192.0.2.250
      exclusions:
        - start: 192.0.2.100
          end: 192.0.2.109
      counts:
        records: 31
        reservations: 12
        free: 200
      failover:
        name: dhcp1-dhcp2
        partner: dhcp2.example.com
        partner_address: 198.51.100.2
        role: primary
        mode: load_balance
        state: normal
        percentage: 50
  contains:
    scope:
      description: The subnet address.
      type: str
      returned: success
    prefix_length:
      description: The length of the subnet's prefix in bits.
      type: int
      returned: success
    mask:
      description: The subnet mask.
      type: str
      returned: success
    name:
      description: The scope's name; empty if it has none.
      type: str
      returned: success
    description:
      description: The scope's comment; empty if it has none.
      type: str
      returned: success
    state:
      description:
        - V(enabled) or V(disabled). V(enabled_switched) and V(disabled_switched) are the same for a scope whose clients
          take every address for one on their own link.
        - V(invalid) is a scope that hands out nothing because it is not valid.
      type: str
      returned: success
    ranges:
      description: The ranges that addresses are taken from.
      type: list
      elements: dict
      returned: success
      contains: &span
        start:
          description: The first address.
          type: str
          returned: success
        end:
          description: The last address.
          type: str
          returned: success
    exclusions:
      description: What of the ranges is not handed out.
      type: list
      elements: dict
      returned: success
      contains: *span
    counts:
      description: How full the scope is.
      type: dict
      returned: success
      contains:
        records:
          description: Client records, those of reserved clients included.
          type: int
          returned: success
        reservations:
          description: Reservations, with a record or without one.
          type: int
          returned: success
        free:
          description: Addresses of the ranges that are neither excluded nor reserved and that have no record.
          type: int
          returned: success
    failover:
      description:
        - The failover relationship that the scope is in. Null if it is in none, and on servers that know no failover
          (Windows Server 2008 R2 and older).
      type: dict
      returned: success
      contains:
        name:
          description: The relationship's name.
          type: str
          returned: success
        partner:
          description: Name of the other server; empty if none is stored.
          type: str
          returned: success
        partner_address:
          description: IPv4 address of the other server.
          type: str
          returned: success
        role:
          description: What the server that was asked is in the relationship, V(primary) or V(secondary).
          type: str
          returned: success
        mode:
          description: V(load_balance) or V(hot_standby).
          type: str
          returned: success
        state:
          description:
            - V(normal), or one of V(no_state), V(init), V(startup), V(communication_interrupted), V(partner_down),
              V(potential_conflict), V(conflict_done), V(resolution_interrupted), V(recover), V(recover_wait) and
              V(recover_done).
            - Null, like RV(scopes[].failover.role) and RV(scopes[].failover.mode), if the server gave a value that the
              protocol does not define.
          type: str
          returned: success
        percentage:
          description: The primary server's share of the clients, in percent.
          type: int
          returned: success
rpc:
  description: What was sent to the server.
  returned: success or failure
  type: dict
  sample:
    calls: 7
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

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import SCOPE_INFO
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.reading import scope_info
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import run


def main() -> None:
    """Entry point."""
    run(SCOPE_INFO, scope_info)


if __name__ == "__main__":
    main()
