# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of `make test` and `make demo`, each in an environment of its own below .build.

Nothing here reads or writes the caller's ~/.ansible, and no setting of the caller's Ansible, pytest or git reaches the
tests. Two trees serve the tools: a symlink to the checkout for those that only read it, and a copy of what git knows
(and does not ignore) for those that walk through it, ansible-test first of all.
"""

from __future__ import annotations

import ast
import configparser
import contextlib
import fcntl
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import nox
from nox.command import CommandFailed

CHECKOUT = Path(__file__).resolve().parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
STATE = CHECKOUT / ".build" / PYTHON
TREE = CHECKOUT / ".build" / "tree"
COLLECTION = Path("ansible_collections", "msrpc", "dhcp")
COVERAGE = STATE / "coverage"
SUMMARY = STATE / "summary.txt"
SITE = CHECKOUT / ".build" / "docs"

# Caller's settings that would change what the tools do.
FOREIGN = ("ANSIBLE_", "COVERAGE_", "GIT_", "MOLECULE_", "MSRPC_DHCP_", "MYPY", "PYTEST_", "PYTHON")
# What is supported: 3.11 has ansible-core 2.19, the newer ones have 2.21.
PYTHONS = ("3.11", "3.12", "3.13")
# ansible-test passes over what it finds nothing for; these have something to find.
SANITY = {"ansible-doc", "compile", "import", "pep8", "pylint", "validate-modules", "yamllint"}
# What other tools leave behind.
LEFTOVERS = {".ansible", ".build", ".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".venv", "__pycache__"}
# What the contract suite has to be told, by way of the environment, so that no password is on a command line.
CONTRACT_NEEDS = ("MSRPC_DHCP_SERVER", "MSRPC_DHCP_USERNAME", "MSRPC_DHCP_PASSWORD", "MSRPC_DHCP_SCRATCH_SCOPE")

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.envdir = STATE / "nox"
nox.options.reuse_venv = "yes"


@nox.session(allow_parallel=True)
def tests(session: nox.Session) -> None:
    """All that pytest runs, playbooks among it, with coverage."""
    tools = ["ansible-builder", "coverage", "hypothesis", "molecule", "pytest", "PyYAML"]
    install(session, "-r", "requirements.txt", "ansible-core", *tools)
    bring_kerberos(session)
    report = STATE / "junit.xml"
    report.unlink(missing_ok=True)
    try:
        with no_process_left(session) as marker:
            env = environment(session) | measured(session) | marker
            session.run("python", "-m", "pytest", f"--junitxml={report}", *session.posargs, env=env)
    finally:
        if report.exists():
            SUMMARY.write_text(summary(report), encoding="utf-8")


@nox.session(allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Style, types, changelog and documentation."""
    linters = ["ansible-lint", "antsibull-changelog", "antsibull-docs", "mypy", "ruff", "types-PyYAML"]
    install(session, "-r", "requirements.txt", "ansible-core", "pytest", "PyYAML", *linters)
    packages = [".".join(COLLECTION.parts) + suffix for suffix in (".plugins", ".tests.simulator")]
    in_checkout = [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy", *(f"--package={package}" for package in packages)],
    ]
    in_copy = [
        ["antsibull-changelog", "lint"],
        ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=all", "."],
        ["ansible-lint"],
    ]
    failed = [command[0] for command in in_checkout if not passes(session, command)]
    with session.chdir(copy(session)):
        failed += [command[0] for command in in_copy if not passes(session, command)]
    if failed:
        session.error(f"Not content: {', '.join(dict.fromkeys(failed))}")


@nox.session(allow_parallel=True)
def sanity(session: nox.Session) -> None:
    """Ansible's own tests of a collection."""
    install(session, "ansible-core")
    env = environment(session)
    bring_pip(session, Path(env["HOME"]))
    with session.chdir(copy(session)):
        command = ["ansible-test", "sanity", "--local", "--python", PYTHON, *session.posargs]
        output = session.run(*command, env=env, silent=True) or ""
    print(output)
    ran = set(re.findall(r"^Running sanity test \"([\w-]+)\"", output, re.MULTILINE))
    if "All targets skipped" in output or not ran >= SANITY:
        session.error(f"ansible-test passed over what it should have tested: {', '.join(sorted(SANITY - ran))}")
    session.log(f"{len(ran)} sanity tests ran.")


