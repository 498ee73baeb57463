"""The measures of a face, as plain numbers that can be sent between processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Face:
    """One face on one picture. Coordinates are ratios of the picture's width and height (0 to 1).

    ``confidence``, ``brightness`` and ``sharpness`` are 0 to 100, angles are degrees, ``descriptor``
    is dlib's vector of 128 numbers, ``width_pixels`` is measured on the original picture.
    """

    left: float
    top: float
    width: float
    height: float
    confidence: float
    landmarks: dict[str, tuple[float, float]]
    roll: float
    yaw: float
    pitch: float
    brightness: float
    sharpness: float
    eyes_open: float
    mouth_open: float
    sunglasses: float
    eyeglasses: float
    occluded: float
    width_pixels: int
    height_pixels: int
    descriptor: tuple[float, ...]

    @property
    def area(self) -> float:
        """Share of the picture, for choosing the largest face."""
        return self.width * self.height

    @property
    def verified(self) -> bool:
        """Whether both detectors agree that this is a face."""
        return self.confidence > VERIFIED_ABOVE


# A candidate that only the fast detector finds never gets more than this.
VERIFIED_ABOVE = 99.0


@dataclass(frozen=True, slots=True)
class FaceAnalysis:
    """All faces of a picture, largest first, and the picture's upright size in pixels."""

    width: int
    height: int
    faces: tuple[Face, ...]

    @property
    def verified(self) -> tuple[Face, ...]:
        """The faces that both detectors agree on, largest first."""
        return tuple(face for face in self.faces if face.verified)
