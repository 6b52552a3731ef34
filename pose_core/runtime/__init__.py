"""Networks: where their files are, and what runs them."""

from pose_core.runtime.catalogue import ModelEntry
from pose_core.runtime.session import Session, open_session
from pose_core.runtime.store import ModelStatus, ModelStore
from pose_core.runtime.tensors import TensorInfo

__all__ = ["ModelEntry", "ModelStatus", "ModelStore", "Session", "TensorInfo", "open_session"]
