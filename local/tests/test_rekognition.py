"""Rekognition for SDK clients: answers that fit the model, and AWS's errors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LocalAws
from drawing import LAYOUTS, Look, draw_license
from PIL import Image, ImageDraw

from bonafide_local.errors import ServiceError
from bonafide_local.models import Direction, judge, parse_request


def picture(width: int = 300, height: int = 90, kind: str = "PNG") -> bytes:
    """A picture without any face."""
    drawn = Image.new("RGB", (width, height), (200, 210, 220))
    ImageDraw.Draw(drawn).ellipse((20, 20, width // 2, height // 2), fill=(90, 120, 60))
    buffer = io.BytesIO()
    drawn.save(buffer, kind)
    return buffer.getvalue()


def beside(*pictures: bytes) -> bytes:
    """Several pictures in one, side by side, all 520 pixels high."""
    opened = [Image.open(io.BytesIO(data)).convert("RGB") for data in pictures]
    opened = [one.resize((round(one.width * 520 / one.height), 520)) for one in opened]
    joined = Image.new("RGB", (sum(one.width for one in opened), 520))
    left = 0
    for one in opened:
        joined.paste(one, (left, 0))
        left += one.width
    buffer = io.BytesIO()
    joined.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def fits(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Assert that an answer fits the service's model strictly."""
    body = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    if operation == "DescribeCollection":
        body["CreationTimestamp"] = body["CreationTimestamp"].timestamp()
    assert judge("rekognition", operation, Direction.ANSWER, body) == []
    return body


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def rekognition(aws: LocalAws) -> Any:
    return aws.client("rekognition")


@pytest.fixture
def collection(rekognition: Any) -> Iterator[str]:
    rekognition.create_collection(CollectionId="people")
    yield "people"
    rekognition.delete_collection(CollectionId="people")


def test_detects_one_face_of_an_object_version(rekognition: Any, aws: LocalAws, bucket: str, collins: bytes) -> None:
    s3 = aws.client("s3")
    old = s3.put_object(Bucket=bucket, Key="changing", Body=collins)["VersionId"]
    s3.put_object(Bucket=bucket, Key="changing", Body=picture())
    detected = rekognition.detect_faces(Image={"S3Object": {"Bucket": bucket, "Name": "changing", "Version": old}}, Attributes=["ALL"])
    faces = fits("DetectFaces", detected)["FaceDetails"]
    assert [face["Confidence"] > 99 for face in faces] == [True]
    assert faces[0]["EyesOpen"]["Value"] is True
    assert rekognition.detect_faces(Image={"S3Object": {"Bucket": bucket, "Name": "changing"}})["FaceDetails"] == []


def test_default_attributes_are_the_documented_five(rekognition: Any, hopper: bytes) -> None:
    face = rekognition.detect_faces(Image={"Bytes": hopper})["FaceDetails"][0]
    assert set(face) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    assert len(face["Landmarks"]) == 5


def test_the_portrait_of_a_license_and_its_ghost_are_faces(rekognition: Any, hopper: bytes) -> None:
    card = draw_license(LAYOUTS[0], Look(width=1_200))
    sure = [face for face in rekognition.detect_faces(Image={"Bytes": card})["FaceDetails"] if face["Confidence"] > 99]
    assert 1 <= len(sure) <= 2
    compared = fits(
        "CompareFaces", rekognition.compare_faces(SourceImage={"Bytes": card}, TargetImage={"Bytes": hopper}, SimilarityThreshold=80)
    )
    assert compared["FaceMatches"][0]["Similarity"] > 95
    # The larger one is the source, not the ghost.
    assert compared["SourceImageFace"]["BoundingBox"]["Left"] < 0.5


def test_compares_with_every_target_face(rekognition: Any, hopper: bytes, collins: bytes) -> None:
    compared = fits(
        "CompareFaces", rekognition.compare_faces(SourceImage={"Bytes": hopper}, TargetImage={"Bytes": beside(hopper, collins)})
    )
    assert [match["Similarity"] > 95 for match in compared["FaceMatches"]] == [True]
    assert len(compared["UnmatchedFaces"]) == 1


def test_indexes_searches_lists_and_deletes(rekognition: Any, collection: str, hopper: bytes, collins: bytes) -> None:
    indexed = fits(
        "IndexFaces", rekognition.index_faces(CollectionId=collection, Image={"Bytes": hopper}, ExternalImageId="a-1", MaxFaces=1)
    )
    identifier = indexed["FaceRecords"][0]["Face"]["FaceId"]
    again = rekognition.index_faces(CollectionId=collection, Image={"Bytes": hopper}, ExternalImageId="a-1", MaxFaces=1)
    assert again["FaceRecords"][0]["Face"]["FaceId"] == identifier
    found = fits(
        "SearchFacesByImage", rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": hopper}, FaceMatchThreshold=95)
    )
    assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["a-1"]
    assert found["FaceMatches"][0]["Similarity"] == 100.0
    other = rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": collins}, FaceMatchThreshold=80)
    assert other["FaceMatches"] == []
    assert fits("SearchFaces", rekognition.search_faces(CollectionId=collection, FaceId=identifier))["FaceMatches"] == []
    assert [face["FaceId"] for face in fits("ListFaces", rekognition.list_faces(CollectionId=collection))["Faces"]] == [identifier]
    assert fits("DescribeCollection", rekognition.describe_collection(CollectionId=collection))["FaceCount"] == 1
    deleted = fits(
        "DeleteFaces", rekognition.delete_faces(CollectionId=collection, FaceIds=[identifier, "00000000-0000-4000-8000-000000000000"])
    )
    assert deleted["DeletedFaces"] == [identifier]
    assert deleted["UnsuccessfulFaceDeletions"][0]["Reasons"] == ["FACE_NOT_FOUND"]
    assert "DeletedFaces" not in fits("DeleteFaces", rekognition.delete_faces(CollectionId=collection, FaceIds=[identifier]))


