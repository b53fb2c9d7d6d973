# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Kerberos with the system's library, in DCE style (RFC 4120, RFC 4121, MS-KILE 3.4.5.1).

The packages gssapi and krb5, which pyspnego's extra ``kerberos`` brings, are used directly: pyspnego asks for the
service under a name that DNS may have changed, takes a KDC's refusal for a reason to try NTLM, and has no time limit.
"""

from __future__ import annotations

import copy
import ipaddress
import queue
import re
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    DhcpError,
    InvalidInput,
    LogonFailed,
    NoKerberos,
    SecurityError,
    TimedOut,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.channel import Deadline
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.foreign import translated
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.kerberos_errors import Case, error_of, explain

try:
    import gssapi
    import krb5
    from gssapi.raw import (
        IOV,
        GSSError,
        IOVBufferType,
        inquire_sec_context_by_oid,
        krb5_set_allowable_enctypes,
        unwrap_iov,
        wrap_iov,
        wrap_iov_length,
    )
except ImportError:
    KERBEROS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    KERBEROS_IMPORT_ERROR = None

T = TypeVar("T")

# AES with SHA-1 and SHA-2 (RFC 3962, RFC 8009). DES and RC4 are not taken: every Windows that has the calls of this
# collection has AES, and a seal by RC4 is what Kerberos is chosen to get away from.
_ENCRYPTION_TYPES = (17, 18, 19, 20)
# GSS_C_INQ_SSPI_SESSION_KEY of MIT's library: the key, and its type as the last octet of an OID.
_SESSION_KEY = "1.2.840.113554.1.2.2.5.5"
# No client keytab: what it holds is asked for here, so that no ticket is stored on a disk.
_NO_KEYTAB = b"MEMORY:msrpc.dhcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A logon that is wanted. ``spn`` None means ``host/<server>``; without ``password`` a ticket or keytab is used."""

    server: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    spn: str | None = None

    @property
    def service(self) -> str:
        """The service principal name. Raises ``NoKerberos`` where there can be none."""
        if self.spn is None:
            if _is_address(self.server):
                raise NoKerberos(
                    f"Kerberos needs the name of the server, and {self.server} is an address. Set server to the name, "
                    "or spn to the server's service principal name (host/ and its full DNS name)."
                )
            return f"host/{self.server.rstrip('.')}"
        service, _slash, host = self.spn.partition("/")
        if not service or not host:
            raise InvalidInput(
                "spn", self.spn, "a service principal name has the form service/host, as host/dhcp1.example.com has."
            )
        return self.spn


class Kerberos:
    """One logon in DCE style: ``token`` is the AP-REQ, ``answer`` takes the AP-REP, then messages are sealed."""

    def __init__(self, context: Any, token: bytes) -> None:
        self.token = token
        self.token_size = 0
        self._context = context

    def answer(self, token: bytes) -> bytes:
        """The AP-REP that answers the server's. Raises unless that one proves that the server has the ticket's key."""
        with translated(SecurityError, "the server does not prove that it is the one that the ticket is for"):
            answer: bytes = self._context.step(token)
        self._settle()
        return answer

    def seal(self, header: bytes, body: bytes, trailer: bytes) -> tuple[bytes, bytes]:
        """Encrypt the body; the token returned signs all three in clear. A body is a multiple of 16 octets."""
        buffers = IOV(*_pieces(header, body, trailer), IOVBufferType.header, std_layout=False)
        if not wrap_iov(self._context, buffers, confidential=True):
            raise SecurityError("the Kerberos library signed the request, but did not encrypt it.")
        return buffers[1].value or b"", buffers[3].value or b""

    def unseal(self, header: bytes, body: bytes, trailer: bytes, token: bytes) -> bytes:
        """Decrypt the body. Raises the library's error for a wrong, repeated or overtaken message."""
        buffers = IOV(*_pieces(header, body, trailer), (IOVBufferType.header, False, token), std_layout=False)
        if not unwrap_iov(self._context, buffers).encrypted:
            raise SecurityError("the reply was signed, but not encrypted; nothing of it was believed.")
        return buffers[1].value or b""

    def sign(self, data: bytes) -> bytes:
        """A MIC of data."""
        mic: bytes = self._context.get_signature(data)
        return mic

    def verify(self, data: bytes, mic: bytes) -> None:
        """Raises the library's error unless it is the server's next MIC, of this data."""
        self._context.verify_signature(data, mic)

    def _settle(self) -> None:
        """Demand that the logon is over and has the strength that was asked for."""
        demanded = _flags()
        if not self._context.complete or self._context.actual_flags & demanded != demanded:
            raise SecurityError(
                "the server did not agree to all of mutual authentication, sealed messages and their order."
            )
        with translated(SecurityError, "the Kerberos library does not tell how messages are encrypted"):
            kind = inquire_sec_context_by_oid(self._context, gssapi.OID.from_int_seq(_SESSION_KEY))[1][-1]
            sizes = IOV(IOVBufferType.header, b"", std_layout=False)
            wrap_iov_length(self._context, sizes)
            self.token_size = len(sizes[0].value or b"")
        if kind not in _ENCRYPTION_TYPES:
            raise SecurityError(f"the server chose the encryption type {kind}, which is weaker than AES.")


