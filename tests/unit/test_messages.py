# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every message of the sources is explained on docs/messages.md, and nothing else is."""

from __future__ import annotations

import re

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import status
from ansible_collections.msrpc.dhcp.tests.messages import PAGE, Catalogue, Message, messages, of_source, page

COMMAND = "python -m ansible_collections.msrpc.dhcp.tests.messages"
# Words of the protocol and of the code that no user has to know.
JARGON = re.compile(
    r"\bPDUs?\b|\bverifier\b|presentation context|\bstub\b|\bhandle\b|\brefs?\b|sec_trailer|\bopnum\b", re.IGNORECASE
)


def collected(source: str) -> list[str]:
    return [message.text for message in of_source(source, "x.py")]


@pytest.fixture(name="catalogue")
def the_catalogue() -> Catalogue:
    return Catalogue.load()


# --- the page ---------------------------------------------------------------------------------------------------------


def test_every_message_is_explained(catalogue: Catalogue) -> None:
    assert [message for message in messages() if catalogue.entry_of(message) is None] == []


def test_every_explanation_has_its_message(catalogue: Catalogue) -> None:
    used = {id(catalogue.entry_of(message)) for message in messages()}
    assert [entry for entry in catalogue.entries if id(entry) not in used] == []


def test_the_page_is_the_one_that_is_made_of_them() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"run {COMMAND}"


def test_every_code_of_the_server_is_on_the_page() -> None:
    for code, (name, _sentence) in status._CODES.items():
        assert f"| {code} | {name} |" in page()


# --- the messages -----------------------------------------------------------------------------------------------------


def test_no_message_has_words_that_only_the_code_knows() -> None:
    texts = [message.text for message in messages()] + [sentence for _name, sentence in status._CODES.values()]
    assert [text for text in texts if JARGON.search(text)] == []


def test_what_says_cause_and_remedy_itself_is_more_than_one_clause(catalogue: Catalogue) -> None:
    """Whatever is not explained below it has to tell what to do: a second sentence, or what the option needs."""
    alone = {id(entry) for group in catalogue.groups for entry in group.entries if not entry.cause}
    texts = [message.text for message in messages() if id(catalogue.entry_of(message)) in alone]
    assert [text for text in texts if not re.search(r"[.:;,] |needs|such as", text)] == []


def test_every_code_comes_with_a_remedy() -> None:
    assert [
        code for code, (_name, sentence) in status._CODES.items() if sentence.count(". ") + sentence.count(": ") < 1
    ] == []


# --- the collector ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('raise DhcpError("Too short")', ["Too short"]),
        ('raise Conflict(f"Not {item.address} in {state.scope}")', ["Not <address> in <scope>"]),
        ('InvalidInput(option, value, "is empty.")', ["is empty."]),
        ('warnings.append(f"{len(found)} of them are left.")', ["<found> of them are left."]),
        ('x = {5: "the KDC refuses {client} again"}', ["the KDC refuses <client> again"]),
        ('with translated(BadReply, "no token"): pass', ["no token"]),
        ("f\"{a or 'nothing of it was there'} at all, so wait\"", ["<a> at all, so wait", "nothing of it was there"]),
        ('"""A docstring of more than four words."""', []),
        ('DOCUMENTATION = "a page of many words, and more"', []),
        ('raise LookupError("what only a programmer can see")', []),
        ('Item: TypeAlias = "Present | Absent | Unplaced"', []),
        ('x = "three words only"', []),
    ],
)
def test_a_sentence_is_collected_whichever_way_it_goes(source: str, texts: list[str]) -> None:
    assert collected(source if not source.startswith('f"') else f"x = {source}") == texts


def test_the_longest_beginning_counts(catalogue: Catalogue) -> None:
    entry = catalogue.entry_of(Message("_rpc/connection.py", 1, "the reply is larger than <MAX REPLY> bytes"))
    assert entry is not None
    assert entry.says == "the reply is larger than"
