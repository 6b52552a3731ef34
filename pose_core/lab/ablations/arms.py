"""What is trained, and what each paper claims: all of it in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pose_core.lab.nets.base import NetworkConfig
from pose_core.lab.nets.registry import config_from_facts, network_config

LOWER_IS_BETTER = {"mpjpe_mm": True, "pa_mpjpe_mm": True, "error_2d_percent": True, "pck": False, "auc": False}


@dataclass(frozen=True)
class Arm:
    """One way of training a network."""

    name: str
    title: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Of the paper's common configuration."""
    wild: bool = False
    """Half of every batch is of the other look, with 2D labels alone."""
    network: str = ""
    """In `NETWORKS`; "" = the paper's."""


@dataclass(frozen=True)
class Claim:
    """One arm beats another."""

    better: str
    worse: str
    text: str
    figure: str = ""
    """By which figure; "" = the paper's."""


@dataclass(frozen=True)
class Paper:
    """Arms that differ in one thing each, with the same steps, batches and sizes."""

    name: str
    title: str
    network: str
    size: str
    changes: Mapping[str, Any]
    steps: int
    batch: int
    arms: tuple[Arm, ...]
    claims: tuple[Claim, ...]
    reported: str
    """What the paper says."""
    figure: str = "mpjpe_mm"
    """The figure that its claims are about."""
    measured_on: str = "test"
    note: str = ""
    learning_rate: float = 1e-3

    def arm(self, name: str) -> Arm:
        """An arm by name."""
        return next(arm for arm in self.arms if arm.name == name)

    def config(self, arm: Arm) -> NetworkConfig:
        """The configuration of an arm."""
        recipe = {"batch": self.batch, "steps": self.steps, "learning_rate": self.learning_rate}
        changes = {**self.changes, **arm.changes, "recipe": recipe}
        strategy = {"strategy": changes.pop("strategy")} if "strategy" in changes else {}
        config = network_config(arm.network or self.network, self.size, strategy)
        return config_from_facts(config, changes)


_TOME = Paper(
    name="tome2017",
    title="Tome, Russell & Agapito 2017: Lifting from the Deep",
    network="tome2017",
    size="small",
    changes={
        "image_size": 64, "features": [[16], [32], [48, 32]], "first_width": 64, "stages": 4, "stage_width": 32,
        "stage_layers": 2, "stage_kernel": 5, "components": 4, "directions": 6, "yaws": 12,
    },
    steps=1600,
    batch=16,
    figure="error_2d_percent",
    arms=(
        Arm("plain", "without the 3D layer", {"use_3d_layer": False}),
        Arm("3d_layer", "with the 3D layer in every stage"),
    ),
    claims=(
        Claim("3d_layer", "plain", "The 3D layer lowers the 2D error"),
        Claim("3d_layer", "plain", "The 3D layer lowers the 3D error", "mpjpe_mm"),
    ),
    reported="2D error 10.04 px without and 9.47 px with the 3D layer; 3D error 92.96 mm with one Gaussian, 88.39 mm "
    "with the mixture; later stages are better than earlier ones.",
    note="Both arms lift their last maps with the same mixture of PPCA: the 3D error differs by the maps alone. "
    "Trained on 2D labels alone.",
)  # fmt: skip

_PARK = Paper(
    name="park2016",
    title="Park, Hwang & Kwak 2016: 3D pose with 2D pose information",
    network="park2016",
    size="small",
    changes={"image_size": 97, "channels": [24, 48, 64], "width": 256, "grid": 12},
    steps=2000,
    batch=32,
    arms=(
        Arm("neither", "one root, no 2D", {"roots": [0], "use_2d": False}),
        Arm("multi_root", "six roots", {"use_2d": False}),
        Arm("2d", "2D classification fed into 3D", {"roots": [0]}),
        Arm("both", "six roots and 2D"),
    ),
    claims=(
        Claim("multi_root", "neither", "Six roots beat one"),
        Claim("2d", "neither", "2D information helps"),
        Claim("both", "2d", "Six roots add to 2D information"),
        Claim("both", "neither", "Both together beat neither"),
    ),
    reported="Walking: 72.55 mm with neither, 71.19 with six roots, 64.27 with 2D, 62.64 with both.",
    note="Equation 6 sums the losses over the roots with one weight: with six roots, the 2D task counts a sixth as "
    "much beside them, and is learnt later.",
)

