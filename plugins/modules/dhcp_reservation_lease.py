#!/usr/bin/python
# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module dhcp_reservation_lease: what it takes and returns."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dhcp_reservation_lease
short_description: Declare DHCP reservations and leases on a Windows DHCP server
version_added: 1.0.0
description:
  - Makes sure that clients have their record on a Windows DHCP server, as a reservation or as a lease, or that they
    have none. One client or thousands in one task.
  - The module speaks the server's own management protocol (MS-DHCPM, DCE/RPC over TCP). Neither WinRM nor PowerShell
    nor an agent is involved.
  - It looks the client up by address and by identifier, creates its record where it is missing, and reads everything
    back that it has written. A client that the task does not name is left alone, unless O(on_conflict) or O(purge) says
    otherwise, or O(state=absent) names only an address.
author:
  - msrpc.dhcp contributors (!UNKNOWN)
extends_documentation_fragment:
  - msrpc.dhcp.connection
  - msrpc.dhcp.attributes
  - msrpc.dhcp.attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
  action_group:
    support: full
    membership:
      - msrpc.dhcp.dhcp
options:
  ip_address:
    description:
      - The client's IPv4 address.
      - If left out with O(state=present), O(scope) is required, and the client gets the address that it already has in
        that scope (its reservation's first, else its lease's), else the lowest free one. In check mode the address is
        free at that moment, but not held.
      - With O(state=absent), address and client together name a pair, and nothing is
        removed unless that client is at that address.
    type: str
    aliases:
      - ip
  mac_address:
    description:
      - The client's MAC address, in any of the forms V(00:1c:25:80:a0:43), V(00-1C-25-80-A0-43), V(001c.2580.a043) and
        V(001c2580a043). Quote it, since YAML takes some of these for numbers.
      - With O(state=present), this or O(client_id) is required.
    type: str
    aliases:
      - mac
  client_id:
    description:
      - The client identifier in hexadecimal, for clients that do not identify themselves by their MAC address (RFC
        4361).
      - Together with O(mac_address) only if both are the same octets.
    type: str
  scope:
    description:
      - Subnet address of the scope, for example V(10.0.0.0), without a prefix length. If left out, it is found from the
        address.
      - An absent client that is named by its identifier alone is looked for in every scope.
    type: str
    aliases:
      - scope_id
  name:
    description:
      - Name of the client. If left out, it is not touched; an empty string clears it.
      - Names compare without case, and a name without a dot equals the same name with a domain behind it, since the
        server stores a client's own full name when the client renews its lease.
    type: str
    aliases:
      - reservation_name
  description:
    description:
      - Description of the client. If left out, it is not touched; an empty string clears it.
    type: str
    aliases:
      - comment
  name_policy:
    description:
      - V(always) sets a different name right.
      - V(on_create) stores the name only when the record is made or has none.
    type: str
    choices:
      - always
      - on_create
    default: always
  type:
    description:
      - V(reservation) is a client record that a reservation holds.
      - V(lease) is a client record alone.
      - A lease of this client at the address becomes a reservation with V(reservation), and keeps its expiry. The
        other way round, V(lease) over a reservation of this client fails.
    type: str
    choices:
      - reservation
      - lease
    default: reservation
  lease_expires:
    description:
      - Only for O(type=lease), when the lease ends. V(never), or a future time in ISO 8601 with its time zone such as
        V(2030-01-31T12:00:00Z).
      - If left out, it is not touched. A new record gets V(never), and then goes only by O(state=absent).
      - In O(clients), a time that has passed is accepted where the server has stored just that.
    type: str
  state:
    description:
      - V(present) makes sure that the client has its record.
      - V(absent) with O(type=reservation) removes the reservation. A record that was never leased goes with it. An
        active lease stays until it expires, since a machine may be using the address.
      - V(absent) with O(type=lease) removes the record, and fails if it is reserved.
    type: str
    choices:
      - present
      - absent
    default: present
  on_conflict:
    description:
      - What to do if another client holds the address, or this client holds another one of the scope.
      - V(fail) changes nothing and names the holder, its kind, state and expiry.
      - V(evict_lease) removes another client's lease that no reservation holds from the wanted address. That machine
        may still be using the address; a warning says so.
      - V(replace) also removes another client's reservation at the wanted address, so that a machine's successor gets
        it under a new MAC address, and what this client has at another address of the scope, so that it moves. Name,
        description and the option values that are stored on the reservation are kept, unless the task gives others.
      - In a list, a holder that the list itself removes or moves is no conflict. In swaps and chains each client keeps
        its own name, description and option values.
      - Is the address reserved for this client already, while another one's lease is there, V(evict_lease) removes
        both and reserves again. A reservation outside every range of its scope is never removed for this, since the
        server would not make it again. With O(type=lease), a reservation of this client is never removed.
      - What was removed for a client that then cannot have the address is put back. If that fails too,
        RV(clients[].before) (RV(client.before) for a single client) has all of it. If the process itself is killed
        between removal and creation, nothing is returned, and the old reservation is lost with its name, description
        and option values. A run with C(--check --diff) beforehand records all but the option values.
    type: str
    choices:
      - fail
      - evict_lease
      - replace
    default: fail
  clients:
    description:
      - Several clients, instead of a single one. The list is one declaration, and its order does not matter. What
        frees an address is done first.
      - O(scope), O(type), O(state), O(name_policy) and O(on_conflict) of the task are the defaults of the items.
      - Every client is tried. The task fails at the end if any failed, and RV(clients) has the outcome of each.
      - The same address, or the same client of a scope, twice in the list is refused. One absent and one present item
        may share an address.
      - What this module returns is accepted as input. Keys that it only returns, and null values, are ignored.
    type: list
    elements: dict
    suboptions:
      ip_address:
        description: See O(ip_address).
        type: str
        aliases:
          - ip
      mac_address:
        description: See O(mac_address).
        type: str
        aliases:
          - mac
      client_id:
        description: See O(client_id).
        type: str
      scope:
        description: See O(scope).
        type: str
        aliases:
          - scope_id
      name:
        description: See O(name).
        type: str
        aliases:
          - reservation_name
      description:
        description: See O(description).
        type: str
        aliases:
          - comment
      name_policy:
        description: See O(name_policy).
        type: str
        choices:
          - always
          - on_create
      type:
        description: See O(type).
        type: str
        choices:
          - reservation
          - lease
      lease_expires:
        description: See O(lease_expires).
        type: str
      state:
        description: See O(state).
        type: str
        choices:
          - present
          - absent
      on_conflict:
        description: See O(on_conflict).
        type: str
        choices:
          - fail
          - evict_lease
          - replace
      active_until:
        description: Ignored; see RV(clients[].active_until).
        type: raw
      action:
        description: Ignored; see RV(clients[].action).
        type: raw
      pending:
        description: Ignored; see RV(clients[].pending).
        type: raw
      error:
        description: Ignored; see RV(clients[].error).
        type: raw
      before:
        description: Ignored; see RV(clients[].before).
        type: raw
  purge:
    description:
      - Remove the reservations of O(scope) that are not in O(clients), which must not be empty.
      - A reservation is listed if its address or its client is in an item with O(state=present), whatever
        becomes of that item.
      - Nothing is purged if any client cannot be planned, or fails.
    type: bool
    default: false
  purge_limit:
    description: If O(purge) would remove more reservations than this, the task fails before it has written anything.
    type: int
    default: 10
  connections:
    description:
      - Over how many connections at once a task writes that has 50 writes or more, from V(1) to V(16). The task's time
        is mostly that of waiting for the server's answers, so more connections make it shorter.
      - What is written, the order of the results and what is said of each client do not depend on it. What frees an
        address or a client is still written before what needs it.
      - A further connection that the server does not take is done without.
      - Several scopes with many clients each are also read over these connections.
    type: int
    default: 4
  computer_name:
    description:
      - Not supported; an option of C(ansible.windows.win_dhcp_lease). A task that has it fails and says what to write.
      - Use O(server) instead.
    type: raw
  dns_hostname:
    description:
      - Not supported; an option of C(ansible.windows.win_dhcp_lease). A task that has it fails and says what to write.
      - Use O(name) instead.
    type: raw
  dns_regtype:
    description:
      - Not supported; an option of C(ansible.windows.win_dhcp_lease). A task that has it fails and says what to write.
      - Leave it out. This module registers nothing in DNS.
    type: raw
  duration:
    description:
      - Not supported; an option of C(ansible.windows.win_dhcp_lease). A task that has it fails and says what to write.
      - Use O(lease_expires) instead.
    type: raw