@nox.session(allow_parallel=True)
def molecule(session: nox.Session) -> None:
    """The scenarios of extensions/molecule, with coverage."""
    if not list(CHECKOUT.glob("extensions/molecule/*/molecule.yml")):
        session.warn("There are no scenarios.")
        return
    install(session, "-r", "requirements.txt", "ansible-core", "coverage", "molecule", "PyYAML")
    with no_process_left(session) as marker:
        env = environment(session) | measured(session) | marker
        session.run("molecule", "test", "--all", *session.posargs, env=env)


@nox.session(requires=["tests", "molecule"], allow_parallel=True)
def coverage(session: nox.Session) -> None:
    """What pytest, the playbooks and molecule together have reached of plugins/."""
    install(session, "coverage")
    env = environment(session) | {"COVERAGE_FILE": str(COVERAGE / "data")}
    session.run("coverage", "combine", "--quiet", *map(str, COVERAGE.glob("*/")), env=env)
    session.run("coverage", "report", env=env)


@nox.session
def unit(session: nox.Session) -> None:
    """The quick ones, for the time between two changes."""
    install(session, "-r", "requirements.txt", "ansible-core", "hypothesis", "pytest", "PyYAML")
    bring_kerberos(session)
    paths = ["tests/unit", "tests/conformance"]
    session.run("python", "-m", "pytest", *paths, *session.posargs, env=environment(session))


@nox.session(allow_parallel=True)
def oldest(session: nox.Session) -> None:
    """What touches the libraries, with the oldest ones that requirements.txt allows. Elsewhere the newest are used."""
    required = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8")
    pinned = [f"{name}=={version}" for name, version in re.findall(r"^([\w-]+)>=([\d.]+)", required, re.MULTILINE)]
    install(session, *pinned, "ansible-core", "hypothesis", "pytest", "PyYAML")
    bring_kerberos(session)
    paths = ["tests/unit/_rpc", "tests/unit/simulator", "tests/unit/test_server.py", "tests/unit/test_module.py"]
    session.run("python", "-m", "pytest", *paths, *session.posargs, env=environment(session))


@nox.session(venv_backend="none")
def matrix(session: nox.Session) -> None:
    """Units, sanity and molecule with every interpreter that is here, and the oldest libraries."""
    found = {version: path for version in PYTHONS if (path := interpreter(version)) is not None}
    for version in PYTHONS:
        session.log(f"Python {version}: {found.get(version, 'not on this machine, so not tried')}")
    steps = [(version, [path, step]) for version, path in found.items() for step in ("unit", "sanity", "molecule")]
    failed = []
    for version, (path, step) in [*steps, (PYTHON, [sys.executable, "oldest"])]:
        try:
            session.run("make", "--no-print-directory", f"PYTHON={path}", step, external=True)
        except CommandFailed:
            failed.append(f"{step} with Python {version}")
    if failed:
        session.error(f"Failed: {', '.join(failed)}")


def interpreter(version: str) -> str | None:
    """A Python of that version that runs. Of pyenv, whose stubs may not, the real ones are looked at as well."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(name), *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True))]
    for candidate in filter(None, candidates):
        tried = subprocess.run([candidate, "-c", "import ensurepip, venv"], check=False, capture_output=True)
        if tried.returncode == 0:
            return candidate
    return None


@nox.session
def contract(session: nox.Session) -> None:
    """The contract suite in a scratch scope of a real server, which the caller's environment names."""
    missing = [name for name in CONTRACT_NEEDS if not os.environ.get(name)]
    if missing:
        session.error(
            f"Set {', '.join(missing)} to have a server asked. The scratch scope must be empty: the suite fills it and "
            "empties it again"
        )
    install(session, "-r", "requirements.txt", "ansible-core", "hypothesis", "pytest", "PyYAML")
    named = {name: value for name, value in os.environ.items() if name.startswith("MSRPC_DHCP_")}
    env = environment(session) | named
    session.run("python", "-m", "pytest", "tests/conformance/contract", *session.posargs, env=env)


@nox.session
def fuzz(session: nox.Session) -> None:
    """A fuzzer of everything that reads octets of a peer; without arguments it lists its targets."""
    install(session, "-r", "requirements.txt", "atheris>=3,<4", "ansible-core", "pytest", "PyYAML")
    command = ["python", "-m", "ansible_collections.msrpc.dhcp.tests.fuzz", *(session.posargs or ["--list"])]
    session.run(*command, env=environment(session))


@nox.session
def bench(session: nox.Session) -> None:
    """How long things take: tables, and whether the bars are met. docs/benchmarks.md says more."""
    install(session, "-r", "requirements.txt", "ansible-core", "PyYAML")
    with no_process_left(session) as marker:
        env = environment(session) | marker
        session.run("python", "-m", "ansible_collections.msrpc.dhcp.tests.benchmarks", *session.posargs, env=env)


