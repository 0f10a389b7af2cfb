"""The CPU engine: numba for what is done pixel by pixel, OpenCV for what reads neighbours or moves pixels."""
