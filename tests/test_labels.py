"""Names beside lines touch nothing; a line without room is returned for the legend."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from icnewton.figures.parts.labels import name_lines
from icnewton.figures.parts.style import styled


def drawn(curves):
    """An axes with one line for each curve, and the lines."""
    figure = Figure(figsize=(8, 5))
    ax = figure.subplots()
    lines = [ax.plot(np.arange(len(curve)), curve, label=name)[0] for name, curve in curves.items()]
    ax.set_yscale("log")
    return ax, lines


def pixels(ax, line):
    """Points of a line within the axes, close together."""
    corners = ax.transData.transform(line.get_xydata())
    points = np.concatenate([np.linspace(a, b, 500) for a, b in pairwise(corners)])
    frame = ax.get_window_extent()
    return points[[frame.contains(*point) for point in points]]


@pytest.mark.parametrize("seed", range(8))
def test_names_touch_neither_lines_nor_each_other_and_stay_inside(seed):
    random = np.random.default_rng(seed)
    slopes, starts = random.uniform(-3, 0.2, 9), random.uniform(0.1, 1, 9)
    curves = {
        f"method {k}": starts[k] * 10.0 ** (slopes[k] * np.arange(random.integers(2, 9)))
        for k in range(9)
    }
    with styled():
        ax, lines = drawn(curves)
        ax.set_ylim(bottom=1e-12)
        nameless = name_lines(ax, lines)
    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in ax.texts]
    frame = ax.get_window_extent()
    assert len(boxes) + len(nameless) == len(lines)
    assert {text.get_text() for text in ax.texts}.isdisjoint(line.get_label() for line in nameless)
    for place, box in enumerate(boxes):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert not any(box.overlaps(other) for other in boxes[:place])
        for line in lines:
            assert not any(box.contains(*point) for point in pixels(ax, line))


def test_a_line_with_all_the_room_is_named_at_its_end():
    with styled():
        ax, lines = drawn({"alone": [1.0, 0.1, 0.01]})
        ax.set_xlim(right=4)
        assert name_lines(ax, lines) == []
    (text,) = ax.texts
    assert text.get_position()[0] > 2
    assert text.get_color() == lines[0].get_color()


def test_names_that_fit_nowhere_are_left_to_a_legend():
    with styled():
        ax, lines = drawn({"a name " * 40: [1.0, 0.1]})
        assert name_lines(ax, lines) == lines
    assert not ax.texts


def test_an_axes_without_lines_has_no_names():
    with styled():
        ax, lines = drawn({})
        assert name_lines(ax, lines) == []