@nox.session
def demo(session: nox.Session) -> None:
    """Two thousand reservations against the simulator."""
    install(session, "-r", "requirements.txt", "ansible-core", "PyYAML")
    with no_process_left(session) as marker:
        env = environment(session) | marker
        session.run("python", "-m", "ansible_collections.msrpc.dhcp.tests.demo", *session.posargs, env=env)


@nox.session(allow_parallel=True)
def docs(session: nox.Session) -> None:
    """The documentation site, below .build/docs. A warning is an error."""
    install(session, "ansible-core", "antsibull-docs", "myst-parser", "sphinx", "sphinx-ansible-theme")
    source, settings = STATE / "docs", CHECKOUT / "docs" / "docsite" / "sphinx"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(mode=0o700)  # antsibull-docs wants it to be nobody else's
    env = environment(session)
    collection = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", source, "msrpc.dhcp"]
    session.run("antsibull-docs", "--config-file", settings / "antsibull-docs.cfg", "collection", *collection, env=env)
    for name in ("conf.py", "ansible.rst", "how_it_is_made.rst", "index.rst", "site.css"):
        shutil.copy(settings / name, source)
    shutil.copytree(CHECKOUT / "docs", source / "project", ignore=lambda _folder, names: {"docsite"} & set(names))
    for folder in ("examples", "playbooks"):
        shutil.copytree(CHECKOUT / "docs" / "docsite" / folder, source / folder)
    shutil.rmtree(SITE, ignore_errors=True)
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", source, SITE, env=env)
    session.log(f"The site is {SITE.relative_to(CHECKOUT)}/index.html.")


@nox.session
def build(session: nox.Session) -> None:
    """The tarball that ansible-galaxy installs."""
    install(session, "ansible-core")
    tarball(session, CHECKOUT / ".build" / "dist")


@nox.session(allow_parallel=True)
def package(session: nox.Session) -> None:
    """The tarball before those who will look at it: Galaxy's importer, ansible-builder, REUSE."""
    install(session, "ansible-builder", "ansible-core", "ansible-lint", "galaxy-importer", "reuse")
    folder = STATE / "package"
    shutil.rmtree(folder, ignore_errors=True)
    found = tarball(session, folder)
    with tarfile.open(found) as opened:
        strange = sorted(name for name in opened.getnames() if LEFTOVERS & set(Path(name).parts))
    if strange:
        session.error(f"The tarball has what no user needs: {', '.join(strange)}")
    settings = folder / "importer.cfg"
    settings.write_text("[galaxy-importer]\nRUN_ANSIBLE_TEST = False\n", encoding="utf-8")
    env = environment(session) | {"GALAXY_IMPORTER_CONFIG": str(settings)}
    with session.chdir(folder):
        session.run("python", "-m", "galaxy_importer.main", found.name, env=env)
    told = session.run("ansible-builder", "introspect", TREE, env=env, silent=True) or ""
    for requirement in ("impacket", "pyspnego", "libkrb5-dev"):
        if requirement not in told:
            session.error(f"ansible-builder does not see that {requirement} is needed:\n{told}")
    with session.chdir(copy(session)):
        session.run("reuse", "lint", "--quiet", env=env)


