"""The mapping of distances, and the analyser on real and drawn pictures."""

from __future__ import annotations

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from bonafide_local.faces.analysis import FaceAnalyser
from bonafide_local.faces.model import FaceAnalysis
from bonafide_local.faces.similarity import KNOTS, distance_between, similarity_of
from bonafide_local.pictures import PictureFormat, UnreadablePicture, decode, sniff


@pytest.fixture(scope="module")
def analyser() -> FaceAnalyser:
    return FaceAnalyser()


@pytest.fixture(scope="module")
def portraits(analyser: FaceAnalyser, hopper: bytes, collins: bytes) -> tuple[FaceAnalysis, FaceAnalysis]:
    """The analyses of the portraits of two people."""
    return analyser.analyse(decode(hopper)), analyser.analyse(decode(collins))


def distance(first: FaceAnalysis, second: FaceAnalysis) -> float:
    return distance_between(first.verified[0].descriptor, second.verified[0].descriptor)


def test_the_mapping_keeps_the_meaning_of_the_thresholds() -> None:
    assert similarity_of(0.0) == 100.0
    assert similarity_of(0.6) == pytest.approx(80.0)
    assert similarity_of(0.45) == pytest.approx(95.0)
    assert similarity_of(0.3) > 98.0
    assert similarity_of(0.65) < 60.0
    assert similarity_of(5.0) == 0.0


def test_the_mapping_is_strictly_decreasing() -> None:
    values = [similarity_of(step / 100) for step in range(0, 121)]
    assert all(after < before for before, after in itertools.pairwise(values))
    assert list(KNOTS) == sorted(KNOTS)


def test_a_portrait_has_one_face_with_high_confidence(portraits: tuple[FaceAnalysis, FaceAnalysis]) -> None:
    for found in portraits:
        assert [face.confidence > 99 for face in found.faces] == [True]
        assert found.faces[0].eyes_open > 0
        assert found.faces[0].sunglasses < 0
        assert abs(found.faces[0].roll) < 15


def test_similarity_separates_two_people(analyser: FaceAnalyser, portraits: tuple[FaceAnalysis, FaceAnalysis], hopper: bytes) -> None:
    picture, (portrait, other) = decode(hopper), portraits
    height, width = picture.shape[:2]
    turned = cv2.warpAffine(picture, cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1), (width, height))
    selfie = analyser.analyse(cv2.GaussianBlur((turned * 0.7).astype(np.uint8), (0, 0), 1.2))
    assert similarity_of(distance(portrait, other)) < 80
    assert similarity_of(distance(portrait, selfie)) > 95


def test_a_picture_without_a_face_has_none(analyser: FaceAnalyser) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (100, 500, 3)).astype(np.uint8)
    assert analyser.analyse(noise).verified == ()


def test_a_small_portrait_on_a_large_picture_is_found(analyser: FaceAnalyser, hopper: bytes) -> None:
    card = np.full((1_500, 2_400, 3), 215, np.uint8)
    portrait = cv2.resize(decode(hopper), (390, 480), interpolation=cv2.INTER_AREA)
    card[300:780, 100:490] = portrait
    assert len(analyser.analyse(card).verified) == 1


def test_blur_and_darkness_are_measured(analyser: FaceAnalyser, portraits: tuple[FaceAnalysis, FaceAnalysis], hopper: bytes) -> None:
    picture, plain = decode(hopper), portraits[0].faces[0]
    blurred = analyser.analyse(cv2.GaussianBlur(picture, (0, 0), 4)).faces[0]
    dark = analyser.analyse((picture * 0.15).astype(np.uint8)).faces[0]
    assert plain.sharpness > 60
    assert blurred.sharpness < 20
    assert plain.brightness > 50
    assert dark.brightness < 20


def test_the_orientation_of_a_photograph_is_applied(hopper: bytes) -> None:
    with Image.open(io.BytesIO(hopper)) as opened:
        buffer, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 6
        opened.rotate(90, expand=True).save(buffer, "JPEG", exif=exif)
        assert decode(buffer.getvalue()).shape[:2] == (opened.height, opened.width)


def test_formats_are_detected_by_content() -> None:
    assert sniff(b"\xff\xd8\xff\xe0") is PictureFormat.JPEG
    assert sniff(b"%PDF-1.7") is PictureFormat.PDF
    assert sniff(b"GIF89a") is PictureFormat.UNKNOWN
    with pytest.raises(UnreadablePicture):
        decode(b"\xff\xd8\xff\xe0 no picture")
