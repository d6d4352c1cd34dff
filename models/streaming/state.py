"""Explicit state: a tree of tensors, batch first, whose leaves are replaced or appended.

A parent's state is a NamedTuple of its children's. Two kinds of leaves:

- *replaced*: a plain tensor [B, ...]; the step returns it whole.
- *appended*: a `Ring`; the step reads the ring and returns only the new row, [B, 1, D]. `StateStore` writes it.

All of it starts as zeros: a brick whose natural start is not zero stores the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

State = Any
"""A tensor, a Ring, or a tuple of states."""
S = TypeVar("S")


class Ring(NamedTuple):
    """A cache of the last `capacity` rows of D values, one per frame.

    Held by the executor as rows [B, capacity + 1, D]: the last slot is a spare, for rows that wrote nothing, and zero.
    Returned by a step as rows [B, 1, D], with the count it leaves behind.
    """

    rows: Tensor
    written: Tensor
    """[B] int64, frames written so far; frame i lies in slot i mod capacity."""

    @property
    def capacity(self) -> int:
        return self.rows.shape[1] - 1


def new_ring(rows: int, capacity: int, size: int) -> Ring:
    """An empty ring for `rows` sessions."""
    return Ring(torch.zeros(rows, capacity + 1, size), torch.zeros(rows, dtype=torch.int64))


def append(ring: Ring, row: Tensor) -> Ring:
    """What a step returns for `ring` after the frame `row` [B, D]."""
    return Ring(row[:, None], ring.written + 1)


def look_back(ring: Ring, ages: Tensor) -> Tensor:
    """Rows by age (1 = the frame before this one, up to the capacity): ages [K] -> [B, K, D], zero where missing.

    What was never written is zero because a reset zeroes the rows, so that no mask is needed here.
    """
    slots = (ring.written[:, None] - ages).remainder(max(1, ring.capacity))
    rows = torch.arange(ring.rows.shape[0], device=slots.device)
    return ring.rows[rows[:, None], slots]


def slot_ages(ring: Ring, slots: Tensor) -> Tensor:
    """How old what lies in each slot is, 1..capacity, for whoever reads a ring as it lies: slots [S] -> [B, S].

    Of an age that was never reached (more than `ring.written`) nothing was written. The spare slot holds zeros.
    """
    return (ring.written[:, None] - 1 - slots).remainder(max(1, ring.capacity)) + 1


def select(mask: Tensor, a: S, b: S) -> S:
    """Row by row: `a` where mask [B] is true, else `b`. For a ring that a step returned (`a`) this keeps the count."""
    if isinstance(a, Ring):
        assert isinstance(b, Ring)
        return cast(S, Ring(a.rows, torch.where(mask, a.written, b.written)))
    if isinstance(a, Tensor):
        return cast(S, torch.where(mask.view(-1, *[1] * (a.dim() - 1)), a, cast(Any, b)))
    return cast(S, _rebuild(a, [select(mask, x, y) for x, y in zip(cast(Any, a), cast(Any, b), strict=True)]))


def map_leaves(function: Callable[[Tensor], Tensor], state: S) -> S:
    """Applies `function` to every tensor of the tree."""
    if isinstance(state, Tensor):
        return cast(S, function(state))
    return cast(S, _rebuild(state, [map_leaves(function, child) for child in cast(Any, state)]))


def named_leaves(state: State, prefix: str = "state") -> Iterator[tuple[str, Tensor]]:
    """(dotted name, tensor) of every leaf, in a fixed order: the names of state inputs and outputs when exported."""
    if isinstance(state, Tensor):
        yield prefix, state
        return
    names = getattr(state, "_fields", range(len(state)))
    for name, child in zip(names, state, strict=True):
        yield from named_leaves(child, f"{prefix}.{name}")


def _rebuild(like: Any, children: list[Any]) -> Any:
    return type(like)(*children) if hasattr(like, "_fields") else type(like)(children)


class StateStore:
    """The state of all rows of one executor. The only code that writes in place, and the only one that knows masks."""

    def __init__(self, state: State) -> None:
        self._state = map_leaves(Tensor.contiguous, state)
        self._views: dict[int, State] = {}
        _, first = next(named_leaves(self._state))
        self._order = torch.arange(first.shape[0], device=first.device)

    def view(self, rows: int) -> State:
        """The state of rows 0..rows-1, without a copy; read-only for the step."""
        if rows not in self._views:
            self._views[rows] = map_leaves(lambda leaf: leaf[:rows], self._state)
        return self._views[rows]

    def reset(self, mask: Tensor) -> None:
        """Starts the rows of `mask` [rows] afresh: counts, caches, everything."""
        rows = mask.nonzero()[:, 0].to(self._order.device)
        map_leaves(lambda leaf: leaf.index_fill_(0, rows, 0), self._state)

    def commit(self, after: State, active: Tensor) -> None:
        """Takes over what a step returned for rows 0..B-1; rows that did not run stay untouched bit for bit."""
        rows = active.shape[0]
        whole = active.device.type == "cpu" and bool(active.all())  # a GPU would have to be waited for
        _commit(self.view(rows), after, None if whole else active, self._order[:rows])

    def write(self, after: State, active: Tensor) -> None:
        """`commit` that never looks at `active` from the host: the same operations whatever it holds, as a captured
        CUDA graph needs them."""
        _commit(self.view(active.shape[0]), after, active, self._order[: active.shape[0]])


def _commit(before: State, after: State, active: Tensor | None, order: Tensor) -> None:
    """`active` None: all rows ran, and need not be told apart."""
    if isinstance(before, Ring):
        written = after.written if active is None else torch.where(active, after.written, before.written)
        slot = torch.where(written > before.written, before.written.remainder(max(1, before.capacity)), before.capacity)
        row = torch.where((slot < before.capacity)[:, None], after.rows[:, 0], 0.0)
        before.rows.index_put_((order, slot), row)
        before.written.copy_(written)
    elif isinstance(before, Tensor):
        before.copy_(after if active is None else select(active, after, before))
    else:
        for old, new in zip(before, after, strict=True):
            _commit(old, new, active, order)
