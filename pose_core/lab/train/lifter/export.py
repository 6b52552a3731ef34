"""From a checkpoint to the weights that ship: calibration, ONNX, parity, facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pose_core.config import REFERENCE_HEIGHT_M
from pose_core.errors import ModelError
from pose_core.files import atomic_path, write_text
from pose_core.lab.nets.lifter import LifterNetwork
from pose_core.lab.nets.lifter.model import EXTRA_OUTPUTS
from pose_core.lab.train.lifter.validation import Lift, ValidationSet, counted_joints
from pose_core.lift.answers import BEND_EDGES_DEG, HINGES, SUPPORTS, covariances
from pose_core.lift.features import FEATURE_COUNT, FRAMES_PER_S, INPUT_NAMES
from pose_core.lift.temporal import TemporalLifter
from pose_core.skeletons import CANONICAL, CONTACT_JOINTS
from pose_core.types import FloatArray

PARITY_M = 1e-4
"""Largest difference allowed between the trained network and its export."""
LARGEST_BYTES = 24_000_000
_ONE_SIGMA = 0.6827
_OPSET = 18
_BATCH = 32


def further_outputs(network: LifterNetwork) -> list[str]:
    """Names of a network's answers beyond the first three, in order."""
    return list(EXTRA_OUTPUTS) if network.shape.extras else []


_FURTHER: dict[str, Any] = {
    "precision_factor": "(batch, steps, frames of a step, J, 6) lower triangular A, A times error has unit covariance "
    "in virtual camera axes: log of its diagonal x, y, z, then yx, zx, zy; sigmas times axis_factor",
    "up": "(batch, steps, frames of a step, 4) up in virtual camera axes, any length, and log of its sigma in radians",
    "bend_logits": {"joints": list(HINGES), "class_ends_deg": list(BEND_EDGES_DEG)},
    "support_logits": list(SUPPORTS),
}


def calibrate_axes(tests: list[ValidationSet], network: LifterNetwork) -> FloatArray:
    """Factors that make 68 % of held-out errors fall within the covariance's sigma, joint by joint and axis by axis.

    Args:
        tests: held-out sequences.
        network: trained, with extras.
    Returns:
        (J, 3) factors for x, y, z of the virtual camera; a joint measured nowhere takes that of its parent.
    """
    ratios: list[list[FloatArray]] = [[] for _ in CANONICAL.names]
    device = next(network.parameters()).device
    for test in tests:
        counted = counted_joints(test.samples)
        for first in range(0, len(counted), _BATCH):
            part = slice(first, first + _BATCH)
            with torch.no_grad():
                answers = network.lift_frames(torch.from_numpy(test.samples.features[part]).to(device))
            spread = covariances(answers[3].cpu().numpy().astype(np.float64))
            sigma = np.sqrt(np.diagonal(spread, axis1=-2, axis2=-1))
            ratio = np.abs(answers[0].cpu().numpy() - test.samples.joints_m[part]) / sigma
            for j in range(len(CANONICAL)):
                ratios[j].append(ratio[:, :, j][counted[part][:, :, j]])
    factors = np.ones((len(CANONICAL), 3))
    for j, p in enumerate(CANONICAL.parents):
        known = np.concatenate(ratios[j])
        if len(known) > 100:
            factors[j] = np.quantile(known, _ONE_SIGMA, axis=0)
        elif p >= 0:
            factors[j] = factors[p]
    return np.asarray(np.sqrt(factors * factors[CANONICAL.mirror]))


def calibrate_sigma(tests: list[ValidationSet], lift: Lift) -> FloatArray:
    """Factors that make 68 % of held-out coordinates fall within one sigma, joint by joint.

    Args:
        tests: held-out sequences.
        lift: the trained network.
    Returns:
        (J,) factors; a joint that is measured nowhere takes that of its parent.
    """
    ratios: list[list[FloatArray]] = [[] for _ in CANONICAL.names]
    for test in tests:
        joints, log_sigma, _ = lift(test.samples.features)
        counted = counted_joints(test.samples)
        ratio = np.abs(joints.astype(np.float64) - test.samples.joints_m) / np.exp(log_sigma)[..., None]
        for j in range(len(CANONICAL)):
            ratios[j].append(ratio[:, :, j][counted[:, :, j]].ravel())
    factors = np.ones(len(CANONICAL))
    for j, p in enumerate(CANONICAL.parents):
        known = np.concatenate(ratios[j])
        if len(known) > 100:
            factors[j] = np.quantile(known, _ONE_SIGMA)
        elif p >= 0:
            factors[j] = factors[p]
    mirrored = factors[CANONICAL.mirror]
    return np.sqrt(factors * mirrored)