notes:
  - On a local connection, without C(become), C(async) and C(timeout), the task runs inside of Ansible, without a
    process of its own, if the libraries are there for the Python that Ansible itself runs with. The items of a loop
    then share one logon. Nothing else is different, and nothing that was read for one item decides about another.
    Otherwise the libraries are needed by the Python of the host that the task runs on.
  - When the C(timeout) of a task is over, the task fails, but the module goes on to its end. What it did is not
    returned; run the task again.
  - On a connection to a Windows host the task fails. Add C(delegate_to=localhost) to it.
  - A client that is on the network already, with a lease at another address of the scope, gets its reservation beside
    that lease. A warning says that it moves when it renews. Name and description are stored as soon as the server has
    a record to store them in, which takes another run; until then RV(client.pending) lists them.
  - Between reading and writing, another administrator or the server itself may change a record, since the protocol
    cannot lock anything. The module reads once more right before it changes or removes something, and again after it.
  - Failover partners replicate leases, but not reservations. Declare reservations on each partner.
  - The collection has not been tried against a Windows server yet, but against a simulator that follows the published
    specification. Try it on a scope of little importance first.
  - A task that was written for C(ansible.windows.win_dhcp_lease) works here under its own option names, or says what to
    write instead. The file C(docs/migration-from-win_dhcp_lease.md) of the collection has the differences.
  - Guides for a first try, for a whole site, for purging and for what to do when it fails are in C(docs/docsite) of the
    collection.