def test_faces_beyond_the_maximum_are_listed_with_the_reason(rekognition: Any, collection: str, hopper: bytes, collins: bytes) -> None:
    indexed = fits("IndexFaces", rekognition.index_faces(CollectionId=collection, Image={"Bytes": beside(hopper, collins)}, MaxFaces=1))
    assert [len(indexed["FaceRecords"]), [one["Reasons"] for one in indexed["UnindexedFaces"]]] == [1, [["EXCEEDS_MAX_FACES"]]]


def test_indexing_a_picture_without_a_face_adds_nothing(rekognition: Any, collection: str) -> None:
    assert rekognition.index_faces(CollectionId=collection, Image={"Bytes": picture()})["FaceRecords"] == []


@pytest.mark.parametrize("side", ["SourceImage", "TargetImage"])
def test_comparing_without_a_face_is_an_invalid_parameter(rekognition: Any, hopper: bytes, side: str) -> None:
    images = {"SourceImage": {"Bytes": hopper}, "TargetImage": {"Bytes": hopper}} | {side: {"Bytes": picture()}}
    with pytest.raises(ClientError) as error:
        rekognition.compare_faces(**images)
    assert code_of(error) == "InvalidParameterException"


def test_searching_without_a_face_is_an_invalid_parameter(rekognition: Any, collection: str) -> None:
    with pytest.raises(ClientError) as error:
        rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": picture()})
    assert code_of(error) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"Bytes": b"GIF89a and so on"}, "InvalidImageFormatException"),
        ({"Bytes": b"\xff\xd8\xff\xe0 broken"}, "InvalidImageFormatException"),
        ({"Bytes": b"\x89PNG\r\n\x1a\n" + bytes(5 * 1024 * 1024)}, "ValidationException"),
        ({"Bytes": picture(79)}, "InvalidParameterException"),
        ({"S3Object": {"Bucket": "pictures", "Name": "absent"}}, "InvalidS3ObjectException"),
        ({"S3Object": {"Bucket": "pictures", "Name": "hopper.jpg", "Version": "absent"}}, "InvalidS3ObjectException"),
        ({"Bytes": b"x", "S3Object": {"Bucket": "pictures", "Name": "hopper.jpg"}}, "InvalidParameterException"),
    ],
)
def test_unusable_images_get_the_errors_of_aws(rekognition: Any, bucket: str, image: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as error:
        rekognition.detect_faces(Image=image)
    assert code_of(error) == code


def test_an_object_above_fifteen_megabytes_is_too_large(rekognition: Any, aws: LocalAws, bucket: str) -> None:
    aws.client("s3").put_object(Bucket=bucket, Key="huge", Body=b"\x89PNG\r\n\x1a\n" + bytes(15 * 1024 * 1024))
    with pytest.raises(ClientError) as error:
        rekognition.detect_faces(Image={"S3Object": {"Bucket": bucket, "Name": "huge"}})
    assert code_of(error) == "ImageTooLargeException"


def test_a_collection_is_created_once_and_must_exist(rekognition: Any, collection: str) -> None:
    with pytest.raises(ClientError) as error:
        rekognition.create_collection(CollectionId=collection)
    assert code_of(error) == "ResourceAlreadyExistsException"
    with pytest.raises(ClientError) as error:
        rekognition.list_faces(CollectionId="absent")
    assert code_of(error) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("operation", "body", "member"),
    [
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "ExternalImageId": "with space"}, "externalImageId"),
        ("CompareFaces", {"SourceImage": {}, "TargetImage": {}, "SimilarityThreshold": 101}, "similarityThreshold"),
        ("CreateCollection", {"CollectionId": "a b"}, "collectionId"),
        ("DetectFaces", {}, "image"),
        ("DetectFaces", {"Image": {}, "Atributes": ["ALL"]}, "atributes"),
        ("IndexFaces", {"CollectionId": "a", "Image": {}, "QualityFilter": "BEST"}, "qualityFilter"),
    ],
)
def test_requests_are_checked_against_the_model(operation: str, body: dict[str, Any], member: str) -> None:
    with pytest.raises(ServiceError) as error:
        parse_request("rekognition", operation, body)
    assert (error.value.code, f"'{member}'" in error.value.message) == ("ValidationException", True)


def test_a_message_never_quotes_a_value() -> None:
    with pytest.raises(ServiceError) as error:
        parse_request("rekognition", "IndexFaces", {"CollectionId": "a", "Image": {}, "ExternalImageId": "Jane Doe"})
    assert "Jane" not in error.value.message
