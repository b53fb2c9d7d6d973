#!/usr/bin/python
# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module dhcp_server_info: what it takes and returns."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dhcp_server_info
short_description: Test the connection to a Windows DHCP server
version_added: 1.0.0
description:
  - Tells whether a Windows DHCP server can be reached and logged on to, which version it has, and whether the account
    may read there.
  - The module fails with a sentence of its own where the server's name does not resolve, the connection is refused, the
    endpoint mapper knows no DHCP server, or the logon is not accepted. An account that may log on, but not read, is no
    failure; see RV(can_read).
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
seealso:
  - module: msrpc.dhcp.dhcp_scope_info
"""

EXAMPLES = r"""
- name: Test the connection
  msrpc.dhcp.dhcp_server_info:
    server: dhcp1.example.com
    username: EXAMPLE\dhcp-reader
    password: "{{ dhcp_password }}"
  register: dhcp_server

- name: Stop where the account may not read
  ansible.builtin.assert:
    that: dhcp_server.can_read
    fail_msg: "This account may not read: {{ dhcp_server.read_error }}"
"""

RETURN = r"""
reachable:
  description: Always V(true). The module fails for a server that cannot be reached and logged on to.
  returned: success
  type: bool
  sample: true
version:
  description: The server's version.
  returned: success
  type: dict
  sample:
    major: 10
    minor: 0
    product: Windows Server 2016 or later
  contains:
    major:
      description: The major version.
      type: int
      returned: success
    minor:
      description: The minor version.
      type: int
      returned: success
    product:
      description: The product that reports this version; null for one that the specification does not list.
      type: str
      returned: success
mechanism:
  description: How the account was logged on, V(kerberos) or V(ntlm). With O(auth=negotiate) it can be either.
  returned: success
  type: str
  sample: kerberos
without_kerberos:
  description:
    - Why RV(mechanism) is V(ntlm) although O(auth=negotiate) would rather have Kerberos. The sentence says what is
      missing and how to get it.
    - Null with Kerberos, and with O(auth=ntlm).
  returned: success
  type: str
  sample: null
can_read:
  description: Whether the account may read, for which it has to be a member of DHCP Users or DHCP Administrators.
  returned: success
  type: bool
  sample: true
read_error:
  description: What the server answered if RV(can_read) is V(false), null otherwise.
  returned: success
  type: str
  sample: null
rpc:
  description: What was sent to the server.
  returned: success or failure
  type: dict
  sample:
    calls: 2
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
  sample: 20001
error_name:
  description: The specification's name for RV(error_code), or its number in hexadecimal if it has none.
  returned: failure, if the server gave a code
  type: str
  sample: ERROR_DHCP_DATABASE_INIT_FAILED
rpc_call:
  description: The call that returned RV(error_code), or V(bind) if it was the logon.
  returned: failure, if the server gave a code
  type: str
  sample: R_DhcpEnumSubnets
"""

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import SERVER_INFO
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.reading import server_info
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import run


def main() -> None:
    """Entry point."""
    run(SERVER_INFO, server_info)


if __name__ == "__main__":
    main()
