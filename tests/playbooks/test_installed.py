# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user gets who installs the collection: the tarball, without the checkout within reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from ansible_collections.msrpc.dhcp.tests.playbooks.running import HERE, Run, program
from ansible_collections.msrpc.dhcp.tests.playbooks.support import MODULE, Workplace, task

CHECKOUT = HERE.resolve().parents[1]
# What work in a checkout leaves behind.
LEFTOVERS = (
    ".ansible/tmp/left",
    ".build/left",
    ".git/left",
    ".hypothesis/left",
    ".mypy_cache/left",
    ".pytest_cache/left",
    ".ruff_cache/left",
    ".venv/left",
    "changelogs/.plugin-cache.yaml",
    "msrpc-dhcp-0.0.1.tar.gz",
    "plugins/modules/__pycache__/left.pyc",
    "tests/output/left",
)


def copy_checkout(target: Path) -> None:
    """The files that git knows or would add; ``safe.directory`` since a container's checkout may be another user's."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    git = ["git", "-c", "safe.directory=*", "-C", str(CHECKOUT)]
    listing = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True, env=env).stdout.split("\0"):
        if name and (CHECKOUT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that never saw the collection."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tarball(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, built from a checkout in which somebody has worked."""
    source, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    copy_checkout(source)
    for name in LEFTOVERS:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("left", encoding="utf-8")
    built = program("ansible-galaxy", "collection", "build", "--output-path", dist, source, home=home)
    assert built.returncode == 0, built.stdout
    (found,) = dist.iterdir()
    return found


@pytest.fixture(scope="module")
def members(tarball: Path) -> set[str]:
    """The files in the tarball."""
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


@pytest.fixture(scope="module")
def installed(home: Path, tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables that lead to the installed collection, and to no other."""
    path = tmp_path_factory.mktemp("collections")
    env = {"ANSIBLE_COLLECTIONS_PATH": str(path), "PYTHONPATH": ""}
    command = ["collection", "install", "--offline", "--collections-path", str(path), str(tarball)]
    done = program("ansible-galaxy", *command, home=home, env=env)
    assert done.returncode == 0, done.stdout
    return env


@pytest.fixture(scope="module")
def run(workplace: Workplace, installed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A playbook against the simulator, from a directory that has nothing to do with either."""
    client = {"ip_address": "10.0.0.20", "mac_address": "00:1c:25:80:a0:43"}
    # In the worker, and as a module.
    tasks = [task("first", client), task("second", client, environment={"PYTHONNOUSERSITE": "1"})]
    return workplace.play(tasks, "-vvv", env=installed, cwd=tmp_path_factory.mktemp("elsewhere"))


def test_the_tarball_has_the_module(members: set[str]) -> None:
    assert {"plugins/modules/dhcp_reservation_lease.py", "meta/runtime.yml", "LICENSE", "README.md"} <= members


@pytest.mark.parametrize("name", LEFTOVERS)
def test_the_tarball_has_no_leftovers(members: set[str], name: str) -> None:
    assert name not in members


def test_the_installed_module_declares(run: Run) -> None:
    assert (run.status, run["first"].changed, run["second"].changed) == (0, True, False)


def test_it_is_the_installed_collection_that_ran(run: Run, installed: dict[str, str]) -> None:
    path = f"{installed['ANSIBLE_COLLECTIONS_PATH']}/ansible_collections/msrpc/dhcp/plugins"
    assert f"Using action file {path}/action/dhcp_reservation_lease.py" in run.output
    assert f"Using module file {path}/modules/dhcp_reservation_lease.py" in run.output


def test_the_documentation_of_the_installed_module_prints(home: Path, installed: dict[str, str]) -> None:
    shown = program("ansible-doc", "--type", "module", MODULE, home=home, env=installed)
    assert (shown.returncode, "connect_timeout" in shown.stdout) == (0, True)
