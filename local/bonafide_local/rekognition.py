"""A fake of Amazon Rekognition's face operations that analyses the pictures.

Shapes and errors follow the service's model and documentation
(https://docs.aws.amazon.com/rekognition/latest/dg/limits.html); scores do not.
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from bonafide_local.analysis_pool import AnalysisPool, DecodeError
from bonafide_local.aws_json import Operation
from bonafide_local.errors import ServiceError
from bonafide_local.faces.model import Face, FaceAnalysis
from bonafide_local.faces.similarity import distance_between, similarity_of
from bonafide_local.objects import ReadObject, read_s3
from bonafide_local.pictures import PictureFormat, sniff

FACE_MODEL_VERSION = "7.0"
MAXIMUM_S3_BYTES = 15 * 1024 * 1024
MINIMUM_SIDE = 80
DEFAULT_THRESHOLD = 80.0
DEFAULT_MATCHES = 80
MAXIMUM_TARGET_FACES = 100
BASIC_LANDMARKS = frozenset({"eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose"})
DEFAULT_ATTRIBUTES = frozenset({"BoundingBox", "Confidence", "Pose", "Quality", "Landmarks"})
# The attributes that the fake can measure. Age, gender, beard, smile and emotions would be invented.
MEASURED_ATTRIBUTES = {
    "EYES_OPEN": ("EyesOpen", "eyes_open"),
    "MOUTH_OPEN": ("MouthOpen", "mouth_open"),
    "SUNGLASSES": ("Sunglasses", "sunglasses"),
    "EYEGLASSES": ("Eyeglasses", "eyeglasses"),
    "FACE_OCCLUDED": ("FaceOccluded", "occluded"),
}
# Rekognition does not publish its limits. (brightness, sharpness, confidence, face pixels, degrees)
QUALITY_LIMITS: dict[str, tuple[float, float, float, int, float]] = {
    "NONE": (0.0, 0.0, 0.0, 0, 181.0),
    "LOW": (8.0, 4.0, 60.0, 24, 75.0),
    "AUTO": (12.0, 6.0, 90.0, 30, 65.0),
    "MEDIUM": (15.0, 10.0, 95.0, 40, 60.0),
    "HIGH": (25.0, 20.0, 99.0, 60, 45.0),
}
_EXTERNAL_IMAGE_ID = re.compile(r"[a-zA-Z0-9_.\-:]{1,255}")


@dataclass(slots=True)
class _IndexedFace:
    """One vector of a collection with the fields of ListFaces."""

    face_id: str
    image_id: str
    external_image_id: str | None
    face: Face

    def describe(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "FaceId": self.face_id,
            "BoundingBox": _box(self.face),
            "ImageId": self.image_id,
            "Confidence": self.face.confidence,
            "IndexFacesModelVersion": FACE_MODEL_VERSION,
        }
        if self.external_image_id is not None:
            shown["ExternalImageId"] = self.external_image_id
        return shown


@dataclass(slots=True)
class _Collection:
    identifier: str
    created: float
    faces: dict[str, _IndexedFace] = field(default_factory=dict)


class Rekognition:
    """The operations and their collections. One account, one region, in memory."""

    def __init__(self, pool: AnalysisPool, read_object: ReadObject, region: str, account: str) -> None:
        self._pool = pool
        self._read_object = read_object
        self._region = region
        self._account = account
        self._collections: dict[str, _Collection] = {}

    def operations(self) -> dict[str, Operation]:
        """Operation name → coroutine function from a parsed request to an answer."""
        return {
            "DetectFaces": self.detect_faces,
            "CompareFaces": self.compare_faces,
            "SearchFacesByImage": self.search_faces_by_image,
            "SearchFaces": self.search_faces,
            "IndexFaces": self.index_faces,
            "DeleteFaces": self.delete_faces,
            "ListFaces": self.list_faces,
            "CreateCollection": self.create_collection,
            "DeleteCollection": self.delete_collection,
            "DescribeCollection": self.describe_collection,
            "ListCollections": self.list_collections,
        }

    def arn_of(self, collection: str) -> str:
        """The ARN of a collection, whether it exists or not."""
        return f"arn:aws:rekognition:{self._region}:{self._account}:collection/{collection}"

    def reset(self) -> None:
        """Delete all collections."""
        self._collections.clear()

    def collections(self) -> dict[str, _Collection]:
        """All collections, for `restore`."""
        return self._collections

    def restore(self, collections: dict[str, _Collection]) -> None:
        """Replace the collections."""
        self._collections = collections

    async def detect_faces(self, request: dict[str, Any]) -> dict[str, Any]:
        """Every face of the picture; without a face the list is empty."""
        analysis = await self._analyse(request["Image"])
        wanted = frozenset(request.get("Attributes") or ["DEFAULT"])
        return {"FaceDetails": [_detail(face, wanted) for face in analysis.faces]}

    async def compare_faces(self, request: dict[str, Any]) -> dict[str, Any]:
        """The largest source face against each target face. A picture without a face is an invalid parameter."""
        threshold = request.get("SimilarityThreshold", DEFAULT_THRESHOLD)
        level = request.get("QualityFilter", "NONE")
        source = await self._analyse(request["SourceImage"])
        target = await self._analyse(request["TargetImage"])
        reference = _largest(source, level)
        candidates = [face for face in target.verified if not _rejections(face, level)][:MAXIMUM_TARGET_FACES]
        if reference is None or not candidates:
            raise _no_face()
        scored = [(_similarity(reference, face), face) for face in candidates]
        scored.sort(key=lambda pair: -pair[0])
        return {
            "SourceImageFace": {"BoundingBox": _box(reference), "Confidence": reference.confidence},
            "FaceMatches": [{"Similarity": similarity, "Face": _compared(face)} for similarity, face in scored if similarity >= threshold],
            "UnmatchedFaces": [_compared(face) for similarity, face in scored if similarity < threshold],
        }

    async def search_faces_by_image(self, request: dict[str, Any]) -> dict[str, Any]:
        """The faces of the collection that match the largest face of the picture."""
        collection = self._collection(request["CollectionId"])
        analysis = await self._analyse(request["Image"])
        query = _largest(analysis, request.get("QualityFilter", "NONE"))
        if query is None:
            raise _no_face()
        return {
            "SearchedFaceBoundingBox": _box(query),
            "SearchedFaceConfidence": query.confidence,
            "FaceMatches": _matches(collection, query, request),
            "FaceModelVersion": FACE_MODEL_VERSION,
        }

    async def search_faces(self, request: dict[str, Any]) -> dict[str, Any]:
        """The other faces of the collection that match one of its faces."""
        collection = self._collection(request["CollectionId"])
        known = collection.faces.get(request["FaceId"])
        if known is None:
            raise ServiceError("InvalidParameterException", "faceId was not found in the collection")
        return {
            "SearchedFaceId": known.face_id,
            "FaceMatches": _matches(collection, known.face, request, but=known.face_id),
            "FaceModelVersion": FACE_MODEL_VERSION,
        }

    async def index_faces(self, request: dict[str, Any]) -> dict[str, Any]:
        """Add the picture's faces, largest first; the answer lists the others with the reasons."""
        collection = self._collection(request["CollectionId"])
        external = request.get("ExternalImageId")
        if external is not None and not _EXTERNAL_IMAGE_ID.fullmatch(external):
            raise ServiceError("InvalidParameterException", "ExternalImageId is not valid")
        data = self._image_bytes(request["Image"])
        analysis = await self._analyse_bytes(data)
        wanted = frozenset(request.get("DetectionAttributes") or ["DEFAULT"])
        level = request.get("QualityFilter", "AUTO")
        maximum = request.get("MaxFaces", 100)
        image_id = str(uuid.UUID(bytes=hashlib.sha256(data).digest()[:16], version=4))
        records: list[dict[str, Any]] = []
        unindexed: list[dict[str, Any]] = []
        # A face that only one detector finds is never indexed, also without a filter.
        for face in analysis.verified:
            reasons = _rejections(face, level)
            if not reasons and len(records) >= maximum:
                reasons = ["EXCEEDS_MAX_FACES"]
            if reasons:
                unindexed.append({"Reasons": reasons, "FaceDetail": _detail(face, wanted)})
                continue
            indexed = self._add(collection, face, image_id, external)
            records.append({"Face": indexed.describe(), "FaceDetail": _detail(face, wanted)})
        return {"FaceRecords": records, "UnindexedFaces": unindexed, "FaceModelVersion": FACE_MODEL_VERSION}

    async def delete_faces(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete faces; the answer lists unknown ids, which are no error."""
        collection = self._collection(request["CollectionId"])
        deleted, unsuccessful = [], []
        for face_id in request["FaceIds"]:
            if collection.faces.pop(face_id, None) is not None:
                deleted.append(face_id)
            else:
                unsuccessful.append({"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]})
        # By the model, a list of deleted faces is not empty.
        return ({"DeletedFaces": deleted} if deleted else {}) | {"UnsuccessfulFaceDeletions": unsuccessful}

    async def list_faces(self, request: dict[str, Any]) -> dict[str, Any]:
        """The collection's faces, in pages."""
        collection = self._collection(request["CollectionId"])
        faces = list(collection.faces.values())
        if request.get("FaceIds"):
            faces = [face for face in faces if face.face_id in set(request["FaceIds"])]
        page, following = _page(faces, request)
        answer: dict[str, Any] = {
            "Faces": [face.describe() for face in page],
            "FaceModelVersion": FACE_MODEL_VERSION,
        }
        return answer | following

    async def create_collection(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create an empty collection."""
        identifier = request["CollectionId"]
        self.create(identifier)
        return {
            "StatusCode": 200,
            "CollectionArn": self.arn_of(identifier),
            "FaceModelVersion": FACE_MODEL_VERSION,
        }

    async def delete_collection(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a collection with its faces."""
        self.delete(request["CollectionId"])
        return {"StatusCode": 200}

    async def describe_collection(self, request: dict[str, Any]) -> dict[str, Any]:
        """The number of faces, and when the collection was created."""
        collection = self._collection(request["CollectionId"])
        return {
            "FaceCount": len(collection.faces),
            "FaceModelVersion": FACE_MODEL_VERSION,
            "CollectionARN": self.arn_of(collection.identifier),
            "CreationTimestamp": collection.created,
            "UserCount": 0,
        }

    async def list_collections(self, request: dict[str, Any]) -> dict[str, Any]:
        """The collections' names, in pages."""
        page, following = _page(sorted(self._collections), request)
        answer: dict[str, Any] = {"CollectionIds": page, "FaceModelVersions": [FACE_MODEL_VERSION] * len(page)}
        return answer | following

    def create(self, identifier: str) -> None:
        """Create a collection (also for CloudFormation). Raises ResourceAlreadyExistsException."""
        if identifier in self._collections:
            raise ServiceError("ResourceAlreadyExistsException", "The collection id already exists")
        self._collections[identifier] = _Collection(identifier, time.time())

    def delete(self, identifier: str) -> None:
        """Delete a collection (also for CloudFormation). Raises ResourceNotFoundException."""
        self._collection(identifier)
        del self._collections[identifier]

    def _collection(self, identifier: str) -> _Collection:
        collection = self._collections.get(identifier)
        if collection is None:
            raise ServiceError("ResourceNotFoundException", "The collection id does not exist")
        return collection

    def _add(self, collection: _Collection, face: Face, image_id: str, external: str | None) -> _IndexedFace:
        # "If you index the same image with the same external id, Rekognition doesn't save duplicate
        # face metadata": a repeated request gets the same face.
        for known in collection.faces.values():
            if (known.image_id, known.external_image_id, known.face) == (image_id, external, face):
                return known
        indexed = _IndexedFace(str(uuid.uuid4()), image_id, external, face)
        collection.faces[indexed.face_id] = indexed
        return indexed

    def _image_bytes(self, image: dict[str, Any]) -> bytes:
        if ("Bytes" in image) == ("S3Object" in image):
            raise ServiceError("InvalidParameterException", "Request has invalid parameters: one of Bytes and S3Object")
        # The model limits bytes to 5 MB.
        data = bytes(image["Bytes"]) if "Bytes" in image else read_s3(self._read_object, image["S3Object"])
        if len(data) > MAXIMUM_S3_BYTES:
            raise ServiceError("ImageTooLargeException", f"Image size is too large: at most {MAXIMUM_S3_BYTES} bytes")
        if sniff(data) not in (PictureFormat.JPEG, PictureFormat.PNG):
            raise _bad_format()
        return data

    async def _analyse(self, image: dict[str, Any]) -> FaceAnalysis:
        return await self._analyse_bytes(self._image_bytes(image))

    async def _analyse_bytes(self, data: bytes) -> FaceAnalysis:
        try:
            analysis = await self._pool.faces(data)
        except DecodeError:
            raise _bad_format() from None
        if min(analysis.width, analysis.height) < MINIMUM_SIDE:
            raise ServiceError("InvalidParameterException", f"Image must be at least {MINIMUM_SIDE} pixels wide and high")
        return analysis


def _no_face() -> ServiceError:
    return ServiceError("InvalidParameterException", "There are no faces in the image. Should be at least 1.")


def _bad_format() -> ServiceError:
    return ServiceError("InvalidImageFormatException", "Request has invalid image format")


def _similarity(first: Face, second: Face) -> float:
    return similarity_of(distance_between(first.descriptor, second.descriptor))


def _largest(analysis: FaceAnalysis, level: str) -> Face | None:
    # Rekognition chooses the largest face before it checks the quality; it never chooses a smaller, better one.
    largest = next(iter(analysis.verified), None)
    return None if largest is None or _rejections(largest, level) else largest


def _rejections(face: Face, level: str) -> list[str]:
    brightness, sharpness, confidence, pixels, angle = QUALITY_LIMITS[level]
    reasons = {
        "LOW_BRIGHTNESS": face.brightness < brightness,
        "LOW_SHARPNESS": face.sharpness < sharpness,
        "LOW_CONFIDENCE": face.confidence < confidence,
        "SMALL_BOUNDING_BOX": min(face.width_pixels, face.height_pixels) < pixels,
        "EXTREME_POSE": max(abs(face.yaw), abs(face.pitch)) > angle,
    }
    return [reason for reason, applies in reasons.items() if applies]


def _box(face: Face) -> dict[str, float]:
    return {"Width": face.width, "Height": face.height, "Left": face.left, "Top": face.top}


def _common(face: Face, names: frozenset[str] | None) -> dict[str, Any]:
    return {
        "BoundingBox": _box(face),
        "Confidence": face.confidence,
        "Landmarks": [{"Type": name, "X": x, "Y": y} for name, (x, y) in face.landmarks.items() if names is None or name in names],
        "Pose": {"Roll": face.roll, "Yaw": face.yaw, "Pitch": face.pitch},
        "Quality": {"Brightness": face.brightness, "Sharpness": face.sharpness},
    }


def _compared(face: Face) -> dict[str, Any]:
    return _common(face, BASIC_LANDMARKS)


def _detail(face: Face, wanted: frozenset[str]) -> dict[str, Any]:
    everything = "ALL" in wanted
    detail = _common(face, None if everything else BASIC_LANDMARKS)
    for attribute, (member, measure) in MEASURED_ATTRIBUTES.items():
        if everything or attribute in wanted:
            signed = getattr(face, measure)
            detail[member] = {"Value": signed > 0, "Confidence": abs(signed)}
    return detail


def _matches(collection: _Collection, query: Face, request: dict[str, Any], but: str | None = None) -> list[dict[str, Any]]:
    threshold = request.get("FaceMatchThreshold", DEFAULT_THRESHOLD)
    scored = [(_similarity(query, known.face), known) for known in collection.faces.values() if known.face_id != but]
    scored.sort(key=lambda pair: -pair[0])
    return [
        {"Similarity": similarity, "Face": known.describe()}
        for similarity, known in scored[: request.get("MaxFaces", DEFAULT_MATCHES)]
        if similarity >= threshold
    ]


def _page(items: list[Any], request: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    token = request.get("NextToken") or "0"
    if not token.isdecimal() or int(token) > len(items):
        raise ServiceError("InvalidPaginationTokenException", "The pagination token is not valid")
    start = int(token)
    end = start + request.get("MaxResults", 1_000)
    return items[start:end], ({"NextToken": str(end)} if end < len(items) else {})
