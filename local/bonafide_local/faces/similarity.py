"""Maps dlib's distance between two faces to a similarity from 0 to 100 as Rekognition has it.

Rekognition does not publish a distance, and the two models differ: these numbers
do not predict those of Rekognition. The mapping keeps the meaning of the thresholds:

* dlib's recommended limit for "the same person", 0.6, falls on Rekognition's default threshold, 80;
* 0.45, where dlib hardly ever confuses two people, falls on 95, the limit for a duplicate;
* pictures of one person (0.04 to 0.35 as measured on licences and selfies) come out above 97.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

# (distance, similarity), strictly monotone, straight lines in between.
KNOTS: tuple[tuple[float, float], ...] = (
    (0.00, 100.0),
    (0.20, 99.7),
    (0.35, 98.0),
    (0.45, 95.0),
    (0.60, 80.0),
    (0.65, 55.0),
    (0.75, 20.0),
    (0.90, 3.0),
    (1.20, 0.0),
)
_DISTANCES = [distance for distance, _ in KNOTS]


def distance_between(first: Sequence[float], second: Sequence[float]) -> float:
    """Euclidean distance between two descriptors of 128 numbers."""
    return math.dist(first, second)


def similarity_of(distance: float) -> float:
    """Map a distance (0 and up) to a similarity (100 down to 0)."""
    if distance <= 0:
        return 100.0
    if distance >= KNOTS[-1][0]:
        return 0.0
    index = bisect_right(_DISTANCES, distance)
    (low, high_similarity), (high, low_similarity) = KNOTS[index - 1], KNOTS[index]
    share = (distance - low) / (high - low)
    return high_similarity + share * (low_similarity - high_similarity)
