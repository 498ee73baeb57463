"""Object Lock of buckets that CloudFormation creates, which the emulator ignores."""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Apply ``ObjectLockEnabled`` and ``ObjectLockConfiguration`` of ``AWS::S3::Bucket``."""
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    create, update = handlers["create"], handlers["update"]

    def lock(bucket: str, properties: dict[str, Any]) -> None:
        if str(properties.get("ObjectLockEnabled", False)).lower() != "true":
            return
        rule = (properties.get("ObjectLockConfiguration") or {}).get("Rule") or {}
        retention = rule.get("DefaultRetention")
        kept = (
            {"Mode": retention["Mode"]} | {unit: int(retention[unit]) for unit in ("Days", "Years") if unit in retention}
            if retention
            else None
        )
        s3._bucket_object_lock[bucket] = {"enabled": True, "default_retention": kept}

    def create_bucket(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        name, attributes = create(logical_id, properties, stack_name)
        lock(name, properties)
        return name, attributes

    def update_bucket(identifier: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> Any:
        name, attributes = update(identifier, old, new, stack_name)
        lock(name, new)
        return name, attributes

    handlers["create"], handlers["update"] = create_bucket, update_bucket
