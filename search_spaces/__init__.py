"""Spaces of small speech nets, their supernets, costs and search.

Names are imported from their modules when first used, so that ``--help`` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {
    "architecture": (
        "Architecture",
        "from_indices",
        "largest",
        "random_architecture",
        "read_architecture",
        "smallest",
        "write_architecture",
    ),
    "batch_norm": ("frozen_batch_norm_statistics", "recalibrate_batch_norm"),
    "cost": ("Cost", "costs", "layer_descriptors"),
    "layer": ("Layer",),
    "space": ("SpaceSpec",),
    "spaces": ("get_space",),
    "strategy": ("progressive", "sandwich"),
    "supernet": ("Supernet", "build_subnet", "build_supernet"),
    "supernet_file": ("SupernetFile", "read_supernet", "write_supernet"),
}
_HOME = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