@nox.session(venv_backend="none")
def fragment(session: nox.Session) -> None:
    """Whether a change of the plugins says in a fragment what users notice. The argument is its base."""
    (base,) = session.posargs or ["origin/main"]
    git = ["git", "-C", str(CHECKOUT), "diff", "--name-only", "--diff-filter=d", f"{base}...HEAD"]
    changed = subprocess.run(git, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    told = any(name.startswith(("changelogs/fragments/", "changelogs/changelog.yaml")) for name in changed)
    if any(name.startswith("plugins/") for name in changed) and not told:
        session.error("plugins/ has changed: say in changelogs/fragments what users notice (trivial: if nothing).")


@nox.session
def release(session: nox.Session) -> None:
    """Make the files those of a new version: make release VERSION=1.2.3. Commits, tags and publishes nothing."""
    (version,) = session.posargs or [""]
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        session.error("Name the version: make release VERSION=1.2.3")
    install(session, "ansible-core", "antsibull-changelog", "antsibull-docs")
    for name, pattern, text in (
        ("galaxy.yml", r"(?m)^version: .*$", f"version: {version}"),
        ("README.md", r"msrpc-dhcp-[\d.]+\.tar", f"msrpc-dhcp-{version}.tar"),
    ):
        path = CHECKOUT / name
        path.write_text(re.sub(pattern, text, path.read_text(encoding="utf-8")), encoding="utf-8")
    env = environment(session)
    session.run("antsibull-changelog", "lint", env=env)
    with session.chdir(TREE / COLLECTION):
        session.run("antsibull-changelog", "release", "--version", version, "--refresh-plugins", env=env)
    tarball(session, CHECKOUT / ".build" / "dist")
    print(AFTER_RELEASE.format(version=version))


AFTER_RELEASE = """
Left to do:
  1. git diff                                  look at version, changelog and README
  2. git commit -am "Release {version}"
  3. git clone . ../fresh && make -C ../fresh test
  4. git tag --sign v{version} --message "msrpc.dhcp {version}"
  5. git push origin main v{version}
  6. ansible-galaxy collection publish .build/dist/msrpc-dhcp-{version}.tar.gz
"""


def tarball(session: nox.Session, folder: Path) -> Path:
    """Build the collection from what git knows; the tarball's path."""
    command = ["ansible-galaxy", "collection", "build", "--force", "--output-path", folder, copy(session)]
    session.run(*command, env=environment(session))
    return max(folder.glob("msrpc-dhcp-*.tar.gz"), key=lambda path: path.stat().st_mtime)


def passes(session: nox.Session, command: list[str]) -> bool:
    """Run one of several commands of which the others shall run even if it fails."""
    try:
        session.run(*command, env=environment(session))
    except CommandFailed:
        return False
    return True


def install(session: nox.Session, *requirements: str) -> None:
    """Install with uv; where that fails, with pip, which knows every setting of this machine's index."""
    arguments = ["-c", "requirements-dev.txt", *requirements]
    settings = pip_settings()
    env = {"UV_DEFAULT_INDEX": settings.get("global.index-url"), "SSL_CERT_FILE": settings.get("global.cert")}
    try:
        session.install(*arguments, env={name: os.environ.get(name, value) for name, value in env.items()})
    except CommandFailed:
        pip = [sys.executable, "-m", "pip", "--python", session.virtualenv.location]
        session.run(*pip, "install", "--quiet", *arguments, external=True)


def bring_kerberos(session: nox.Session) -> None:
    """Install pyspnego's extra, so that logons by Kerberos can be tested, and for CI what the system lacks for it.

    Elsewhere a machine that cannot build the extra, or has no KDC, skips those tests and says why.
    """
    if os.environ.get("CI") == "true" and os.geteuid() == 0 and shutil.which("apt-get"):
        bring_packages(session)
    absent = [package for package, is_there in kerberos_needs().items() if not is_there]
    if {"gcc", "libkrb5-dev", "python3-dev"} & set(absent):
        session.warn(f"Logons by Kerberos are not tested: this machine lacks {', '.join(absent)} (names of Debian).")
        return
    install(session, "pyspnego[kerberos]")


def bring_packages(session: nox.Session) -> None:
    """Install the packages of Debian that are missing; one step at a time, since apt-get does not wait for its lock."""
    with (CHECKOUT / ".build" / "apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        absent = [package for package, is_there in kerberos_needs().items() if not is_there]
        if absent:
            env = {"DEBIAN_FRONTEND": "noninteractive"}
            session.run("apt-get", "update", "-qq", env=env, external=True, silent=True)
            command = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *absent]
            session.run(*command, env=env, external=True, silent=True)


def kerberos_needs() -> dict[str, bool]:
    """What the tests of Kerberos need of the system: Debian's packages, and whether what they bring is there."""
    paths = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    programs = {"gcc": "gcc", "krb5-admin-server": "kadmin.local", "krb5-kdc": "krb5kdc", "libkrb5-dev": "krb5-config"}
    found = {package: shutil.which(program, path=paths) is not None for package, program in programs.items()}
    return found | {"python3-dev": Path(sysconfig.get_path("include"), "Python.h").exists()}


@functools.cache
def pip_settings() -> dict[str, str]:
    """What pip is told by its files and the environment, as section.key."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (line.split("=", 1) for line in listed.splitlines() if "=" in line)
    settings = {name: str(ast.literal_eval(value)) for name, value in pairs}
    of_environment = {name: value for name, value in settings.items() if name.startswith(":env:")}
    of_files = {name: value for name, value in settings.items() if name not in of_environment}
    return of_files | {name.replace(":env:", "global"): value for name, value in of_environment.items()}


def environment(session: nox.Session) -> dict[str, str | None]:
    """The variables of a step: a home of its own, the collection within reach, nothing of the caller's settings."""
    home = STATE / "home" / session.name
    home.mkdir(parents=True, exist_ok=True)
    config = home / "ansible.cfg"
    config.touch()
    link = TREE / COLLECTION
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(CHECKOUT, link.parent))
    foreign: dict[str, str | None] = {name: None for name in os.environ if name.startswith(FOREIGN)}
    return foreign | {
        "ANSIBLE_COLLECTIONS_PATH": str(TREE),
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(home / ".ansible"),
        # Its default asks the system for the home directory, not the variable.
        "ANSIBLE_REMOTE_TEMP": str(home / ".ansible" / "tmp"),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "MYPYPATH": str(TREE),
        "NO_COLOR": "1",
        "PYTHONPATH": str(TREE),
        "PYTHONPYCACHEPREFIX": str(STATE / "pycache"),
    }


