"""Wipe patterns: at which progress, 0 to 1, each pixel turns from the outgoing to the incoming picture.

Numbers and shapes: SMPTE ST 258 (formerly 258M-1993), as its codes are described in W3C SMIL 2.0, "Taxonomy of transitions",
and drawn by GStreamer's ``smpte`` element. Pictures of other hosts may differ in speed, not in shape. Left out: zigzags, arrow
heads, polygons of more than four corners, eyes, round rectangles, stars, hearts, keyholes, double sweeps along a diagonal
(245, 246), windscreen wipers, and all matrix wipes (301 and above).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]


class Place:
    """Where the pixel centres of a picture are."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        y, x = np.mgrid[0:height, 0:width] + 0.5
        self.right: Field = x / width  #: 0 at the left edge, 1 at the right one
        self.down: Field = y / height
        self.left, self.up = 1 - self.right, 1 - self.down
        self.aside: Field = np.abs(2 * x - width) / width  #: 0 in the middle column, 1 at the sides
        self.apart: Field = np.abs(2 * y - height) / height

    def angle(self, across: float, down: float, start: float) -> Field:
        """Turns clockwise, 0 to 1, about a point (in parts of the picture) from ``start`` (turns; 0 is up, ¼ right)."""
        y, x = np.mgrid[0 : self.height, 0 : self.width] + 0.5
        turns: Field = np.arctan2(x - across * self.width, down * self.height - y) / (2 * np.pi)
        return (turns - start) % 1

    def fan(self, across: float, down: float, start: float) -> Field:
        """Turns to either side, 0 to ½."""
        angle = self.angle(across, down, start)
        return np.minimum(angle, 1 - angle)

    def from_middle(self, across: float = 1, down: float = 1) -> Field:
        """Distance in pixels, stretched; 1 in the corners."""
        y, x = np.mgrid[0 : self.height, 0 : self.width] + 0.5
        across, down = self.width / across, self.height / down
        distance: Field = np.hypot((2 * x / self.width - 1) * across, (2 * y / self.height - 1) * down)
        return distance / float(np.hypot(across, down))


def _triangle(beside: Field, ahead: Field) -> Field:
    """About the middle, its point at ``ahead`` = 1, sides √3 : 2; the two corners beside the point are reached last."""
    ahead = 2 * ahead - 1
    reached: Field = np.maximum(-ahead, (np.sqrt(3) * beside + ahead) / 2)
    return reached / float((np.sqrt(3) + 1) / 2)


def _halves(first: Field, second: Field, in_second: NDArray[np.bool_]) -> Field:
    return np.where(in_second, second, first)


@dataclass(frozen=True, slots=True)
class Wipe:
    """``code`` of SMPTE ST 258, ``name`` as SMIL calls it."""

    code: int
    name: str
    field: Callable[[Place], Field]


