# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The warning that NTLM was used although a KDC was asked: when it comes, how often, and when not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.kept import KeptConnections
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.runner import perform
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible.use_case import Answer, Job
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.kdc import changed_environment, free_port, missing
from ansible_collections.msrpc.dhcp.tests.simulator.site import ADMINISTRATOR, DEFAULT_PASSWORD
from ansible_collections.msrpc.dhcp.tests.unit.hostile.kdcs import task, with_kdc
from ansible_collections.msrpc.dhcp.tests.unit.hostile.stage import (
    NEGOTIATED_KERBEROS,
    PATIENCE,
    SERVICE,
    Keys,
    Stage,
    keys,
    stage,
)

UNKNOWN = {"spn": "host/elsewhere.example.com"}


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    if missing():
        pytest.skip(f"environment: {missing()}")
    with keys(tmp_path_factory.mktemp("realm")) as found:
        yield found


@pytest.fixture
def ground(domain: Keys) -> Iterator[Stage]:
    with stage(NEGOTIATED_KERBEROS, domain) as found:
        yield found


def test_kerberos_is_no_warning(ground: Stage) -> None:
    answer = task(ground)
    assert (answer.values["mechanism"], answer.warnings) == ("kerberos", [])


def test_a_logon_that_fails_is_warned_of_as_well(ground: Stage) -> None:
    """The proof of the password has been sent."""
    answer = task(ground, username="nobody-here")
    assert "by NTLM in SPNEGO" in (answer.failure or "")
    assert [warning[:37] for warning in answer.warnings] == ["NTLM was used instead of Kerberos. Ca"]


def test_every_item_over_a_kept_connection_is_warned_of(ground: Stage) -> None:
    kept = KeptConnections()
    try:
        answers = [task(ground, kept, **UNKNOWN) for _item in range(3)]
    finally:
        kept.close()
    assert ground.sim.handshakes["bind"] == 1
    assert [len(answer.warnings) for answer in answers] == [1, 1, 1]


def test_many_connections_of_a_task_are_one_warning_and_the_last_one_still_knows(ground: Stage) -> None:
    kept = KeptConnections()

    def reconnecting(_params: Any, /, *, check_mode: bool) -> Job:
        del check_mode

        def job(server: DhcpServer) -> Answer:
            server.version()
            server.close()
            server.version()
            return Answer(values={"changed": False})

        return job

    params = {
        "server": ground.sim.host, "port": ground.relay.port, "endpoint_mapper_port": ground.mapper.port,
        "username": ADMINISTRATOR, "password": DEFAULT_PASSWORD, "auth": "negotiate",
        "connect_timeout": PATIENCE, "request_timeout": PATIENCE, **UNKNOWN,
    }  # fmt: skip
    try:
        first = perform(reconnecting, params, check_mode=False, kept=kept)
        second = task(ground, kept, **UNKNOWN)
    finally:
        kept.close()
    assert ground.sim.handshakes["bind"] == 2
    assert [len(answer.warnings) for answer in (first, second)] == [1, 1]


NOT_HERE: dict[str, tuple[dict[str, Any], str]] = {
    "a server by its address": ({"spn": None}, ""),
    "no default realm": ({}, "[libdefaults]\n"),
    "no KDC": ({}, "[libdefaults]\ndefault_realm = EXAMPLE.COM\ndns_lookup_kdc = false\n"),
    "no configuration that can be read": ({}, "[libdefaults\n}"),
}


@pytest.mark.parametrize(("given", "config"), NOT_HERE.values(), ids=NOT_HERE)
def test_a_machine_that_has_no_kerberos_to_ask_is_not_warned(ground: Stage, given: dict[str, Any], config: str) -> None:
    variables = {}
    if config:
        path = ground.keys.realm.directory / "not-here.conf" if ground.keys else None
        assert path is not None
        path.write_text(config, encoding="utf-8")
        variables = {"KRB5_CONFIG": str(path)}
    with changed_environment(variables):
        answer = task(ground, **given)
    assert answer.values["mechanism"] == "ntlm"
    assert answer.values["without_kerberos"]
    assert answer.warnings == []


def test_an_unknown_domain_is_not_warned_of(ground: Stage) -> None:
    """It can be the name of the server itself; whose account it is only the server knows."""
    assert task(ground, username=f"ELSEWHERE\\{ADMINISTRATOR}").warnings == []


@pytest.mark.parametrize("auth", ["ntlm", "kerberos"])
def test_who_says_which_of_the_two_is_meant_is_not_warned(ground: Stage, auth: str) -> None:
    with changed_environment(with_kdc(ground, free_port())):
        answer = task(ground, auth=auth, spn=SERVICE)
    assert (answer.failure is None) == (auth == "ntlm")
    assert answer.warnings == []
