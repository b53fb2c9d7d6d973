# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The libraries that the module needs are not there, or not as they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import TREE, Run
from ansible_collections.msrpc.dhcp.tests.playbooks.support import Workplace, task

CLIENT = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}


def shadow(folder: Path, package: str, distribution: str, version: str) -> dict[str, str]:
    """The variables of a task that finds a broken package of this version before the real one."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text("raise ImportError('broken on purpose')\n", encoding="utf-8")
    metadata = folder / f"{distribution}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {distribution}\nVersion: {version}\n", encoding="utf-8")
    return {"PYTHONPATH": f"{folder}:{TREE}"}


@pytest.fixture(scope="module")
def run(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A task for each way in which a library can be amiss."""
    folder = tmp_path_factory.mktemp("shadow")
    amiss = {
        "impacket is broken": shadow(folder / "1", "impacket", "impacket", "0.13.5"),
        "impacket is too old": shadow(folder / "2", "impacket", "impacket", "0.12.0"),
        "pyspnego is broken": shadow(folder / "3", "spnego", "pyspnego", "0.12.5"),
        "pyspnego is too old": shadow(folder / "4", "spnego", "pyspnego", "0.11.2"),
    }
    tasks = [task(name, CLIENT, environment=env, ignore_errors=True) for name, env in amiss.items()]
    ended = workplace.play(tasks)
    assert ended.status == 0, ended.output
    return ended


@pytest.mark.parametrize("library", ["impacket", "pyspnego"])
class TestLibrary:
    """What a user reads."""

    @pytest.mark.parametrize("state", ["broken", "too old"])
    def test_the_message_names_library_and_interpreter(self, run: Run, library: str, state: str) -> None:
        message = run[f"{library} is {state}"].values["msg"]
        assert f"Failed to import the required Python library ({library}>=" in message

    def test_a_broken_library_is_told_from_an_old_one(self, run: Run, library: str) -> None:
        assert "cannot be imported" in run[f"{library} is broken"].values["msg"]

    def test_an_old_library_is_named_with_its_version(self, run: Run, library: str) -> None:
        message = run[f"{library} is too old"].values["msg"]
        assert "is installed, which is too old" in message

    def test_nothing_is_asked_of_the_server(self, run: Run, library: str) -> None:
        assert [run[f"{library} is {state}"].calls for state in ("broken", "too old")] == [0, 0]