seealso:
  - module: msrpc.dhcp.dhcp_server_info
  - module: msrpc.dhcp.dhcp_lease_info
"""

EXAMPLES = r"""
- name: Reserve an address for a printer
  msrpc.dhcp.dhcp_reservation_lease:
    server: dhcp1.example.com
    username: EXAMPLE\dhcp-admin
    password: "{{ dhcp_password }}"
    ip_address: 192.0.2.40
    mac_address: "00:1c:25:80:a0:43"
    name: printer-1.example.com
    description: First floor
  delegate_to: localhost

- name: Declare several clients at once, with the server and the account set once
  module_defaults:
    group/msrpc.dhcp.dhcp:
      server: dhcp1.example.com
      username: EXAMPLE\dhcp-admin
      password: "{{ dhcp_password }}"
  block:
    - name: Declare the printers, and retire one of them
      msrpc.dhcp.dhcp_reservation_lease:
        scope: 192.0.2.0
        clients:
          - {ip_address: 192.0.2.41, mac_address: "00:1c:25:80:a0:44", name: printer-2}
          - {ip_address: 192.0.2.42, mac_address: "00-1C-25-80-A0-45", name: printer-3}
          - {ip_address: 192.0.2.43, client_id: "ff00112233000200000ab1", name: router-1}
          - {mac_address: "001c.2580.a043", state: absent}

    - name: Give a client an address without reserving it
      msrpc.dhcp.dhcp_reservation_lease:
        ip_address: 192.0.2.60
        mac_address: "00:1c:25:80:a0:50"
        type: lease
        lease_expires: "2099-12-31T00:00:00Z"

    - name: Keep the name that the client itself has sent
      msrpc.dhcp.dhcp_reservation_lease:
        ip_address: 192.0.2.61
        mac_address: "00:1c:25:80:a0:51"
        name: laptop-7
        name_policy: on_create

    - name: Make sure that an address is not reserved for a certain client
      msrpc.dhcp.dhcp_reservation_lease:
        ip_address: 192.0.2.41
        mac_address: "00:1c:25:80:a0:44"
        state: absent

    - name: Give the address of a broken printer to its successor, with name, description and option values
      msrpc.dhcp.dhcp_reservation_lease:
        ip_address: 192.0.2.42
        mac_address: "00:1c:25:80:a0:52"
        on_conflict: replace

    - name: Reserve the next free address of a scope, or the one that the client already has there
      msrpc.dhcp.dhcp_reservation_lease:
        scope: 192.0.2.0
        mac_address: "00:1c:25:80:a0:53"
        name: camera-1
      register: camera

    - name: Show which address that is
      ansible.builtin.debug:
        var: camera.client.ip_address

    - name: Declare all reservations of a scope, and remove every other one
      msrpc.dhcp.dhcp_reservation_lease:
        scope: 192.0.2.0
        clients:
          - {ip_address: 192.0.2.42, mac_address: "00:1c:25:80:a0:52", name: printer-3}
          - {ip_address: 192.0.2.43, client_id: "ff00112233000200000ab1", name: router-1}
          - {mac_address: "00:1c:25:80:a0:53", name: camera-1}
        purge: true
        purge_limit: 5