def export_onnx(network: LifterNetwork, path: Path) -> float:
    """Write a network as ONNX and compare it with the original.

    Args:
        network: trained.
        path: where to.
    Returns:
        The largest difference of a joint coordinate, metres.
    Raises:
        ModelError: the export differs by more than `PARITY_M`, or is too large.
    """
    network = network.eval().cpu()
    example = torch.zeros(2, 32, network.shape.frames_per_step, FEATURE_COUNT)
    program = torch.onnx.export(
        network,
        (example,),
        input_names=["features"],
        output_names=["joints_m", "log_sigma", "contact_logits", *further_outputs(network)],
        dynamic_shapes={"features": {0: torch.export.Dim("batch"), 1: torch.export.Dim("steps")}},
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    with atomic_path(path) as temporary:
        program.save(str(temporary), external_data=False)
        strip_notes(temporary)
        difference = _largest_difference(network, temporary)
        size = temporary.stat().st_size
        if not difference < PARITY_M:
            raise ModelError(f"The exported network differs by {1000 * difference:.3f} mm from the trained one.")
        if size > LARGEST_BYTES:
            raise ModelError(f"The exported network has {size} bytes; {LARGEST_BYTES} are allowed.")
    return difference


def strip_notes(path: Path) -> None:
    """Take out of an ONNX file what the exporter notes beside the network: source lines, folders of the machine."""
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, str(path))


def lifter_as_lift(lifter: TemporalLifter) -> Lift:
    """The lifter as it ships, as a plain function on batches; sigma comes calibrated."""

    def lift(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        parts = [lifter.lift(sequence) for sequence in features]
        joints, sigma, contacts = (np.stack([part[k] for part in parts]).astype(np.float32) for k in range(3))
        clipped = np.clip(contacts, 1e-6, 1 - 1e-6)
        return joints, np.log(sigma), np.log(clipped / (1 - clipped))

    return lift


def write_facts(
    path: Path, onnx: Path, network: LifterNetwork, sigma_factor: FloatArray, facts: Mapping[str, Any]
) -> None:
    """Write the description that inference reads and people may want to."""
    description = {
        "format": "pose_core.lifter",
        "version": 1,
        "file": onnx.name,
        "sha256": hashlib.sha256(onnx.read_bytes()).hexdigest(),
        "bytes": onnx.stat().st_size,
        "parameters": sum(p.numel() for p in network.parameters()),
        "shape": asdict(network.shape),
        "reach_steps": network.shape.reach_steps,
        "frames_per_step": network.shape.frames_per_step,
        "input": {
            "name": "features",
            "axes": ["batch", "steps", network.shape.frames_per_step, FEATURE_COUNT],
            "frames_per_s": FRAMES_PER_S,
            "joints": list(INPUT_NAMES),
            "meaning": "x, y (in half extents of the person, in a virtual camera that looks at the person) and "
            "confidence of each joint, then x / z and y / z of the person's middle in the camera and the log of the "
            "extent as a tangent; made by pose_core.lift.features",
        },
        "output": {
            "joints_m": "(batch, steps, frames of a step, J, 3) virtual camera axes, relative to the pelvis",
            "log_sigma": "(batch, steps, frames of a step, J) log of one standard deviation of a coordinate; "
            "times sigma_factor",
            "contact_logits": list(CONTACT_JOINTS),
            **(_FURTHER if network.shape.extras else {}),
        },
        "further_outputs": further_outputs(network),
        "joint_names": list(CANONICAL.names),
        "reference_height_m": REFERENCE_HEIGHT_M,
        "sigma_factor": [round(float(f), 4) for f in sigma_factor],
        **facts,
    }
    write_text(path, json.dumps(description, indent=1) + "\n")


def _largest_difference(network: LifterNetwork, path: Path) -> float:
    from pose_core.runtime.session import open_session

    session = open_session(path, device="cpu", threads=2)
    rng = np.random.default_rng(0)
    worst = 0.0
    for batch, steps in ((1, 1), (1, 2), (2, 37), (1, 300)):
        shape = (batch, steps, network.shape.frames_per_step, FEATURE_COUNT)
        features: NDArray[np.float32] = rng.normal(0, 0.5, shape).astype(np.float32)
        with torch.no_grad():
            ours = [part.numpy() for part in network(torch.from_numpy(features))]
        theirs = session.run({"features": features})
        worst = max(worst, float(np.max(np.abs(ours[0] - theirs[0]))))
        if any(np.max(np.abs(a - b)) > 1e-2 for a, b in zip(ours[1:], theirs[1:], strict=True)):
            raise ModelError("The exported network's sigmas or contacts differ from the trained one's.")
    return worst
