# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of everything that reads share: a simulated site, modules run in this process, programs of Ansible's."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import connection
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Endpoint
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    DEFAULT_PASSWORD,
    READER,
    Failover,
    Settings,
    Site,
    address,
    record,
    reservation,
    scope,
)

MODULES = "ansible_collections.msrpc.dhcp.plugins.modules."
# Not resolved: the directory that holds `ansible_collections` may be one of links.
TREE = Path(__file__).parents[5]
LONGEST = 120  # seconds that a program may take
LATER = "2099-01-01T00:00:00Z"

PRINTER = "00:1c:25:80:a0:43"
LAPTOP = "00:1c:25:80:a0:44"
GHOST = "00:1c:25:80:a0:45"
SENSOR = "ff00112233000200000ab1"
LONG = "ab" * 64


def site(**settings: Any) -> Site:
    """Two scopes; the printer is in both, as a reservation and as a lease."""
    return Site(
        scopes=(
            scope(
                "192.0.2.0",
                name="Office",
                comment="First floor",
                exclusions=(("192.0.2.100", "192.0.2.109"),),
                records=(
                    record("192.0.2.40", PRINTER, name="printer-1.example.com", comment="Copies", expires=0),
                    record("192.0.2.50", LAPTOP, name="laptop", expires=LATER),
                    record("192.0.2.60", LONG, state=0x82, client_type=0xEE, name=None),
                ),
                reservations=(reservation("192.0.2.40", PRINTER), reservation("192.0.2.41", GHOST)),
            ),
            scope(
                "198.51.100.0",
                25,
                enabled=False,
                records=(
                    record("198.51.100.40", PRINTER, name="PRINTER-1", expires=LATER),
                    record("198.51.100.41", SENSOR, expires=LATER),
                ),
            ),
        ),
        failover=(
            Failover(
                name="dhcp1-dhcp2",
                primary_server=address("203.0.113.1"),
                secondary_server=address("203.0.113.2"),
                primary_server_name="dhcp1.example.com",
                secondary_server_name="dhcp2.example.com",
                shared_secret="canary-secret",
                scopes=(address("192.0.2.0"),),
            ),
        ),
        settings=Settings(**settings),
    )


def account(sim: Simulator, username: str = READER) -> dict[str, Any]:
    """The connection options of a module."""
    return {
        "server": sim.host,
        "port": sim.port,
        "username": username,
        "password": DEFAULT_PASSWORD,
        "connect_timeout": 10,
        "request_timeout": 10,
    }


def gateway(sim: Simulator, username: str = READER) -> DhcpServer:
    """The gateway, with a real connection and logon."""
    endpoint = Endpoint(server=sim.host, port=sim.port)
    credentials = Credentials(auth="ntlm", username=username, password=DEFAULT_PASSWORD)
    return DhcpServer(lambda: connection.connect(endpoint, credentials, (DHCPSRV, DHCPSRV2)))


def run_module(name: str, options: Mapping[str, Any], *, check: bool = False) -> dict[str, Any]:
    """What a module of this name prints; ``failed`` is in it where it fails."""
    printed = StringIO()
    main = importlib.import_module(f"{MODULES}{name}").main
    arguments = patch_module_args({**options, "_ansible_check_mode": check})
    with arguments, redirect_stdout(printed), pytest.raises(SystemExit):
        main()
    answer: dict[str, Any] = json.loads(printed.getvalue())
    return answer


def ask(sim: Simulator, name: str, **options: Any) -> dict[str, Any]:
    """A module's answer as the account that may only read, which must not fail and must not write."""
    answer = run_module(name, {**account(sim), **options})
    assert "failed" not in answer, answer
    assert answer["changed"] is False
    assert sim.writes == 0
    return answer


def program(name: str, *arguments: str | Path, home: Path, env: Mapping[str, str] | None = None) -> str:
    """What a program of Ansible's prints, that stands beside this interpreter and must succeed."""
    (home / "ansible.cfg").touch()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MSRPC_DHCP_"))}
    ended = subprocess.run(
        [Path(sys.executable).with_name(name), *arguments],
        cwd=home,
        env={
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(TREE),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_NOCOLOR": "1",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            **(env or {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout
