"""Names beside lines, where there is room for them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

SIZE = 8.5  # of a name, in points
GAP = 5.0  # points between a line and its name
CLEAR = 3.0  # pixels around a name that nothing else enters
FINE, COARSE = 2.0, 12.0  # pixels from one point of a line to the next
# where a name stands to a point: to the right, above, below, to the left
SIDES = ((1, 0), (1, 1), (1, -1), (0, 1), (0, -1), (-1, -1), (-1, 1), (-1, 0))

Box = tuple[np.ndarray, np.ndarray]  # lower left and upper right, in pixels


def name_lines(ax: Axes, lines: Sequence[Line2D]) -> list[Line2D]:
    """Write each line's label beside its end, or else where no other line is as near.

    A name touches nothing. The figure's layout and the limits of the axes must be final. Returns
    the lines that found no room, for a legend.
    """
    figure = cast(Figure, ax.figure)
    renderer, gap = FigureCanvasAgg(figure).get_renderer(), GAP * figure.dpi / 72
    window = ax.get_window_extent()
    frame: Box = (np.array(window.min), np.array(window.max))
    drawn = [_points(line, frame, FINE) for line in lines]
    names: list[Box] = []
    nameless = []
    for line, own in zip(lines, drawn, strict=True):
        others = np.concatenate([points for points in drawn if points is not own] or [own[:0]])
        text = ax.text(0, 0, str(line.get_label()), color=line.get_color(), va="bottom", size=SIZE)
        extent = text.get_window_extent(renderer)
        size = np.array([extent.width, extent.height])
        path = _points(line, frame, COARSE)[::-1]
        place = _room(own, others, path, frame, names, size, gap)
        if place is None:
            text.remove()
            nameless.append(line)
        else:
            text.set_position(tuple(ax.transData.inverted().transform(place[0])))
            names.append(_padded(place, CLEAR))
    return nameless


def _room(
    own: np.ndarray,
    others: np.ndarray,
    path: np.ndarray,
    frame: Box,
    names: Sequence[Box],
    size: np.ndarray,
    gap: float,
) -> Box | None:
    """The first free box of a size at a line's end, or beside it where it is nearest.

    own and others: points of the line and of all others; path: where to look.
    """
    end = [(box, CLEAR) for box in _places(own[-1:], size, gap, SIDES[:3])]
    beside = [(box, gap + CLEAR) for box in _places(path, size, gap, SIDES)]
    for box, apart in [*end, *beside]:
        near, far = _padded(box, CLEAR), _padded(box, apart)
        is_free = not (_holds(near, own) or _holds(far, others) or _meets(box, names))
        if _covers(frame, box) and is_free:
            return box
    return None


def _points(line: Line2D, frame: Box, step: float) -> np.ndarray:
    """Points along a line within the frame, ``(points, 2)`` in pixels, at most ``step`` apart."""
    corners = line.get_transform().transform(line.get_xydata())
    corners = corners[np.isfinite(corners).all(1)]
    pieces = [corners[:1]]
    for a, b in pairwise(corners):
        pieces.append(np.linspace(a, b, 2 + int(np.hypot(*(b - a)) / step))[1:])
    points = np.concatenate(pieces)
    return points[_inside(frame, points)]


def _places(
    points: np.ndarray, size: np.ndarray, gap: float, sides: Sequence[tuple[int, int]]
) -> Iterator[Box]:
    """Boxes of a size beside points, those of the first point first."""
    for point in points:
        for side in map(np.array, sides):
            low = point + gap * side - size * (1 - side) / 2
            yield low, low + size


def _padded(box: Box, by: float) -> Box:
    return box[0] - by, box[1] + by


def _inside(box: Box, points: np.ndarray) -> np.ndarray:
    """Which of the points lie in a box, ``(points,)``."""
    return np.all((box[0] <= points) & (points <= box[1]), axis=-1)


def _holds(box: Box, points: np.ndarray) -> bool:
    """Whether any of the points lies in a box."""
    return bool(_inside(box, points).any())


def _covers(frame: Box, box: Box) -> bool:
    return bool(_inside(frame, np.stack(box)).all())


def _meets(box: Box, others: Sequence[Box]) -> bool:
    """Whether a box overlaps any of the others."""
    return any(((box[0] < high) & (low < box[1])).all() for low, high in others)
