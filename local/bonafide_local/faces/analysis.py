"""Find and measure the faces of a picture with dlib.

Two detectors have to agree. The HOG detector is fast, and proposes places, some of which are no faces
(the fold of a space suit). The convolutional detector takes seconds on a whole photograph but 0.1 s on a
crop, so it only scores proposals: about 1 for real faces, nothing for folds.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import dlib
import numpy as np

from bonafide_local.faces.model import Face, FaceAnalysis

# The HOG detector looks for faces of 80 pixels and up. A licence's portrait is about a fifth of its
# width, so with 1,000 pixels on the long side (doubled once when nothing is found) both a portrait
# on a small scan and a face on a large photograph are seen, in a constant time.
DETECTION_SIDE = 1_000
# Below zero the detector's own threshold is loosened: the second detector decides.
PROPOSAL_SCORE = -0.25
PROPOSALS_JUDGED = 6
SECOND_LOOK_SCORE = 0.2
# Side in pixels of the crop that the convolutional detector judges: twice the width of the face.
JUDGE_SIDE = 176
JUDGE_FACE = 0.45
# The convolutional detector costs 6 µs a pixel: half a second on a picture of this many.
FALLBACK_PIXELS = 120_000
# Measuring sharpness depends on scale, so every face is measured at this width.
MEASURE_SIDE = 160
_OVERLAP_SAME_FACE = 0.3


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A rectangle in pixels of the detection picture, the HOG score, and the judge's score."""

    left: float
    top: float
    right: float
    bottom: float
    score: float
    judged: float | None

    def overlap(self, other: _Proposal) -> float:
        """Intersection over union."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        common = width * height
        return common / (self.area + other.area - common)

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


class FaceAnalyser:
    """Holds dlib's models. Loading takes about a second, so make one per process."""

    def __init__(self) -> None:
        folder = _models_folder()
        self._propose = dlib.get_frontal_face_detector()
        self._judge = dlib.cnn_face_detection_model_v1(str(folder / "mmod_human_face_detector.dat"))
        self._five_points = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self._all_points = dlib.shape_predictor(str(folder / "shape_predictor_68_face_landmarks.dat"))
        self._describe = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))

    def analyse(self, picture: np.ndarray) -> FaceAnalysis:
        """Analyse an upright RGB picture of shape (height, width, 3)."""
        height, width = picture.shape[:2]
        scale = DETECTION_SIDE / max(height, width)
        shrunk = scale < 1
        working = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if shrunk else cv2.INTER_CUBIC)
        working = np.ascontiguousarray(working)
        proposals = self._proposals(working)
        faces = [self._measure(picture, working, scale, proposal) for proposal in proposals]
        faces.sort(key=lambda face: face.area, reverse=True)
        return FaceAnalysis(width, height, tuple(faces))

    def _proposals(self, working: np.ndarray) -> list[_Proposal]:
        found = self._judged(working, self._fast(working, upsample=0))
        if not any(_is_face(proposal) for proposal in found):
            found = self._judged(working, self._fast(working, upsample=1)) or found
        if not any(_is_face(proposal) for proposal in found):
            # The fast detector does not find turned or tilted faces.
            found = self._slow(working) or found
        return [p for p in found if p.judged is not None or p.score > 0.4]

    def _fast(self, working: np.ndarray, upsample: int) -> list[_Proposal]:
        rectangles, scores, _ = self._propose.run(working, upsample, PROPOSAL_SCORE)
        ranked = sorted(zip(rectangles, scores, strict=True), key=lambda pair: -pair[1])
        kept: list[_Proposal] = []
        for rectangle, score in ranked:
            proposal = _Proposal(rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom(), score, None)
            if all(proposal.overlap(other) < _OVERLAP_SAME_FACE for other in kept):
                kept.append(proposal)
        return kept[:PROPOSALS_JUDGED]

    def _judged(self, working: np.ndarray, proposals: list[_Proposal]) -> list[_Proposal]:
        return [self._with_judgement(working, proposal) for proposal in proposals]

    def _with_judgement(self, working: np.ndarray, proposal: _Proposal) -> _Proposal:
        side = proposal.right - proposal.left
        center_x = (proposal.left + proposal.right) / 2
        center_y = (proposal.top + proposal.bottom) / 2
        crop = _square(working, center_x, center_y, 2 * side)
        # A face near the edge of the detector's sizes is missed at one scale and seen at the other.
        # The larger one costs four times as much, so only a proposal with a good score gets it.
        best = self._judgement(crop, JUDGE_SIDE)
        if best is None and proposal.score > SECOND_LOOK_SCORE:
            best = self._judgement(crop, 2 * JUDGE_SIDE)
        return replace(proposal, judged=best)

    def _judgement(self, crop: np.ndarray, side: int) -> float | None:
        found = self._judge(_resized(crop, side), 0)
        return max((one.confidence for one in found if _is_central(one.rect, side)), default=None)

    def _slow(self, working: np.ndarray) -> list[_Proposal]:
        factor = min(1.0, math.sqrt(FALLBACK_PIXELS / (working.shape[0] * working.shape[1])))
        small = np.ascontiguousarray(cv2.resize(working, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
        return [
            _Proposal(
                found.rect.left() / factor,
                found.rect.top() / factor,
                found.rect.right() / factor,
                found.rect.bottom() / factor,
                0.0,
                found.confidence,
            )
            for found in self._judge(small, 0)
        ]

    def _measure(self, picture: np.ndarray, working: np.ndarray, scale: float, proposal: _Proposal) -> Face:
        height, width = working.shape[:2]
        rectangle = dlib.rectangle(int(proposal.left), int(proposal.top), int(proposal.right), int(proposal.bottom))
        five = self._five_points(working, rectangle)
        points = np.array([(p.x, p.y) for p in self._all_points(working, rectangle).parts()], dtype=float)
        descriptor = tuple(float(value) for value in self._describe.compute_face_descriptor(working, five))
        roll, yaw, pitch = _pose(points, width, height)
        patch = _patch(picture, proposal, scale)
        luminance = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
        left, top = max(0.0, proposal.left), max(0.0, proposal.top)
        right, bottom = min(float(width), proposal.right), min(float(height), proposal.bottom)
        sunglasses, eyeglasses = _glasses(working, points)
        return Face(
            left=left / width,
            top=top / height,
            width=(right - left) / width,
            height=(bottom - top) / height,
            confidence=_confidence(proposal),
            landmarks=_landmarks(points, width, height),
            roll=roll,
            yaw=yaw,
            pitch=pitch,
            brightness=_brightness(luminance),
            sharpness=_sharpness(luminance),
            eyes_open=_eyes_open(points),
            mouth_open=_mouth_open(points),
            sunglasses=sunglasses,
            eyeglasses=eyeglasses,
            occluded=_occluded(proposal),
            width_pixels=round((right - left) / scale),
            height_pixels=round((bottom - top) / scale),
            descriptor=descriptor,
        )


def _models_folder() -> Path:
    # The package of the models imports pkg_resources, which newer setuptools no longer have; only
    # its files are of interest, so it is found and never imported.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("face_recognition_models is not installed: see local/README.md")
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def _square(picture: np.ndarray, center_x: float, center_y: float, side: float) -> np.ndarray:
    half = side / 2
    left, top = round(center_x - half), round(center_y - half)
    right, bottom = round(center_x + half), round(center_y + half)
    height, width = picture.shape[:2]
    inner = picture[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    over, under = max(0, -top), max(0, bottom - height)
    before, after = max(0, -left), max(0, right - width)
    return np.asarray(cv2.copyMakeBorder(inner, over, under, before, after, cv2.BORDER_REPLICATE))


def _resized(crop: np.ndarray, side: int) -> np.ndarray:
    return np.ascontiguousarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA))


def _is_central(rectangle: dlib.rectangle, side: int) -> bool:
    center = rectangle.center()
    return bool(abs(center.x - side / 2) < side * 0.25 and abs(center.y - side / 2) < side * 0.25)


def _is_face(proposal: _Proposal) -> bool:
    return proposal.judged is not None and proposal.judged >= JUDGE_FACE


def _confidence(proposal: _Proposal) -> float:
    if proposal.judged is not None and proposal.judged >= JUDGE_FACE:
        return min(99.99, 99.2 + 0.8 * min(1.0, proposal.judged - JUDGE_FACE + 0.2))
    if proposal.judged is not None:
        return 80.0 + 15.0 * proposal.judged
    # Only the fast detector found it.
    return float(np.clip(50.0 + 25.0 * proposal.score, 30.0, 90.0))


def _patch(picture: np.ndarray, proposal: _Proposal, scale: float) -> np.ndarray:
    """The face at a fixed size, cut from the original picture, so that enlarging does not count as sharpness."""
    center_x = (proposal.left + proposal.right) / 2 / scale
    center_y = (proposal.top + proposal.bottom) / 2 / scale
    side = max(4.0, (proposal.right - proposal.left) / scale)
    return _resized(_square(picture, center_x, center_y, side), MEASURE_SIDE)


def _brightness(luminance: np.ndarray) -> float:
    return float(np.clip(luminance.mean() / 255.0 * 140.0, 0.0, 100.0))


def _sharpness(luminance: np.ndarray) -> float:
    # The variance of the Laplacian, relative to the contrast, so that a dark or washed-out but
    # focused face is not taken for a blurred one.
    contrast = max(8.0, float(luminance.std()))
    detail = float(cv2.Laplacian(luminance, cv2.CV_64F).var()) / (contrast * contrast)
    return 100.0 * (1.0 - math.exp(-detail / 0.06))


def _aspect(points: np.ndarray, indices: tuple[int, int, int, int, int, int]) -> float:
    corner_a, up_a, up_b, corner_b, down_b, down_a = (points[index] for index in indices)
    span = float(np.linalg.norm(corner_a - corner_b)) or 1.0
    opening = (np.linalg.norm(up_a - down_a) + np.linalg.norm(up_b - down_b)) / 2
    return float(opening) / span


def _signed_confidence(value: float, limit: float, width: float) -> float:
    """Positive when above the limit: 50 at the limit, towards ±100 away from it."""
    strength = min(1.0, abs(value - limit) / width)
    return math.copysign(50.0 + 49.0 * strength, value - limit)


def _eyes_open(points: np.ndarray) -> float:
    left = _aspect(points, (36, 37, 38, 39, 40, 41))
    right = _aspect(points, (42, 43, 44, 45, 46, 47))
    return _signed_confidence((left + right) / 2, 0.17, 0.12)


def _mouth_open(points: np.ndarray) -> float:
    inner = float(np.linalg.norm(points[62] - points[66]))
    span = float(np.linalg.norm(points[60] - points[64])) or 1.0
    return _signed_confidence(inner / span, 0.30, 0.25)


def _glasses(working: np.ndarray, points: np.ndarray) -> tuple[float, float]:
    """(sunglasses, eyeglasses), each positive for yes.

    Dark glasses: the eyes are much darker than the cheeks and without contrast. Clear glasses are
    recognized by the edge of the frame on the bridge of the nose, which is weak evidence: their
    confidence stays low.
    """
    gray = cv2.cvtColor(working, cv2.COLOR_RGB2GRAY)
    span = float(np.linalg.norm(points[36] - points[45])) or 1.0

    def region(center: np.ndarray, half: float) -> np.ndarray:
        x, y, side = int(center[0]), int(center[1]), max(2, int(half))
        return gray[max(0, y - side) : y + side, max(0, x - side) : x + side]

    eyes = [region(points[36:42].mean(axis=0), span * 0.16), region(points[42:48].mean(axis=0), span * 0.16)]
    cheeks = [region((points[48] + points[36]) / 2, span * 0.10), region((points[54] + points[45]) / 2, span * 0.10)]
    bridge = region(points[27], span * 0.10)
    if any(part.size == 0 for part in (*eyes, *cheeks, bridge)):
        return -50.0, -50.0
    cheek = max(1.0, float(np.mean([part.mean() for part in cheeks])))
    darkness = float(np.mean([part.mean() for part in eyes])) / cheek
    edge = float(np.abs(cv2.Sobel(bridge, cv2.CV_64F, 0, 1)).mean()) / cheek
    return _signed_confidence(0.45 - darkness, 0.0, 0.25), 0.7 * _signed_confidence(edge, 0.9, 0.8)


def _occluded(proposal: _Proposal) -> float:
    """Positive when covered: then only one detector finds the face, or the second with a low score."""
    judged = proposal.judged if proposal.judged is not None else 0.0
    return _signed_confidence(0.55 - judged, 0.0, 0.5)


# Points of an average face in millimetres, the nose's tip at the origin, in the camera's axes (x to
# the right, y down, z away): a frontal face is not turned at all. Only for the pose.
_MODEL = np.array(
    [(0, 0, 0), (0, 63.6, 12.5), (-43.3, -32.7, 26.0), (43.3, -32.7, 26.0), (-28.9, 28.9, 24.1), (28.9, 28.9, 24.1)],
    dtype=float,
)
_MODEL_POINTS = [30, 8, 36, 45, 48, 54]
_EYE_CORNERS_MILLIMETRES = 86.6


def _pose(points: np.ndarray, width: int, height: int) -> tuple[float, float, float]:
    """(roll, yaw, pitch) in degrees: clockwise, to the right, and up are positive. Good to about 10."""
    seen = points[_MODEL_POINTS]
    focal = float(max(width, height))
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], dtype=float)
    eyes = points[42:48].mean(axis=0) - points[36:42].mean(axis=0)
    roll = math.degrees(math.atan2(eyes[1], eyes[0]))
    span = float(np.linalg.norm(points[45] - points[36])) or 1.0
    depth = focal * _EYE_CORNERS_MILLIMETRES / span
    offset = (seen[0] - (width / 2, height / 2)) * depth / focal
    # Starting from the frontal pose keeps the solver from the mirrored solution.
    start = np.array([0.0, 0.0, math.radians(roll)])
    position = np.array([offset[0], offset[1], depth])
    good, rotation, _ = cv2.solvePnP(
        _MODEL, seen, camera, np.zeros(4), start, position, useExtrinsicGuess=True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    if not good:
        return roll, 0.0, 0.0
    matrix, _ = cv2.Rodrigues(rotation)
    yaw = math.degrees(math.asin(float(np.clip(-matrix[2, 0], -1, 1))))
    pitch = math.degrees(math.atan2(matrix[2, 1], matrix[2, 2]))
    return roll, yaw, pitch


# Rekognition's names for the points of dlib's 68 (or the mean of a range). The first five are the
# ones that every answer carries, the rest comes with ALL.
_POINTS: dict[str, tuple[int, ...]] = {
    "eyeLeft": tuple(range(36, 42)),
    "eyeRight": tuple(range(42, 48)),
    "mouthLeft": (48,),
    "mouthRight": (54,),
    "nose": (30,),
    "leftEyeBrowLeft": (17,),
    "leftEyeBrowUp": (19,),
    "leftEyeBrowRight": (21,),
    "rightEyeBrowLeft": (22,),
    "rightEyeBrowUp": (24,),
    "rightEyeBrowRight": (26,),
    "leftEyeLeft": (36,),
    "leftEyeRight": (39,),
    "leftEyeUp": (37, 38),
    "leftEyeDown": (40, 41),
    "rightEyeLeft": (42,),
    "rightEyeRight": (45,),
    "rightEyeUp": (43, 44),
    "rightEyeDown": (46, 47),
    "noseLeft": (31,),
    "noseRight": (35,),
    "mouthUp": (51,),
    "mouthDown": (57,),
    "upperJawlineLeft": (0,),
    "midJawlineLeft": (4,),
    "chinBottom": (8,),
    "midJawlineRight": (12,),
    "upperJawlineRight": (16,),
}
BASIC_LANDMARKS = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")


def _landmarks(points: np.ndarray, width: int, height: int) -> dict[str, tuple[float, float]]:
    means = {name: points[list(indices)].mean(axis=0) for name, indices in _POINTS.items()}
    return {name: (float(mean[0] / width), float(mean[1] / height)) for name, mean in means.items()}
