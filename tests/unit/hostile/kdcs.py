# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks in the place of the KDC, whose errors nobody signs: away from Kerberos, to where NTLM is weaker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.kept import KeptConnections
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.reading import server_info
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import perform
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer
from ansible_collections.msrpc.dhcp.tests.kdc import changed_environment, free_port
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD
from ansible_collections.msrpc.dhcp.tests.unit.hostile.relay import PATIENCE
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    KERBEROS,
    NEGOTIATED_KERBEROS,
    NO_PROOF,
    SAID,
    SERVICE,
    SHORT,
    Attack,
    Mechanism,
    Stage,
)

# The columns of this table.
COLUMNS: dict[str, Mechanism] = {"auth=kerberos": KERBEROS, "auth=negotiate": NEGOTIATED_KERBEROS}
REMEDIES = ("Set auth=kerberos so that NTLM is never used", "or auth=ntlm where it is expected.")

_AS_REQ, _TGS_REQ = 0x6A, 0x6C  # the tags of RFC 4120 5.4.1
_UNKNOWN_CLIENT, _UNKNOWN_SERVICE = 6, 7  # RFC 4120 7.5.9


class Between:
    """Somebody on the way to a KDC, by UDP: ``answer`` makes an answer up; where it makes none, the KDC is asked.

    Without a KDC nothing is answered then.
    """

    def __init__(self, answer: Callable[[bytes], bytes | None], kdc: int | None) -> None:
        self._answer = answer
        self._kdc = kdc
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def port(self) -> int:
        """Where krb5.conf sends the client."""
        port: int = self._socket.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.sendto(b"", ("127.0.0.1", self.port))  # the end
        self._thread.join(PATIENCE)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            request, client = self._socket.recvfrom(65536)
            if not request:
                return
            answer = self._answer(request) or self._asked(request)
            if answer:
                with suppress(OSError):  # the client has gone
                    self._socket.sendto(answer, client)

    def _asked(self, request: bytes) -> bytes | None:
        """What the KDC says."""
        if self._kdc is None:
            return None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(PATIENCE)
            upstream.sendto(request, ("127.0.0.1", self._kdc))
            return upstream.recv(65536)


def task(stage: Stage, kept: KeptConnections | None = None, **given: Any) -> Answer:
    """``dhcp_server_info`` with a password, for the stage's mechanism."""
    params = {
        "server": stage.sim.host,
        "port": stage.relay.port,
        "endpoint_mapper_port": stage.mapper.port,
        "username": ADMINISTRATOR,
        "password": DEFAULT_PASSWORD,
        "auth": stage.mechanism.auth,
        "spn": SERVICE,
        "connect_timeout": PATIENCE,
        "request_timeout": PATIENCE,
    }
    return perform(server_info, params | given, check_mode=False, kept=kept)


def with_kdc(stage: Stage, port: int) -> dict[str, str]:
    """The environment in which the realm's KDC is at this port."""
    assert stage.keys is not None
    realm = stage.keys.realm
    return {"KRB5_CONFIG": str(realm.write_config(realm.directory / "attacked.conf", port=port))}


def refuses(code: int, tag: int, words: str) -> Callable[[Stage], str]:
    """An error that is made up for requests of one kind; the others reach the KDC."""

    def play(stage: Stage) -> str:
        assert stage.keys is not None
        error = krb_error(code)
        with Between(lambda request: error if request[0] == tag else None, stage.keys.realm.port) as between:
            return _verdict(stage, between.port, words)

    return play


def _silent(stage: Stage) -> str:
    with Between(lambda _request: None, None) as between:
        return _verdict(stage, between.port, "no answer within", connect_timeout=2 * SHORT)


def _closed(stage: Stage) -> str:
    return _verdict(stage, free_port(), "no KDC of EXAMPLE.COM can be reached")


def _verdict(stage: Stage, port: int, words: str, **given: Any) -> str:
    """The server is not even asked, or it is, by NTLM, and the user is told."""
    with changed_environment(with_kdc(stage, port)):
        answer = task(stage, **given)
    if answer.failure is not None:
        assert words in answer.failure
        assert answer.warnings == []
        assert not stage.sim.handshakes
        return NO_PROOF
    assert answer.values["mechanism"] == "ntlm"
    (warning,) = answer.warnings
    assert warning.startswith("NTLM was used instead of Kerberos. Cannot log on to 127.0.0.1")
    assert words in warning
    assert all(remedy in warning for remedy in REMEDIES)
    return SAID


def krb_error(code: int) -> bytes:
    """A KRB-ERROR (RFC 4120 5.9.1), which has no signature."""
    realm = _der(0x1B, b"EXAMPLE.COM")
    name = _der(0x30, _der(0xA0, b"\2\1\2") + _der(0xA1, _der(0x30, _der(0x1B, b"krbtgt") + realm)))
    fields = {
        0: b"\2\1\5",
        1: b"\2\1\x1e",
        4: _der(0x18, b"20260101000000Z"),
        5: b"\2\1\0",
        6: _der(2, bytes((code,))),
        9: realm,
        10: name,
    }
    return _der(0x7E, _der(0x30, b"".join(_der(0xA0 | number, content) for number, content in fields.items())))


def _der(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


KDCS = tuple(
    Attack(name=name, play=play, verdict=NO_PROOF, but={NEGOTIATED_KERBEROS.key: SAID})
    for name, play in {
        "made up: the account is unknown (KRB-ERROR 6)": refuses(
            _UNKNOWN_CLIENT, _AS_REQ, "does not know the account dhcp-admin@EXAMPLE.COM"
        ),
        "made up: the service is unknown (KRB-ERROR 7)": refuses(
            _UNKNOWN_SERVICE, _TGS_REQ, f"does not know the service {SERVICE}"
        ),
        "silence": _silent,
        "cannot be reached": _closed,
    }.items()
)
