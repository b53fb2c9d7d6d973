# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Kerberos realm on loopback: MIT's KDC with a database, principals, keytabs and tickets in a temporary directory.

::

    with Realm(directory) as realm:
        realm.add("host/dhcp1.example.com")
        realm.add("dhcp-admin", password="secret")
        realm.write_keytab(directory / "server.keytab", "host/dhcp1.example.com")
        realm.write_ticket(directory / "tickets", "dhcp-admin", password="secret")
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD, default_accounts

PROGRAMS = ("kdb5_util", "kadmin.local", "krb5kdc")
PATIENCE = 20.0
_SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"))

CLIENT = """\
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
{more}
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
"""
KDC = """\
[kdcdefaults]
  kdc_listen = 127.0.0.1:{port}
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {directory}/principal
    key_stash_file = {directory}/stash
    acl_file = {directory}/acl
    max_life = 1h
    supported_enctypes = {encryption}
  }}
[logging]
  kdc = FILE:{directory}/kdc.log
  default = FILE:{directory}/kdc.log
"""


def missing() -> str | None:
    """What a realm needs and this machine does not have, None if nothing."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_SEARCHED) is None]
    if absent:
        return f"there is no {', '.join(absent)} (packages krb5-kdc and krb5-admin-server)"
    try:
        import gssapi  # noqa: F401, PLC0415
        import krb5  # noqa: F401, PLC0415
    except ImportError as exc:
        return f"the Python packages gssapi and krb5 cannot be imported ({exc}; pip install pyspnego[kerberos])"
    return None


def free_port() -> int:
    """A port that nobody has, for UDP and TCP."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


# Keys of SERVICE are in the keytab "server", other ones of the same name in "impostor".
SERVICE = "host/dhcp1.example.com"
LOCAL_SERVICE = "host/localhost"
OTHER_SERVICE = "host/dhcp2.example.com"
WEAK_SERVICE = "host/weak.example.com"
# Accounts that the KDC refuses, by what they are; their password is right.
LOCKED, OVER, OUTDATED = "locked", "over", "outdated"


def populate(realm: Realm) -> None:
    """The accounts of every simulated server, some that may not log on, services, and keytabs."""
    for account in default_accounts():
        realm.add(account.username, "+requires_preauth", password=account.password)
    realm.add(LOCKED, "-allow_tix", password=DEFAULT_PASSWORD)
    realm.add(OVER, '-expire "2020-01-01"', password=DEFAULT_PASSWORD)
    realm.add(OUTDATED, '-pwexpire "2020-01-01"', password=DEFAULT_PASSWORD)
    realm.add(SERVICE)
    realm.write_keytab(realm.directory / "impostor.keytab", SERVICE)
    realm.administer(f"cpw -randkey {SERVICE}")
    for service in (LOCAL_SERVICE, OTHER_SERVICE, WEAK_SERVICE):
        realm.add(service)
    realm.administer(f"setstr {WEAK_SERVICE} session_enctypes arcfour-hmac")
    realm.write_keytab(realm.directory / "server.keytab", SERVICE, LOCAL_SERVICE)
    realm.write_keytab(realm.directory / "client.keytab", ADMINISTRATOR)


