# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong, and when: recipes for single calls, and forgeries of a dishonest server.

::

    sim.faults.add("R_DhcpCreateClientInfoVQ", status=20014)             # the next create is refused
    sim.faults.add("R_DhcpAddSubnetElementV5", nth=3, drop="after")      # the third reservation's answer is lost
    sim.faults.add(nth=7, drop="before")                                 # the seventh call, whatever it is
    sim.faults.add("R_DhcpEnumSubnetClientsVQ", nth=2, before=vanish)    # vanish(store) runs before the second page
    sim.faults.forge("flipped_bit")                                      # from now on, in every reply

Counting begins when a recipe is added. Recipes that meet in a call are combined.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ansible_collections.msrpc.dhcp.tests.simulator.store import Store

Hook = Callable[[Store], None]

# What is no call of the DHCP server and is only meant where a recipe names it.
HANDSHAKES = ("bind", "alter_context", "ept_bind", "ept_map")

FORGERIES = frozenset(
    {
        # the logon
        "challenge_without_sign",
        "challenge_without_seal",
        "challenge_without_128",
        "challenge_without_key_exch",
        "challenge_without_ess",
        "no_password",  # accepts everyone, makes up its keys
        "no_mech_list_mic",
        "wrong_mech_list_mic",
        "no_header_signing",  # bind_ack without PFC_SUPPORT_HEADER_SIGN
        "context_rejected",  # bind_ack that takes neither interface
        "bind_nak",
        # replies; each is otherwise as it should be, signature included
        "clear_reply",  # no verifier, the stub in clear
        "signed_only",  # integrity level: signed, the stub in clear
        "wrong_signature",
        "flipped_bit",
        "wrong_level",
        "wrong_auth_type",
        "wrong_auth_context",
        "wrong_presentation_context",
        "repeated_sequence",
        "wrong_call_id",
        "first_flag_missing",
        "first_flag_repeated",
        "fragments_swapped",
        "wrong_packet_type",
        "big_endian",
        "short_verifier",
        "endless",  # a reply of fragments without a last one
        # the endpoint mapper
        "endpoint_elsewhere",
        "endpoint_port_0",
        "endpoint_none",
    }
)


@dataclass(kw_only=True)
class Recipe:
    """What happens to the ``nth`` call of a name (``None``: of any), and to the ``times`` calls from there on.

    ``status`` is returned instead of executing the call, ``status_after`` although it was executed; ``fault`` and
    ``fault_after`` likewise as RPC faults. ``silent``: no answer ever, the connection stays open. ``drop``: the
    connection is closed before or after the call took effect. ``delay``: seconds until the answer goes out.
    ``torn``: the answer in tiny TCP ``segments``, one octet at a time (``slow``), in many small ``fragments``, or
    ``truncated`` and then closed. ``stub``: octets that are sent, sealed as usual, in place of the real answer's.
    ``before`` and ``after`` are run with the store, around the execution.
    """

    call: str | None = None
    nth: int = 1
    times: int | None = 1
    status: int | None = None
    status_after: int | None = None
    fault: int | None = None
    fault_after: int | None = None
    silent: Literal["before", "after"] | None = None
    drop: Literal["before", "after"] | None = None
    delay: float | None = None
    torn: Literal["segments", "slow", "fragments", "truncated"] | None = None
    stub: bytes | None = None
    forge: tuple[str, ...] = ()
    before: Hook | None = None
    after: Hook | None = None
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.forge) - FORGERIES)
        if unknown:
            raise ValueError(f"no such forgery: {', '.join(unknown)}")

    def concerns(self, call: str) -> bool:
        """Whether the recipe is about this call, which is counted then."""
        if self.call != call and (self.call is not None or call in HANDSHAKES):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)


@dataclass(kw_only=True)
class Effect:
    """All that happens to one call."""

    status: int | None = None
    status_after: int | None = None
    fault: int | None = None
    fault_after: int | None = None
    silent: Literal["before", "after"] | None = None
    drop: Literal["before", "after"] | None = None
    delay: float | None = None
    torn: Literal["segments", "slow", "fragments", "truncated"] | None = None
    stub: bytes | None = None
    before: list[Hook] = field(default_factory=list)
    after: list[Hook] = field(default_factory=list)
    forgeries: frozenset[str] = frozenset()

    def forged(self, name: str) -> bool:
        """Whether the answer is to be forged in this way."""
        return name in self.forgeries


_PLAIN = ("status", "status_after", "fault", "fault_after", "silent", "drop", "delay", "torn", "stub")


class Faults:
    """The recipes and forgeries that are in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recipes: list[Recipe] = []
        self._forgeries: frozenset[str] = frozenset()

    def add(self, call: str | None = None, **what: Any) -> Recipe:
        """Put a recipe in force; the arguments are those of ``Recipe``."""
        recipe = Recipe(call=call, **what)
        with self._lock:
            self._recipes.append(recipe)
        return recipe

    def forge(self, *names: str) -> None:
        """Forge in these ways from now on: every logon, every reply."""
        Recipe(forge=names)  # refuses unknown names
        with self._lock:
            self._forgeries |= set(names)

    def clear(self) -> None:
        """Be an honest server again."""
        with self._lock:
            self._recipes.clear()
            self._forgeries = frozenset()

    def forged(self, name: str) -> bool:
        """Whether everything is to be forged in this way."""
        return name in self._forgeries

    def take(self, call: str) -> Effect:
        """What happens to this call, which is counted."""
        with self._lock:
            effect = Effect(forgeries=self._forgeries)
            for recipe in self._recipes:
                if recipe.concerns(call):
                    _combine(effect, recipe)
        return effect


def _combine(effect: Effect, recipe: Recipe) -> None:
    for name in _PLAIN:
        value = getattr(recipe, name)
        if value is not None:
            setattr(effect, name, value)
    if recipe.before is not None:
        effect.before.append(recipe.before)
    if recipe.after is not None:
        effect.after.append(recipe.after)
    effect.forgeries |= set(recipe.forge)


RECIPE_KEYS = frozenset(each.name for each in fields(Recipe)) - {"seen", "before", "after"}