def begin(wanted: Wanted, deadline: Deadline, seconds: float) -> Kerberos:
    """Get a ticket for the server, and from it the first token of a logon; the KDC has so many seconds for it.

    The Kerberos library has no time limit of its own, so a thread waits for it; past the deadline it is left alone.
    Raises ``NoKerberos`` where there is nobody to refuse it, ``LogonFailed`` where it was refused, else ``TimedOut``.
    """
    service = wanted.service
    if KERBEROS_IMPORT_ERROR is not None:
        raise NoKerberos(
            "Kerberos needs the Python packages gssapi and krb5, which cannot be imported. Install them with "
            "`pip install pyspnego[kerberos]`, where no wheel fits after the system's compiler and Kerberos headers "
            "(gcc and libkrb5-dev or krb5-devel)."
        )
    logon = _Beginning(wanted, Case(wanted.server, wanted.username, service, wanted.password is not None))
    deadline.doing = f"Asking the KDC for a ticket for {service}"
    return _in_time(logon.run, min(deadline.left(), seconds), logon.late)


class _Beginning:
    """The part of a logon that may ask the KDC. All of it runs in one thread: messages of the library belong to one."""

    def __init__(self, wanted: Wanted, case: Case) -> None:
        self._wanted = wanted
        self._case = case
        self._password = wanted.password
        self._cache: Any = None  # in memory, with what password or keytab gave

    def late(self, seconds: float) -> TimedOut:
        """The sentence when the time is over."""
        return TimedOut(
            f"{self._case.begin} no answer within {seconds:.3g} s while asking the KDC of {self._case.realm}. Check "
            "that it is up, that nothing drops packets to its port 88 (UDP and TCP), and the realm's entries in "
            "krb5.conf or DNS, or raise connect_timeout."
        )

    def run(self) -> Kerberos:
        """Ticket and token. Raises ``DhcpError``."""
        try:
            return self._run()
        except (GSSError, krb5.Krb5Error) as exc:
            raise explain(error_of(exc), self._case) from exc

    def _run(self) -> Kerberos:
        library = krb5.init_context()
        try:
            return self._first_token(self._credentials(library, self._principal()))
        finally:
            if self._cache is not None:
                krb5.cc_destroy(library, self._cache)  # a context that was made has what it needs of it

    def _first_token(self, credentials: Any) -> Kerberos:
        krb5_set_allowable_enctypes(credentials, _ENCRYPTION_TYPES)
        name = self._case.spn if "@" in self._case.spn else f"{self._case.spn}@"  # an empty realm: whoever knows it
        context = gssapi.SecurityContext(
            name=gssapi.Name(name, gssapi.NameType.kerberos_principal),
            creds=credentials,
            mech=gssapi.MechType.kerberos,
            flags=_flags(),
            usage="initiate",
        )
        context.__DEFER_STEP_ERRORS__ = False  # else what goes wrong is raised where nobody looks for it
        return Kerberos(context, context.step())

    def _credentials(self, library: Any, principal: str | None) -> Any:
        """By password; else from the user's tickets; else by keytab."""
        if self._password is not None:
            return self._initial(library, principal)
        keytab = _client_keytab(library)
        try:
            credentials = _from_cache(principal, None)
            if keytab is not None:
                credentials.lifetime  # noqa: B018  (asking is what looks for a ticket)
        except GSSError:
            if keytab is None:
                raise
            return self._initial(library, principal, keytab)
        return credentials

    def _principal(self) -> str | None:
        """The account as Kerberos writes it: realms of Windows domains are in capitals."""
        username = self._wanted.username
        if username is None:
            return None
        domain, backslash, user = username.rpartition("\\")
        if not backslash:
            user, _at, domain = username.partition("@")
        if "." in domain or (domain and not backslash):
            realm = domain.upper()
        else:
            realm = _default_realm()
            if domain and domain.upper() != realm.partition(".")[0].upper():
                raise NoKerberos(
                    f"{self._case.begin} it is not known which realm the domain {domain} is. Write username as "
                    "user@REALM, with the domain's DNS name in capitals."
                )
        self._case.realm = realm
        self._case.client = f"{user}@{realm}"
        return self._case.client

    def _initial(self, library: Any, principal: str | None, keytab: Any = None) -> Any:
        """An initial ticket by password, or by the key of a keytab, in a cache in memory."""
        self._case.by_keytab = keytab is not None
        if principal is None:
            entries = list(keytab)  # an entry takes its principal with it when it goes
            client = copy.copy(entries[0].principal)
            self._case.client = client.name.decode()
        else:
            client = krb5.parse_name_flags(library, _escaped(principal).encode())
        options = krb5.get_init_creds_opt_alloc(library)
        krb5.get_init_creds_opt_set_canonicalize(options, True)
        krb5.get_init_creds_opt_set_forwardable(options, False)
        if keytab is not None:
            ticket = krb5.get_init_creds_keytab(library, client, options, keytab)
        else:
            password = self._password or ""
            ticket = krb5.get_init_creds_password(library, client, options, password.encode("utf-8", "replace"))
        self._cache = krb5.cc_new_unique(library, b"MEMORY")
        krb5.cc_initialize(library, self._cache, ticket.client)
        krb5.cc_store_cred(library, self._cache, ticket)
        return _from_cache(None, self._cache)