"""

RETURN = r"""
client:
  description: The client and its outcome, if a single one was declared.
  returned: success or failure, if O(clients) is not used and the server could be read
  type: dict
  sample: &client
    action: created
    active_until: null
    client_id: 001c2580a043
    description: First floor
    ip_address: 192.0.2.40
    lease_expires: null
    mac_address: 00:1c:25:80:a0:43
    name: printer-1.example.com
    pending: []
    scope: 192.0.2.0
    type: reservation
  contains: &contains
    ip_address:
      description: The client's IPv4 address.
      type: str
      returned: success or failure
    mac_address:
      description: The client's MAC address; null if its identifier is none.
      type: str
      returned: success or failure
    client_id:
      description: The client identifier in hexadecimal.
      type: str
      returned: success or failure
    scope:
      description: Subnet address of the client's scope.
      type: str
      returned: success or failure
    name:
      description: The name that the server has stored. Null if there is no record that could have one.
      type: str
      returned: success or failure
    description:
      description: The description that the server has stored. Null if there is no record that could have one.
      type: str
      returned: success or failure
    type:
      description: V(reservation) or V(lease).
      type: str
      returned: success or failure
    lease_expires:
      description: When the lease ends, in UTC, or V(never). Null for a reservation.
      type: str
      returned: success or failure
    active_until:
      description: When the current lease of a reserved client ends, in UTC, or V(never). Null if it has none.
      type: str
      returned: success or failure
    action:
      description:
        - What this task did for the client, or would do in check mode. One of V(created), V(updated), V(replaced),
          V(moved), V(removed) and V(none).
        - V(unknown) if a write was sent whose answer was lost and the server could not be read afterwards.
      type: str
      returned: success or failure
    pending:
      description:
        - Declared fields that are not stored yet, because the server has no record of this client at the address.
      type: list
      elements: str
      returned: success or failure
    error:
      description: Why the client failed.
      type: str
      returned: if the client failed
    before:
      description:
        - What was removed for the client before it failed, complete enough to make it again by hand. The keys of a
          client, C(allowed_client_types), and C(options) with C(option_id), C(user_class), C(vendor_class), C(vendor)
          and C(values).
        - RV(clients[].error) says whether it was put back.
      type: list
      elements: dict
      returned: if the client failed and something was, or may have been, removed for it
clients:
  description: All declared clients with their outcome, in the order of the input.
  returned: success or failure, if the server could be read
  type: list
  elements: dict
  sample: [*client]
  contains: *contains
purged:
  description:
    - The reservations that O(purge) has removed, would remove in check mode, or could not remove.
    - The keys are those of RV(clients[]).
  returned: success or failure, if O(purge) is used
  type: list
  elements: dict
  sample: []
diff:
  description:
    - The clients that change, before and after.
    - By address if O(clients) is used, or if a single client changes what is at more than one address.
  returned: success or failure, if the server could be read
  type: dict
  sample:
    before: {}
    after:
      client_id: 001c2580a043
      description: First floor
      ip_address: 192.0.2.40
      lease_expires: null
      mac_address: 00:1c:25:80:a0:43
      name: printer-1.example.com
      scope: 192.0.2.0
      type: reservation
rpc:
  description: What was sent to the server.
  returned: success or failure
  type: dict
  sample:
    calls: 11
    writes: 2
  contains:
    calls:
      description: Number of calls.
      type: int
      returned: success or failure
    writes:
      description: Number of these calls that could change something.
      type: int
      returned: success or failure
error_code:
  description: The server's code for the first error.
  returned: failure, if the server gave a code
  type: int
  sample: 20022
error_name:
  description: The specification's name for RV(error_code), or its number in hexadecimal if it has none.
  returned: failure, if the server gave a code
  type: str
  sample: ERROR_DHCP_RESERVEDIP_EXITS
rpc_call:
  description: The call that returned RV(error_code), or V(bind) if it was the logon.
  returned: failure, if the server gave a code
  type: str
  sample: R_DhcpAddSubnetElementV5
"""

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import RESERVATION_LEASE
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import run
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease


def main() -> None:
    """Entry point."""
    run(RESERVATION_LEASE, reservation_lease)


if __name__ == "__main__":
    main()
