# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The open questions, answered by the server that is asked. A simulator answers what its settings say."""

from __future__ import annotations

import pytest

from ansible_collections.msrpc.dhcp.tests.conformance.contract.ground import Ground
from ansible_collections.msrpc.dhcp.tests.conformance.contract.places import SERVERS, SIMULATORS, simulated_place, site
from ansible_collections.msrpc.dhcp.tests.conformance.contract.questions import QUESTIONS, Answer, ask, table
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Settings


@pytest.mark.parametrize("topic", QUESTIONS)
def test_the_server_has_an_answer(answers: dict[str, str], topic: str) -> None:
    assert answers[topic]
    assert not answers[topic].startswith("Not answered") or topic == "renewal"


def test_taken_is_answered_by_a_code_that_the_collection_takes_for_it(answers: dict[str, str]) -> None:
    codes = {answers[topic].split()[0] for topic in ("address taken", "client taken")}
    assert codes <= {"20013", "20014"}


def test_identifiers_come_in_a_form_that_the_collection_reads(answers: dict[str, str]) -> None:
    forms = [answer for topic, answer in answers.items() if topic.startswith("form of")]
    assert [form for form in forms if form.startswith("Neither")] == []


def test_a_reserved_record_is_not_deleted(answers: dict[str, str]) -> None:
    assert answers["reserved record"].split()[0] == "20019"


def test_a_question_that_goes_wrong_keeps_no_other_from_being_asked() -> None:
    with Simulator(site(Settings())) as simulator:
        simulator.faults.add("R_DhcpSetClientInfoVQ", fault=0x1C010002)
        found = {each.topic: each.answer for each in ask(Ground.claim(simulated_place(simulator)))}
    assert found.keys() == QUESTIONS.keys()
    assert found["set vq"].startswith("Not answered: ")
    assert found["reserved record"].startswith("20019")


def test_an_answer_is_a_row_of_the_table() -> None:
    text = table([Answer("topic", "Is it so?", "Yes | no")], server="dhcp1.example.com")
    assert "| Is it so? | Yes \\| no |\n" in text


# What follows looks at the settings of a simulator, which a real server does not have.


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings | None:
    """Those of the simulator that is asked, None for a real server."""
    return SIMULATORS.get(request.node.callspec.params["place"])


def expect(settings: Settings | None, found: object, wanted: object) -> None:
    """Hold a simulator to its settings; a real server has answered whatever it did."""
    assert settings is None or found == wanted


def test_the_simulator_is_asked_unless_a_scratch_scope_is_named() -> None:
    assert SERVERS in (["real"], list(SIMULATORS))


def test_the_code_of_a_simulator_is_found_out(answers: dict[str, str], settings: Settings | None) -> None:
    code = int(answers["address taken"].split()[0])
    expect(settings, code, settings and settings.exists_code)


def test_the_form_of_a_simulator_is_found_out(answers: dict[str, str], settings: Settings | None) -> None:
    form = "bare" if answers["form of get"].startswith("Bare") else "unique"
    expect(settings, form, settings and settings.id_form)


def test_whether_45_sets_names_is_found_out(answers: dict[str, str], settings: Settings | None) -> None:
    expect(settings, answers["set vq"].startswith("Name: yes, comment: yes"), settings and settings.set_vq_names)


def test_where_44_creates_is_found_out(answers: dict[str, str], settings: Settings | None) -> None:
    expect(settings, answers["create outside"] == "0", settings and settings.create_outside_range == "subnet")


def test_a_server_without_120_is_no_obstacle(answers: dict[str, str], settings: Settings | None) -> None:
    older = answers["held back"].startswith("Not asked")
    expect(settings, older, settings and settings.generation == "2008r2")