_LI = Paper(
    name="li_chan2014",
    title="Li & Chan 2014: 3D pose regression with part detection",
    network="li_chan2014",
    size="small",
    changes={"image_size": 80, "channels": [16, 32, 32], "kernels": [7, 5, 3], "width": 256},
    steps=9000,
    batch=32,
    arms=(
        Arm("regression", "regression alone", {"strategy": "regression"}),
        Arm("multi_task", "detection and regression at once", {"strategy": "multi_task"}),
        Arm("multi_task_200", "both at once, regression weighed ten times as much",
            {"strategy": "multi_task", "weight_regression": 200.0}),
        Arm("pretrain", "detection first (40 % of the steps), then regression", {"strategy": "pretrain"}),
    ),
    claims=(
        Claim("multi_task", "regression", "Multi-task training beats regression alone"),
        Claim("multi_task_200", "regression", "Multi-task training beats regression alone, regression weighed more"),
        Claim("multi_task_200", "multi_task", "More weight on the regression helps multi-tasking (not in the paper)"),
        Claim("pretrain", "regression", "Pre-training on detection beats regression alone"),
    ),
    reported="Both strategies beat plain regression (Walking 77.60 mm, Eating 104.01, Discussion 148.79).",
)  # fmt: skip

_HABIBIE = Paper(
    name="habibie2019",
    title="Habibie et al. 2019: explicit 2D features, intermediate 3D representations",
    network="habibie2019",
    size="small",
    changes={
        "image_size": 96, "width": 8, "blocks": [1, 1, 3], "last_channels": 64, "latent_channels": 15,
        "lifter_width": 256,
    },
    steps=8000,
    batch=24,
    figure="pck",
    measured_on="wild_test",
    arms=(
        Arm("studio", "studio pictures alone, neither loss", {"explicit_2d": False, "projection": False}),
        Arm("2d_latent", "wild pictures, explicit 2D features", {"projection": False}, wild=True),
        Arm("projection", "wild pictures, projection loss", {"explicit_2d": False}, wild=True),
        Arm("both", "wild pictures, both", wild=True),
        Arm("plain", "wild pictures in pre-training and for bone lengths, neither loss",
            {"explicit_2d": False, "projection": False}, wild=True),
    ),
    claims=(
        Claim("2d_latent", "studio", "Explicit 2D features with wild pictures beat studio pictures alone"),
        Claim("projection", "2d_latent", "The projection loss gains more than explicit 2D features"),
        Claim("both", "projection", "Both beat the projection loss alone"),
        Claim("both", "studio", "Both beat the baseline"),
        Claim("both", "plain", "The losses help, not the wild pictures by themselves (not in the paper)"),
    ),
    reported="3DPCK outdoors 62.3 (baseline), 66.4 (explicit 2D, outdoor pictures), 69.5 (projection, outdoor "
    "pictures), 70.4 (both).",
    note="Trained with 3D labels of the studio look and, but for the first arm, 2D labels of the wild look; measured "
    "in 3D on other people in the wild look. Weights are chosen on studio people, as wild 3D is not to be seen.",
)  # fmt: skip

_HOURGLASS = Paper(
    name="hourglass",
    title="Reddy: 2D hourglasses with a lifter, 3D hourglasses, and the mean of both",
    network="hourglass_3d",
    size="small",
    changes={"image_size": 64, "stacks": 2, "channels": 32, "depth": 2},
    steps=5000,
    batch=16,
    learning_rate=3e-3,
    arms=(
        Arm("2d", "2D hourglass and feed-forward network", {"lifter_width": 256}, network="hourglass_2d"),
        Arm("3d", "3D hourglass, coarse to fine", {"depth_cells": [1, 16]}),
    ),
    claims=(
        Claim("3d", "2d", "The 3D hourglass beats the 2D hourglass with a lifter"),
        Claim("mean", "2d", "The mean beats the 2D hourglass with a lifter"),
        Claim("mean", "3d", "The mean beats the 3D hourglass"),
    ),
    reported="109.02 mm (2D hourglass and lifter, 8 stacks), 99.17 mm (3D hourglass), 89.69 mm (mean of both).",
    note="The third row needs no training: it is the mean of each joint's coordinates over the two networks of a seed.",
)

PAPERS: tuple[Paper, ...] = (_TOME, _PARK, _LI, _HABIBIE, _HOURGLASS)
"""All papers in the order of the page."""

MEAN_OF = {"hourglass": ("mean", "mean of both", ("2d", "3d"))}
"""Rows that are the mean of other arms' poses: name, title, arms."""
