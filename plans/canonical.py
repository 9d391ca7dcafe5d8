"""The canonical form of a plan, its JSON and its hash (plan-dsl.md 9)."""

import json
from hashlib import sha256
from typing import Any

from plans.schema.models import Plan

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)

CanonicalDocument = dict[str, Any]
"""Canonical JSON as values: every default filled in, nothing absent, no metadata."""


def canonical_document(plan: Plan) -> CanonicalDocument:
    """The plan with every default filled in; a later change of a default alters no running plan."""
    return plan.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"metadata"})


def canonical_json(document: CanonicalDocument) -> bytes:
    """The one way to write the document as bytes."""
    return _ENCODER.encode(document).encode()


def plan_hash(document: CanonicalDocument) -> str:
    """The name of the canonical document: equal plans, equal hash."""
    return hash_of(canonical_json(document))


def hash_of(canonical: bytes) -> str:
    """The same of the document as its canonical bytes."""
    return "sha256:" + sha256(b"antiphon-plan-1\n" + canonical).hexdigest()