class Realm:
    """A realm whose KDC runs as long as the ``with`` block."""

    def __init__(
        self, directory: Path, *, name: str = "EXAMPLE.COM", encryption: str = "aes256-cts-hmac-sha1-96:normal"
    ) -> None:
        self.name = name
        self.directory = directory
        self.port = free_port()
        # KDC and library would allow RC4: it is the collection that does not.
        self.config = self.write_config(directory / "krb5.conf", more="allow_rc4 = true")
        values = {"realm": name, "directory": directory, "port": self.port, "encryption": encryption}
        (directory / "kdc.conf").write_text(KDC.format(**values), encoding="utf-8")
        (directory / "acl").touch()
        self._kdc: subprocess.Popen[bytes] | None = None

    def write_config(self, path: Path, *, port: int | None = None, realm: str | None = None, more: str = "") -> Path:
        """A krb5.conf, of this realm or, with another port or name, of one that is not there."""
        lines = "\n".join(f"  {line}" for line in more.splitlines())
        text = CLIENT.format(realm=realm or self.name, port=self.port if port is None else port, more=lines)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which this realm is the one, with neither tickets nor client keys."""
        return {
            "KRB5_CONFIG": str(self.config),
            "KRB5_KDC_PROFILE": str(self.directory / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{self.directory}/no-tickets",
            "KRB5_CLIENT_KTNAME": f"FILE:{self.directory}/no-keytab",
            "KRB5_KTNAME": f"FILE:{self.directory}/no-keytab",
            "KRB5RCACHEDIR": str(self.directory),
        }

    def __enter__(self) -> Self:
        self._run("kdb5_util", "create", "-s", "-r", self.name, "-P", "master")
        program = shutil.which("krb5kdc", path=_SEARCHED)
        with (self.directory / "kdc.out").open("wb") as output:
            self._kdc = subprocess.Popen(
                [str(program), "-n", "-r", self.name],
                env=os.environ | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kdc is not None:
            self._kdc.terminate()
            self._kdc.wait(PATIENCE)

    def _wait(self) -> None:
        """Until the KDC takes connections."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                ended = self._kdc is None or self._kdc.poll() is not None
                if ended or time.monotonic() > deadline:
                    told = (self.directory / "kdc.out").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"the KDC does not start: {told}") from None
                time.sleep(0.01)
            else:
                return

    def _run(self, program: str, *arguments: str, given: str = "") -> str:
        path = shutil.which(program, path=_SEARCHED)
        done = subprocess.run(
            [str(path), *arguments],
            env=os.environ | self.variables,
            input=given,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout + done.stderr

    # --- the database -------------------------------------------------------------------------------------------------

    def administer(self, *queries: str) -> str:
        """Queries to ``kadmin.local``."""
        return self._run("kadmin.local", "-r", self.name, given="".join(f"{query}\n" for query in queries))

    def add(self, principal: str, *options: str, password: str | None = None) -> None:
        """A principal, with a random key where there is no password."""
        key = "-randkey" if password is None else f'-pw "{password}"'
        self.administer(f"addprinc {' '.join(options)} {key} {principal}")

    def keytab(self, name: str) -> str:
        """One of the keytabs of ``populate``."""
        return f"FILE:{self.directory / name}.keytab"

    def write_keytab(self, path: Path, *principals: str) -> Path:
        """The keys of principals, as they are."""
        self.administer(*(f"ktadd -k {path} -norandkey {principal}" for principal in principals))
        return path

    # --- tickets ------------------------------------------------------------------------------------------------------

    def write_ticket(self, path: str | Path, principal: str, *, password: str, life: int = 600) -> str:
        """An initial ticket in a cache, which is of type FILE where the name does not say another."""
        import krb5  # noqa: PLC0415

        name = str(path) if ":" in str(path) else f"FILE:{path}"
        with changed_environment(self.variables):
            library = krb5.init_context()
            client = krb5.parse_name_flags(library, f"{principal}@{self.name}".encode())
            options = krb5.get_init_creds_opt_alloc(library)
            krb5.get_init_creds_opt_set_tkt_life(options, life)
            ticket = krb5.get_init_creds_password(library, client, options, password.encode())
            cache = krb5.cc_resolve(library, name.encode())
            krb5.cc_initialize(library, cache, client)
            krb5.cc_store_cred(library, cache, ticket)
            del cache
        return name

    def write_expired_ticket(self, path: Path, principal: str, *, password: str) -> str:
        """A ticket of which the cache says that it ended a minute ago; no KDC gives such a one."""
        name = self.write_ticket(path, principal, password=password, life=3540)
        data = path.read_bytes()
        begun = _find_times(data, life=3540)
        past = int(time.time()) - 60
        path.write_bytes(data[:begun] + struct.pack(">III", past - 600, past - 600, past) + data[begun + 12 :])
        return name

    def write_shifted_ticket(self, path: Path, principal: str, *, password: str, seconds: int) -> str:
        """A ticket in a cache that says that the KDC's clock is so many seconds ahead of this machine's."""
        name = self.write_ticket(path, principal, password=password)
        shift(path, seconds)
        return name


def shift(path: Path, seconds: int) -> None:
    """Let a cache say that the KDC's clock is so many seconds ahead of this machine's."""
    data = path.read_bytes()
    (length,) = struct.unpack_from(">H", data, 2)
    header = struct.pack(">HHii", 1, 8, seconds, 0)  # the tag DeltaTime
    path.write_bytes(data[:2] + struct.pack(">H", len(header)) + header + data[4 + length :])


def _find_times(data: bytes, *, life: int) -> int:
    """Where authtime, starttime and endtime of a cache's only ticket begin."""
    for place in range(len(data) - 12):
        auth, start, end = struct.unpack_from(">III", data, place)
        if auth > 1_000_000_000 and start in (0, auth) and 0 < end - auth <= life:
            return place
    raise ValueError("no ticket in the cache")


@contextmanager
def changed_environment(variables: dict[str, str]) -> Iterator[None]:
    """Variables for this block; the Kerberos library reads them whenever it is asked for a context."""
    before: dict[str, Any] = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
