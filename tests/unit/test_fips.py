# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Systems that refuse MD4, MD5 or RC4, as those in FIPS mode do: NTLM says so and names Kerberos, all else works.

What refuses is the real thing where this machine has it: OpenSSL, told to offer what is approved only, and
cryptography without OpenSSL's legacy algorithms. Each test is a process of its own, for they are told when they start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.kdc import Realm
from ansible_collections.msrpc.dhcp.tests.playbooks.running import TREE
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD, Settings
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import OURS, WANTED, site

LONGEST = 60  # seconds
ONLY_APPROVED = """\
openssl_conf = openssl_init
[openssl_init]
providers = provider_list
alg_section = algorithm_list
[provider_list]
default = default_provider
[default_provider]
activate = 1
[algorithm_list]
default_properties = fips=yes
"""
# What each system refuses of NTLM.
REFUSED = {
    "cryptography without legacy algorithms": ("RC4",),
    "OpenSSL with approved algorithms only": ("MD5", "RC4"),
    "Python in FIPS mode": ("MD5",),
}
# Python as distributions patch it for FIPS mode: neither MD5 nor keyed BLAKE2, unless it is for no security.
PYTHON_IN_FIPS_MODE = """
import hashlib

_new, _md5 = hashlib.new, hashlib.md5

def md5(data=b"", *, usedforsecurity=True):
    if usedforsecurity:
        raise ValueError("[digital envelope routines] unsupported")
    return _md5(data, usedforsecurity=False)

def new(name, data=b"", **more):
    return md5(data, **more) if name.lower() == "md5" else _new(name, data, **more)

def blake2b(*_arguments, **_more):
    raise ValueError("[digital envelope routines] unsupported")

hashlib.md5, hashlib.new, hashlib.blake2b = md5, new, blake2b
"""
# Two items of a loop in the worker, as the action plugin runs them.
TASKS = """
import json, sys
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import worker
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.argspec import RESERVATION_LEASE
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.writing import reservation_lease

checked = worker.check(RESERVATION_LEASE, json.loads(sys.argv[1]))
for _item in range(2):
    print(json.dumps(worker.perform(reservation_lease, checked, check_mode=False)))
"""


@pytest.fixture(params=REFUSED)
def system(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def sim(realm: Realm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    """A server with a key, in a realm in which this process has neither ticket nor keytab."""
    for name, value in (realm.variables | {"KRB5CCNAME": f"FILE:{tmp_path}/tickets"}).items():
        monkeypatch.setenv(name, value)
    with Simulator(site(Settings(keytab=realm.keytab("server")))) as simulator:
        yield simulator


@pytest.fixture
def plain_sim() -> Iterator[Simulator]:
    """A server without a key, in no realm."""
    with Simulator(site()) as simulator:
        yield simulator


def perform(system: str, folder: Path, sim: Simulator, **options: Any) -> list[dict[str, Any]]:
    """The results of two equal tasks on such a system."""
    account = {"username": ADMINISTRATOR, "password": DEFAULT_PASSWORD, "ip_address": WANTED, "mac_address": OURS}
    given = {"server": "127.0.0.1", "port": sim.port, **account, **options}
    configuration = folder / "openssl.cnf"
    configuration.write_text(ONLY_APPROVED, encoding="utf-8")
    environment = {
        "cryptography without legacy algorithms": {"CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"},
        "OpenSSL with approved algorithms only": {"OPENSSL_CONF": str(configuration)},
    }
    text = (PYTHON_IN_FIPS_MODE if system == "Python in FIPS mode" else "") + TASKS
    ended = subprocess.run(
        [sys.executable, "-c", text, json.dumps(given)],
        env={**os.environ, "PYTHONPATH": str(TREE), **environment.get(system, {})},
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_ntlm_names_what_the_system_refuses(plain_sim: Simulator, tmp_path: Path, system: str, auth: str) -> None:
    message = perform(system, tmp_path, plain_sim, auth=auth)[0]["msg"]
    assert f"NTLM needs {' and '.join(REFUSED[system])}, which this system refuses" in message


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_ntlm_names_kerberos_as_the_remedy(plain_sim: Simulator, tmp_path: Path, system: str, auth: str) -> None:
    message = perform(system, tmp_path, plain_sim, auth=auth)[0]["msg"]
    assert "Use Kerberos: install pyspnego[kerberos] and set auth=kerberos." in message


def test_negotiate_says_why_it_was_not_kerberos(plain_sim: Simulator, tmp_path: Path, system: str) -> None:
    message = perform(system, tmp_path, plain_sim, auth="negotiate")[0]["msg"]
    assert "Kerberos was tried before: Kerberos needs the name of the server, and 127.0.0.1 is an address." in message


def test_no_logon_is_begun_by_ntlm(plain_sim: Simulator, tmp_path: Path, system: str) -> None:
    perform(system, tmp_path, plain_sim, auth="ntlm")
    assert plain_sim.handshakes == {}


@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
def test_kerberos_works(sim: Simulator, tmp_path: Path, system: str, auth: str) -> None:
    results = perform(system, tmp_path, sim, auth=auth, server="localhost")
    assert [result.get("msg") or result["client"]["action"] for result in results] == ["created", "none"]


def test_the_endpoint_mapper_is_asked_as_ever(sim: Simulator, tmp_path: Path, system: str) -> None:
    where = {"server": "localhost", "port": None, "endpoint_mapper_port": sim.endpoint_mapper_port}
    assert perform(system, tmp_path, sim, auth="kerberos", **where)[0]["changed"]


def test_a_system_that_has_them_all_uses_ntlm(plain_sim: Simulator, tmp_path: Path) -> None:
    assert perform("any", tmp_path, plain_sim, auth="ntlm")[0]["changed"]
