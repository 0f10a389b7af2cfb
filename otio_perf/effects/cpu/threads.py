"""OpenCV's own threads."""

from __future__ import annotations

import cv2


def one_a_frame() -> None:
    """From now on OpenCV works in the thread that calls it: for processes that make a frame on every core at a time.

    There its threads gain nothing, and what they take of the processor is not seen to be the effect's.
    """
    cv2.setNumThreads(1)