_WIPES = (
    Wipe(1, "bar_left_to_right", lambda p: p.right),
    Wipe(2, "bar_top_to_bottom", lambda p: p.down),
    Wipe(3, "box_top_left", lambda p: np.maximum(p.right, p.down)),
    Wipe(4, "box_top_right", lambda p: np.maximum(p.left, p.down)),
    Wipe(5, "box_bottom_right", lambda p: np.maximum(p.left, p.up)),
    Wipe(6, "box_bottom_left", lambda p: np.maximum(p.right, p.up)),
    Wipe(7, "four_box_corners_in", lambda p: 1 - np.minimum(p.aside, p.apart)),
    Wipe(8, "four_box_corners_out", lambda p: np.maximum(np.abs(2 * p.aside - 1), np.abs(2 * p.apart - 1))),
    Wipe(21, "barn_door_vertical", lambda p: p.aside),
    Wipe(22, "barn_door_horizontal", lambda p: p.apart),
    Wipe(23, "box_top_center", lambda p: np.maximum(p.aside, p.down)),
    Wipe(24, "box_right_center", lambda p: np.maximum(p.left, p.apart)),
    Wipe(25, "box_bottom_center", lambda p: np.maximum(p.aside, p.up)),
    Wipe(26, "box_left_center", lambda p: np.maximum(p.right, p.apart)),
    Wipe(41, "diagonal_top_left", lambda p: (p.right + p.down) / 2),
    Wipe(42, "diagonal_top_right", lambda p: (p.left + p.down) / 2),
    Wipe(43, "bow_tie_vertical", lambda p: (p.aside + 1 - p.apart) / 2),
    Wipe(44, "bow_tie_horizontal", lambda p: (p.apart + 1 - p.aside) / 2),
    Wipe(45, "barn_door_diagonal_bottom_left", lambda p: np.abs(p.right - p.up)),
    Wipe(46, "barn_door_diagonal_top_left", lambda p: np.abs(p.right - p.down)),
    Wipe(47, "double_barn_door", lambda p: np.abs(p.aside - p.apart)),
    Wipe(48, "double_diamond", lambda p: np.abs(p.aside + p.apart - 1)),
    Wipe(61, "vee_down", lambda p: (p.aside + p.down) / 2),
    Wipe(62, "vee_left", lambda p: (p.apart + p.left) / 2),
    Wipe(63, "vee_up", lambda p: (p.aside + p.up) / 2),
    Wipe(64, "vee_right", lambda p: (p.apart + p.right) / 2),
    Wipe(65, "barn_vee_down", lambda p: np.abs(p.aside - p.up)),
    Wipe(66, "barn_vee_left", lambda p: np.abs(p.apart - p.right)),
    Wipe(67, "barn_vee_up", lambda p: np.abs(p.aside - p.down)),
    Wipe(68, "barn_vee_right", lambda p: np.abs(p.apart - p.left)),
    Wipe(101, "iris_rectangle", lambda p: np.maximum(p.aside, p.apart)),
    Wipe(102, "iris_diamond", lambda p: (p.aside + p.apart) / 2),
    Wipe(103, "triangle_up", lambda p: _triangle(p.aside, p.up)),
    Wipe(104, "triangle_right", lambda p: _triangle(p.apart, p.right)),
    Wipe(105, "triangle_down", lambda p: _triangle(p.aside, p.down)),
    Wipe(106, "triangle_left", lambda p: _triangle(p.apart, p.left)),
    Wipe(119, "ellipse_circle", lambda p: p.from_middle()),
    Wipe(120, "ellipse_horizontal", lambda p: p.from_middle(across=2)),
    Wipe(121, "ellipse_vertical", lambda p: p.from_middle(down=2)),
    Wipe(201, "clock_twelve", lambda p: p.angle(0.5, 0.5, 0)),
    Wipe(202, "clock_three", lambda p: p.angle(0.5, 0.5, 0.25)),
    Wipe(203, "clock_six", lambda p: p.angle(0.5, 0.5, 0.5)),
    Wipe(204, "clock_nine", lambda p: p.angle(0.5, 0.5, 0.75)),
    Wipe(205, "pin_wheel_two_blade_vertical", lambda p: (2 * p.angle(0.5, 0.5, 0)) % 1),
    Wipe(206, "pin_wheel_two_blade_horizontal", lambda p: (2 * p.angle(0.5, 0.5, 0.25)) % 1),
    Wipe(207, "pin_wheel_four_blade", lambda p: (4 * p.angle(0.5, 0.5, 0)) % 1),
    Wipe(211, "fan_center_top", lambda p: 2 * p.fan(0.5, 0.5, 0)),
    Wipe(212, "fan_center_right", lambda p: 2 * p.fan(0.5, 0.5, 0.25)),
    Wipe(213, "double_fan_out_vertical", lambda p: 4 * np.minimum(p.fan(0.5, 0.5, 0), p.fan(0.5, 0.5, 0.5))),
    Wipe(214, "double_fan_out_horizontal", lambda p: 4 * np.minimum(p.fan(0.5, 0.5, 0.25), p.fan(0.5, 0.5, 0.75))),
    Wipe(221, "single_sweep_top", lambda p: 2 * p.angle(0.5, 0, 0.25)),
    Wipe(222, "single_sweep_right", lambda p: 2 * p.angle(1, 0.5, 0.5)),
    Wipe(223, "single_sweep_bottom", lambda p: 2 * p.angle(0.5, 1, 0.75)),
    Wipe(224, "single_sweep_left", lambda p: 2 * p.angle(0, 0.5, 0)),
    Wipe(
        225,
        "double_sweep_parallel_vertical",
        lambda p: 4 * _halves(p.angle(0.5, 1, 0.75), p.angle(0.5, 0, 0.25), p.right > 0.5),
    ),
    Wipe(
        226,
        "double_sweep_parallel_diagonal",
        lambda p: 4 * _halves(p.angle(0, 0.5, 0), p.angle(1, 0.5, 0.5), p.down > 0.5),
    ),
    Wipe(
        227,
        "double_sweep_opposite_vertical",
        lambda p: 2 * _halves(p.angle(0.5, 0, 0.25), 0.5 - p.angle(0.5, 1, 0.75), p.down > 0.5),
    ),
    Wipe(
        228,
        "double_sweep_opposite_horizontal",
        lambda p: 2 * _halves(p.angle(0, 0.5, 0), 0.5 - p.angle(1, 0.5, 0.5), p.right > 0.5),
    ),
    Wipe(231, "fan_top", lambda p: 4 * p.fan(0.5, 0, 0.5)),
    Wipe(232, "fan_right", lambda p: 4 * p.fan(1, 0.5, 0.75)),
    Wipe(233, "fan_bottom", lambda p: 4 * p.fan(0.5, 1, 0)),
    Wipe(234, "fan_left", lambda p: 4 * p.fan(0, 0.5, 0.25)),
    Wipe(
        235,
        "double_fan_in_vertical",
        lambda p: 4 * _halves(p.fan(0.5, 0, 0.5), p.fan(0.5, 1, 0), p.down > 0.5),
    ),
    Wipe(
        236,
        "double_fan_in_horizontal",
        lambda p: 4 * _halves(p.fan(0, 0.5, 0.25), p.fan(1, 0.5, 0.75), p.right > 0.5),
    ),
    Wipe(241, "single_sweep_top_left", lambda p: 4 * p.angle(0, 0, 0.25)),
    Wipe(242, "single_sweep_bottom_left", lambda p: 4 * (0.25 - p.angle(0, 1, 0))),
    Wipe(243, "single_sweep_bottom_right", lambda p: 4 * p.angle(1, 1, 0.75)),
    Wipe(244, "single_sweep_top_right", lambda p: 4 * (0.25 - p.angle(1, 0, 0.5))),
    Wipe(251, "saloon_door_top", lambda p: 4 * _halves(p.angle(0, 0, 0.25), 0.25 - p.angle(1, 0, 0.5), p.right > 0.5)),
    Wipe(252, "saloon_door_left", lambda p: 4 * _halves(0.25 - p.angle(0, 0, 0.25), p.angle(0, 1, 0), p.down > 0.5)),
    Wipe(253, "saloon_door_bottom", lambda p: 4 * _halves(0.25 - p.angle(0, 1, 0), p.angle(1, 1, 0.75), p.right > 0.5)),
    Wipe(254, "saloon_door_right", lambda p: 4 * _halves(p.angle(1, 0, 0.5), 0.25 - p.angle(1, 1, 0.75), p.down > 0.5)),
)

#: By name.
WIPES = {wipe.name: wipe for wipe in _WIPES}

#: Names by the code of SMPTE ST 258, which edit lists write as ``W001``.
NAME_OF_CODE = {wipe.code: wipe.name for wipe in _WIPES}


@lru_cache(maxsize=8)
def field(name: str, width: int, height: int) -> NDArray[np.float32]:
    """``(height, width)``: at which progress each pixel turns. Read-only, kept for the frames that follow."""
    found = np.clip(WIPES[name].field(Place(width, height)), 0, 1).astype(np.float32)
    found.flags.writeable = False
    return found
