"""The image networks by name, with their sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pose_core.config import from_mapping
from pose_core.errors import ConfigError
from pose_core.lab.nets import habibie2019, hourglass, li_chan2014, park2016
from pose_core.lab.nets.base import ImageNetwork, NetworkConfig, Recipe
from pose_core.lab.nets.tome2017 import config as tome
from pose_core.lab.nets.tome2017.model import TomeNetwork

SIZES = ("tiny", "small", "paper")


@dataclass(frozen=True)
class NetworkKind:
    """A network that can be built in several sizes."""

    title: str
    build: Callable[[Any], ImageNetwork]
    configs: Mapping[str, NetworkConfig]
    """By name in `SIZES`."""


def _li_chan(dimensions: int) -> dict[str, NetworkConfig]:
    sizes = (li_chan2014.TINY, li_chan2014.SMALL, li_chan2014.PAPER)
    return {name: dataclasses.replace(c, dimensions=dimensions) for name, c in zip(SIZES, sizes, strict=True)}


NETWORKS: dict[str, NetworkKind] = {
    "tome2017": NetworkKind(
        "Tome, Russell & Agapito 2017: Lifting from the Deep",
        TomeNetwork, {"tiny": tome.TINY, "small": tome.SMALL, "paper": tome.PAPER},
    ),
    "park2016": NetworkKind(
        "Park, Hwang & Kwak 2016: 3D pose with 2D pose information",
        park2016.ParkNetwork, {"tiny": park2016.TINY, "small": park2016.SMALL, "paper": park2016.PAPER},
    ),
    "li_chan2014": NetworkKind(
        "Li & Chan 2014: 3D pose regression with part detection", li_chan2014.LiChanNetwork, _li_chan(3)
    ),
    "li_chan2014_2d": NetworkKind(
        "Li, Liu & Chan 2014: 2D pose regression with part detection", li_chan2014.LiChanNetwork, _li_chan(2)
    ),
    "habibie2019": NetworkKind(
        "Habibie et al. 2019: explicit 2D features, intermediate 3D representations",
        habibie2019.HabibieNetwork, {"tiny": habibie2019.TINY, "small": habibie2019.SMALL, "paper": habibie2019.PAPER},
    ),
    "hourglass_2d": NetworkKind(
        "Reddy: stacked 2D hourglass and feed-forward lifter",
        hourglass.FlatHourglass,
        {"tiny": hourglass.TINY_2D, "small": hourglass.SMALL_2D, "paper": hourglass.PAPER_2D},
    ),
    "hourglass_3d": NetworkKind(
        "Reddy: 3D hourglass from coarse to fine",
        hourglass.VolumeHourglass,
        {"tiny": hourglass.TINY_3D, "small": hourglass.SMALL_3D, "paper": hourglass.PAPER_3D},
    ),
}  # fmt: skip
"""All image networks by name."""


def network_config(name: str, size: str, changes: Mapping[str, Any] | None = None) -> NetworkConfig:
    """A configuration, by choice with some settings changed.

    Raises:
        ConfigError: unknown network, size or setting.
    """
    if name not in NETWORKS:
        raise ConfigError(f"There is no network '{name}'.", f"There are: {', '.join(NETWORKS)}.")
    if size not in NETWORKS[name].configs:
        raise ConfigError(f"There is no configuration '{size}'.", f"There are: {', '.join(SIZES)}.")
    config = NETWORKS[name].configs[size]
    changes = dict(changes or {})
    if "strategy" in changes and isinstance(config, li_chan2014.LiChanConfig):
        config = li_chan2014.with_strategy(config, str(changes.pop("strategy")))
    return config_from_facts(config, changes) if changes else config


def build_network(name: str, config: NetworkConfig, seed: int = 0) -> ImageNetwork:
    """A network with weights drawn from a seed."""
    torch.manual_seed(seed)
    return NETWORKS[name].build(config)


def config_facts(config: NetworkConfig) -> dict[str, Any]:
    """A configuration as plain data; lists instead of tuples, as JSON has them."""
    return {name: _plain(value) for name, value in dataclasses.asdict(config).items()}


def config_from_facts(like: NetworkConfig, facts: Mapping[str, Any]) -> NetworkConfig:
    """A configuration of the same class as another, with the values of `facts`.

    Raises:
        ConfigError: an unknown setting, or a value of another type.
    """
    own = config_facts(like)
    everything = {**own, **facts, "recipe": {**own["recipe"], **dict(facts.get("recipe", {}))}}
    values: dict[str, Any] = {
        name: _tuples(value) if isinstance(value, list) else value
        for name, value in everything.items()
        if name != "recipe"
    }
    recipe = {k: _tuples(v) if isinstance(v, list) else v for k, v in dict(everything["recipe"]).items()}
    checked = from_mapping(type(like), {k: v for k, v in values.items() if not isinstance(v, tuple)})
    sequences: dict[str, Any] = {k: v for k, v in values.items() if isinstance(v, tuple)}
    unknown = set(sequences) - {f.name for f in dataclasses.fields(like)}
    if unknown:
        raise ConfigError(f"{type(like).__name__} has no setting '{min(unknown)}'.")
    return dataclasses.replace(checked, **sequences, recipe=Recipe(**recipe))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (tuple, list)) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
