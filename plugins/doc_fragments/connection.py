# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, which every module of the collection has."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragments ``msrpc.dhcp.connection``, and ``msrpc.dhcp.connection.plugin`` for what is no module.

    ``_ansible/argspec.py`` is the other side of the first. The second one adds what Ansible looks up for plugins.
    """

    DOCUMENTATION = r"""
options:
  server:
    description:
      - Name or IP address of the DHCP server.
      - If not set, the environment variable E(MSRPC_DHCP_SERVER) is used.
    type: str
    required: true
  port:
    description:
      - TCP port of the DHCP server's RPC endpoint.
      - If left out, the server's endpoint mapper is asked (see O(endpoint_mapper_port)).
      - If not set, the environment variable E(MSRPC_DHCP_PORT) is used.
    type: int
  endpoint_mapper_port:
    description:
      - TCP port of the server's RPC endpoint mapper. It is asked only if O(port) is left out.
      - If not set, the environment variable E(MSRPC_DHCP_ENDPOINT_MAPPER_PORT) is used.
    type: int
    default: 135
  username:
    description:
      - The account to log on with, as V(user@REALM), V(DOMAIN\\user) or V(user).
      - If neither this nor O(password) is set, the logon uses the Kerberos ticket cache of whoever runs the module
        (E(KRB5CCNAME), or the system's default), or else the account of the keytab that E(KRB5_CLIENT_KTNAME) names.
      - If only this is set, that account's ticket in the cache is used, or its key in that keytab. What a keytab gives
        is kept in memory.
      - Reading needs membership in the group DHCP Users, writing in DHCP Administrators.
      - If not set, the environment variable E(MSRPC_DHCP_USERNAME) is used.
    type: str
  password:
    description:
      - The account's password. With Kerberos it gets a ticket, which is kept in memory, whatever is in the ticket
        cache.
      - Required for O(auth=ntlm). Without it there is only Kerberos.
      - If not set, the environment variable E(MSRPC_DHCP_PASSWORD) is used.
    type: str
  auth:
    description:
      - How to log on.
      - V(negotiate) is SPNEGO, as Windows' own tools do it. It is Kerberos wherever a ticket can be had, and NTLM only
        where there is a O(password) and nobody who could give a ticket. That is so if the library is missing, O(server)
        is an address and O(spn) is not set, no KDC of the realm is known or answers (within half of
        O(connect_timeout)), or the KDC does not know the account or the service.
      - If the KDC refuses the account, V(negotiate) fails and says why. A wrong or expired password, a locked
        account, an expired ticket or clocks that differ never lead to NTLM.
      - If NTLM is used although a KDC was asked, since it does not know the account or the service, or does not answer,
        the task warns. Somebody on the way can bring that about. Set V(kerberos) to forbid NTLM, or V(ntlm) to expect
        it.
      - M(msrpc.dhcp.dhcp_server_info) tells what was used, and why it was not Kerberos.
      - V(kerberos) is Kerberos without SPNEGO around it, and nothing else.
      - V(ntlm) is NTLM without SPNEGO around it, and nothing else.
      - Kerberos takes AES only, neither RC4 nor DES, demands that the server proves who it is, and delegates nothing.
      - Whatever is chosen, every message is signed and encrypted in both directions (RPC packet privacy), and no answer
        is believed before its signature has been verified. That cannot be turned off.
      - If not set, the environment variable E(MSRPC_DHCP_AUTH) is used.
    type: str
    choices:
      - negotiate
      - kerberos
      - ntlm
    default: negotiate
  spn:
    description:
      - The service principal name that the logon names as its target, as V(service/host) or V(service/host@REALM). If
        left out, it is V(host/) followed by O(server), as it is written there; DNS is not asked for another name.
      - Needed for Kerberos if O(server) is an address, or a name that is not one of the server's principal names.
      - If not set, the environment variable E(MSRPC_DHCP_SPN) is used.
    type: str
  connect_timeout:
    description:
      - Seconds that finding the server, connecting and logging on may take together.
    type: float
    default: 10
  request_timeout:
    description:
      - Seconds that one call to the server may take, from its first octet sent to the last received.
    type: float
    default: 30
requirements:
  - python >= 3.11
  - impacket >= 0.13.0
  - pyspnego >= 0.12.0
notes:
  - The libraries, and Python 3.11 or newer, are needed on the host that runs the module, which talks to the DHCP
    server itself. That usually is the control node, so tasks say C(connection=local) or C(delegate_to=localhost).
    Nothing is needed on the DHCP server, and WinRM is not used.
  - Kerberos needs C(pip install pyspnego[kerberos]) and a C(krb5.conf) that knows the realm. Where no wheel fits, that
    builds the packages gssapi and krb5, for which a compiler and the Kerberos headers have to be installed (gcc and
    libkrb5-dev, or gcc and krb5-devel).
  - The DHCP server has to be reachable on TCP port 135 and on the dynamic port that its RPC service listens on (by
    default between 49152 and 65535), or on O(port) alone.
"""

    PLUGIN = r"""
options:
  server:
    env:
      - name: MSRPC_DHCP_SERVER
  port:
    env:
      - name: MSRPC_DHCP_PORT
  endpoint_mapper_port:
    env:
      - name: MSRPC_DHCP_ENDPOINT_MAPPER_PORT
  username:
    env:
      - name: MSRPC_DHCP_USERNAME
  password:
    env:
      - name: MSRPC_DHCP_PASSWORD
  auth:
    env:
      - name: MSRPC_DHCP_AUTH
  spn:
    env:
      - name: MSRPC_DHCP_SPN
"""
