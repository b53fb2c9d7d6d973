# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What anybody on the machine can see of a run (Linux's /proc), and what is found on the disk after it."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PAUSE = 0.002  # seconds between two looks
PATIENCE = 10  # seconds


class Watch:
    """Looks at this process's children and theirs for as long as the ``with`` block: their arguments, their variables.

    A process that lives shorter than a look takes can be missed; Ansible's live for a hundred looks.
    """

    def __init__(self) -> None:
        self.arguments: set[bytes] = set()
        self.variables: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._over.wait(PAUSE):
            for process in _descendants(Path("/proc/self")):
                with suppress(OSError):  # it has ended
                    self.arguments.add((process / "cmdline").read_bytes())
                    self.variables.update((process / "environ").read_bytes().split(b"\0"))


def _descendants(process: Path) -> Iterator[Path]:
    with suppress(OSError):
        for thread in (process / "task").iterdir():
            for child in (thread / "children").read_text(encoding="ascii").split():
                yield Path("/proc", child)
                yield from _descendants(Path("/proc", child))


def spellings(secret: bytes) -> list[bytes]:
    """A secret as it is, and as programs write octets."""
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"=")[:-1]]


def holders(folder: Path, secrets: Iterable[bytes]) -> list[Path]:
    """The files below a folder that hold one of some secrets, or have one in their name."""
    wanted = list(secrets)
    found = [path for path in folder.rglob("*") if any(secret in os.fsencode(path) for secret in wanted)]
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return found + [path for path in files if any(secret in path.read_bytes() for secret in wanted)]
