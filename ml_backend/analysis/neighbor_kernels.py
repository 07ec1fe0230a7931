"""Compiled inner loops of the approximate neighbor search. Import this module inside a function: it loads numba.

Lists of candidates are rows of two tables (n, m): `indices` int32, -1 where none is known yet, and `apart` float32, how
far each is, ascending, infinite where none is known. All loops work on a range of rows, release the interpreter, and
write only these rows, so that threads can share the work and the result does not depend on their number.
"""

from functools import partial

import numba
import numpy as np

# Sums may be reordered, which lets them use vector instructions; infinities keep their meaning.
_SUMS = {"reassoc", "contract", "nsz", "arcp"}
_STRIDE = 16


def _compiled(function=None, **options):  # type: ignore[no-untyped-def]
    """Compile a loop, and keep the result on disk for the next process where a folder can be written."""
    if function is None:
        return partial(_compiled, **options)
    try:
        return numba.njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # Numba found no folder for its cache
        return numba.njit(nogil=True, **options)(function)


@_compiled(fastmath=_SUMS)
def _squared_length_of_difference(one, other):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for axis in range(one.shape[0]):
        difference = one[axis] - other[axis]
        total += difference * difference
    return total


@_compiled
def _insert(indices, apart, new, far):  # type: ignore[no-untyped-def]
    """Insert a candidate that is nearer than the last into a list, after equally near ones; the last is dropped."""
    place = len(indices) - 1
    while place > 0 and apart[place - 1] > far:
        apart[place], indices[place] = apart[place - 1], indices[place - 1]
        place -= 1
    apart[place], indices[place] = far, new


@_compiled
def keep_nearest(products, columns, own, indices, apart):  # type: ignore[no-untyped-def]
    """Enter the nearest of a block into the lists of its rows.

    `products` (q, c) tell how far the rows `columns` (c,) are;
    `own` (q,) are the numbers of the rows, which are left out.
    """
    count = len(columns)
    for row in range(len(products)):
        far, worst = products[row], apart[row, -1]
        for left in range(0, count, _STRIDE):
            right = min(left + _STRIDE, count)
            any_near = False
            for column in range(left, right):  # without a branch, 16 at a time: most are too far
                any_near |= far[column] < worst
            if not any_near:
                continue
            for column in range(left, right):
                if far[column] < worst and columns[column] != own[row]:
                    _insert(indices[row], apart[row], columns[column], far[column])
                    worst = apart[row, -1]


@_compiled
def measure(queries, rows, candidates, indices, apart, first, last):  # type: ignore[no-untyped-def]
    """Fill the empty lists of the queries first..last with their nearest `candidates` (n, c) by their full vectors."""
    for query in range(first, last):
        for place in range(candidates.shape[1]):
            candidate = candidates[query, place]
            if candidate < 0:
                break
            far = _squared_length_of_difference(queries[query], rows[candidate])
            if far < apart[query, -1]:
                _insert(indices[query], apart[query], candidate, far)


@_compiled
def link_back(indices, new, width, back, new_back):  # type: ignore[no-untyped-def]
    """Fill `back` (n, b), -1 where empty, with the first b rows that have a row among their `width` nearest."""
    count = np.zeros(len(indices), np.int32)
    for row in range(len(indices)):
        for place in range(width):
            other = indices[row, place]
            if other >= 0 and count[other] < back.shape[1]:
                back[other, count[other]], new_back[other, count[other]] = row, new[row, place]
                count[other] += 1


@_compiled
def look_around(rows, known, new, back, new_back, width, indices, apart, still_new, first, last):  # type: ignore[no-untyped-def]
    """Enter neighbors of neighbors into the lists of the rows first..last, which start as a copy of `known` (n, m).

    Looks at the `width` nearest of each row and the rows in `back` that link to it, and at the `width` nearest of
    these. Paths whose two steps are both old were followed in an earlier round. `still_new` tells which entries are now
    new.
    """
    seen = np.full(len(rows), -1, np.int32)
    for row in range(first, last):
        seen[row] = row
        for place in range(known.shape[1]):
            if known[row, place] >= 0:
                seen[known[row, place]] = row
        for step in range(width + back.shape[1]):
            if step < width:
                link, is_new = known[row, step], new[row, step]
            else:
                link, is_new = back[row, step - width], new_back[row, step - width]
            if link < 0:
                continue
            for place in range(-1, width):  # -1 is the link itself, a row that links back
                other = link if place < 0 else known[link, place]
                if other < 0 or seen[other] == row or not (is_new or place < 0 or new[link, place]):
                    continue
                seen[other] = row
                far = _squared_length_of_difference(rows[row], rows[other])
                if far < apart[row, -1]:
                    _insert(indices[row], apart[row], other, far)
        for place in range(indices.shape[1]):
            still_new[row, place] = True
            for before in range(known.shape[1]):
                if known[row, before] == indices[row, place]:
                    still_new[row, place] = False