def _default_realm() -> str:
    """The realm of this machine, for which DNS may be asked.

    By way of a name: gssapi lets other threads run meanwhile, the package krb5 does not, so no deadline would hold.
    """
    name = gssapi.Name("user", gssapi.NameType.kerberos_principal).canonicalize(gssapi.MechType.kerberos)
    return str(name).rpartition("@")[2]


def _from_cache(principal: str | None, cache: Any) -> Any:
    """Credentials from a cache of our own, else from the user's: the principal's, or those that fit the server."""
    store: dict[bytes | str, bytes | str] = {b"client_keytab": _NO_KEYTAB}
    if cache is not None:
        store[b"ccache"] = b"MEMORY:" + cache.name
    name = None
    if principal is not None:
        name = gssapi.Name(_escaped(principal), gssapi.NameType.kerberos_principal)
    return gssapi.Credentials(name=name, usage="initiate", mechs=[gssapi.MechType.kerberos], store=store)


def _client_keytab(library: Any) -> Any:
    """The keytab that ``KRB5_CLIENT_KTNAME`` or krb5.conf names for clients, None if there is none."""
    try:
        keytab = krb5.kt_client_default(library)
        return keytab if krb5.kt_have_content(library, keytab) else None
    except krb5.Krb5Error:
        return None


def _in_time(work: Callable[[], T], seconds: float, late: Callable[[float], TimedOut]) -> T:
    """What ``work`` returns or raises, if it does in time."""
    answer: queue.SimpleQueue[tuple[T | None, DhcpError | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            with translated(LogonFailed, "Kerberos failed in a way that nobody expects; report this error"):
                answer.put((work(), None))
        except DhcpError as exc:
            answer.put((None, exc))

    threading.Thread(target=run, name="msrpc.dhcp Kerberos", daemon=True).start()
    try:
        result, failure = answer.get(timeout=seconds)
    except queue.Empty:
        raise late(seconds) from None
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]  # there is no failure


def _flags() -> Any:
    """What is asked of the server and demanded of its answer (MS-RPCE 3.3.1.5.2.2). Nothing is delegated."""
    flag = gssapi.RequirementFlag
    return (
        flag.mutual_authentication
        | flag.confidentiality
        | flag.integrity
        | flag.replay_detection
        | flag.out_of_sequence_detection
        | flag.dce_style
    )


def _pieces(header: bytes, body: bytes, trailer: bytes) -> tuple[tuple[Any, bytes], ...]:
    return ((IOVBufferType.sign_only, header), (IOVBufferType.data, body), (IOVBufferType.sign_only, trailer))


def _escaped(principal: str) -> str:
    """A principal as the library parses it: only the last @ parts the realm, and a slash is part of the name."""
    user, _at, realm = principal.rpartition("@")
    return re.sub(r"([\\@])", r"\\\1", user) + f"@{realm}"


def _is_address(server: str) -> bool:
    try:
        ipaddress.ip_address(server.partition("%")[0])
    except ValueError:
        return False
    return True