def measured(session: nox.Session) -> dict[str, str]:
    """The variables that make every Python process of a step report its coverage."""
    data = COVERAGE / session.name
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    return {
        # Ansible ends its workers without waiting unless it is told to; they need the time to write down what they saw.
        "ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT": "200",
        "ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY": "0.05",
        "COVERAGE_CHECKOUT": str(CHECKOUT),
        "COVERAGE_FILE": str(data / "data"),
        "COVERAGE_PROCESS_START": str(CHECKOUT / "pyproject.toml"),
    }


def copy(session: nox.Session) -> Path:
    """A fresh copy of the files that git knows or would add, as a repository of its own.

    ansible-test asks git for its targets: inside an ignored folder of the checkout's repository it would find none.
    """
    target = STATE / "copy" / session.name / COLLECTION
    shutil.rmtree(target, ignore_errors=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # A container's checkout may belong to another user.
    git = ["git", "-c", "safe.directory=*", "-C", str(CHECKOUT)]
    listing = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True, env=env).stdout.split("\0"):
        # What is deleted, but not yet committed, is still listed.
        if name and (CHECKOUT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name, follow_symlinks=False)
    subprocess.run(["git", "-C", str(target), "init", "--quiet"], check=True, env=env)
    return target


def bring_pip(session: nox.Session, home: Path) -> None:
    """Give ansible-test the pip that it would download from a host of its own, and this machine's pip settings.

    It looks into a cache first, and it hands only few variables on to pip, but always the home directory.
    """
    packages = Path(session.virtualenv.location, "lib", f"python{PYTHON}", "site-packages")
    source = packages / "ansible_test" / "_internal" / "python_requirements.py"
    versions = set(re.findall(r"pip='([\d.]+)'", source.read_text(encoding="utf-8")))
    if not versions:
        session.error(f"{source} no longer says which pip ansible-test wants")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in versions:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")

    config = configparser.RawConfigParser()
    for name, value in (pip_settings() | {"global.quiet": "1"}).items():
        section, key = name.rsplit(".", 1)
        config.read_dict({section: {key: value}})
    path = home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        config.write(file)


GET_PIP = """\
import subprocess
import sys

# In a process of its own: ensurepip makes pip forget its settings.
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *arguments]))
"""


@contextlib.contextmanager
def no_process_left(session: nox.Session) -> Iterator[dict[str, str]]:
    """Fail the step if a process that it started outlives it. Only Linux tells; elsewhere nobody looks."""
    name, value = "STEP_OF_THIS_RUN", uuid.uuid4().hex
    marker = f"{name}={value}".encode()
    try:
        yield {name: value}
    finally:
        deadline = time.monotonic() + 5
        while (left := processes(marker)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if left:
            session.error(f"Left running, now killed: {', '.join(left.values())}")


def processes(marker: bytes) -> dict[int, str]:
    """The command lines of the processes that carry a variable in their environment."""
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        # Other people's processes cannot be read, and some are gone by now.
        with contextlib.suppress(OSError):
            if marker in (directory / "environ").read_bytes().split(b"\0"):
                command = (directory / "cmdline").read_text(encoding="utf-8", errors="replace")
                found[int(directory.name)] = command.replace("\0", " ").strip()
    return found


def summary(report: Path) -> str:
    """The line that says how many tests ran, from pytest's report."""
    count = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in ET.parse(report).getroot().iter("testsuite"):
        for key in count:
            count[key] += int(suite.get(key, "0"))
    failed = count["failures"] + count["errors"]
    return f"{count['tests'] - failed - count['skipped']} passed, {failed} failed, {count['skipped']} skipped\n"
