from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.benchmark_table import benchmark_table
from deploy.bundle import Bundle, read_bundle


def measured(precision: str, p50: float) -> dict[str, Any]:
    return {"bundle": {"precision": precision}, "latency_ms": {"p50": p50}}


def named(bundle: Bundle, space: str, error: float | None) -> Bundle:
    manifest = deepcopy(bundle.manifest)
    manifest["architecture"]["space"] = space
    manifest["precisions"]["fp32"]["validation"]["level_error"]["value"] = error
    return replace(bundle, manifest=manifest)


def test_nets_of_any_space_stand_beside_each_other_fastest_first(bundle_path: Path) -> None:
    bundle = read_bundle(bundle_path)
    rows = [
        (named(bundle, "deepspectrum-1s", None), measured("fp32", 5.5)),
        (named(bundle, "sam-nano", 0.125), measured("fp32", 0.5)),
    ]
    head, first, second = benchmark_table(rows).splitlines()
    assert " ".join(head.split()) == "net space precision MB params MMAC ms (p50) validation"
    size_mb = bundle.manifest["files"]["model.pte"]["bytes"] / 1e6
    assert first.split()[:4] == [bundle.name, "sam-nano", "fp32", f"{size_mb:.3f}"]
    assert first.endswith("0.500  level error 12.5 %")
    assert second.split()[1] == "deepspectrum-1s"
    assert second.split()[-2:] == ["5.500", "unknown"]
    assert first.index("fp32") == second.index("fp32")
