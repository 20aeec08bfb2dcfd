"""job.json: the same work gives the same bytes, as the runner's tests know them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.bundle import read_bundle
from deploy.phone_job import (
    ENERGY,
    LATENCY,
    MEMORY,
    SCHEMA,
    Job,
    build_job,
    bundle_model,
    check_runtime,
    piece_model,
)
from deploy.phone_runner import read_runner
from search_spaces.errors import UserError
from search_spaces.files import sha256_file
from tests.deploy.phone_device.fixtures import write_runner

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models" / "sam"
GOLDEN = ROOT / "android_runner" / "golden"


def job_of_bundle(serial: str = "A1", **changed: Any) -> Job:
    models = [bundle_model(read_bundle(BUNDLE), precision) for precision in ("fp32", "int8")]
    parts = {"latency": LATENCY, "memory": MEMORY, "energy": {"threads": 1, **ENERGY}, **changed}
    return build_job(serial, models, "2026-11-21T08:00:00+00:00", [1, 2, 4], **parts)


def test_the_same_work_on_the_same_phone_is_the_same_job() -> None:
    assert job_of_bundle().text == job_of_bundle().text
    assert job_of_bundle().job_id != job_of_bundle(serial="B2").job_id
    assert job_of_bundle().job_id != job_of_bundle(energy=None).job_id
    assert job_of_bundle().sha256 != job_of_bundle(energy=None).sha256


def test_the_time_is_that_of_the_windows() -> None:
    """Two models: three minutes of latency each, then 5 x 95 + 6 x 65 s of energy."""
    assert job_of_bundle(energy=None).minutes == 6
    assert job_of_bundle().minutes == pytest.approx(2 * (3 + 865 / 60))
    day = {"threads": 1, "interval_seconds": 60, "minutes": 30}
    assert job_of_bundle(energy=None, day_profile=day).minutes == 6 + 2 * 60


def test_too_few_windows_for_an_interval_are_refused() -> None:
    with pytest.raises(jsonschema.ValidationError, match="'repeats': 2"):
        job_of_bundle(energy={"threads": 1, **ENERGY, "repeats": 2})


def test_files_go_by_their_content() -> None:
    job = job_of_bundle()
    assert {path.name for path in job.files.values()} == {
        "manifest.json",
        "model.pte",
        "model_int8.pte",
        "vectors.bin",
    }
    for sha256, path in job.files.items():
        assert sha256_file(path) == sha256
    first = json.loads(job.text)["models"][0]
    assert first["model"]["path"] == f"../../files/{first['model']['sha256']}"
    assert first["manifest"]["sha256"] == sha256_file(BUNDLE / "manifest.json")


def test_a_piece_is_a_program_alone() -> None:
    piece = piece_model("frontend-1-fp32", "fp32", BUNDLE / "model.pte", 80_000, "1.4.1")
    job = build_job("A1", [piece], "2026-11-21T08:00:00+00:00", [1], latency=LATENCY)
    (model,) = json.loads(job.text)["models"]
    assert model["input_shape"] == [1, 80_000]
    assert "vectors" not in model


@pytest.mark.parametrize(
    ("needed", "has", "refused"),
    [
        ("1.4.1", "1.4.1", False),
        ("1.4.1", "1.10", False),
        ("1.4.1", "1.4.0", True),
        ("1.4.1", "1.4", True),
    ],
)
def test_an_older_runtime_is_refused(tmp_path: Path, needed: str, has: str, refused: bool) -> None:
    runner = read_runner(write_runner(tmp_path, runtime_version=has))
    if not refused:
        check_runtime("a bundle", needed, runner)
        return
    with pytest.raises(UserError, match=f"a bundle: lowered for executorch {needed}, the runner"):
        check_runtime("a bundle", needed, runner)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("job-*.json")), ids=lambda path: path.name)
def test_golden_jobs_fit_the_schema(path: Path) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(path.read_text()))


def test_the_golden_job_is_what_is_written() -> None:
    """Kotlin's tests read it too; rewrite it with `job_of_bundle().text` after a change."""
    golden = json.loads((GOLDEN / "job-phone.json").read_text())
    written = json.loads(job_of_bundle().text)
    for job in (golden, written):
        del job["job_id"], job["kit_version"]
        for model in job["models"]:  # the shipped bundle may be made anew
            for part in ("manifest", "model", "vectors"):
                model[part] = "a file"
            model["name"] = model["key"] = "a name"
    assert golden == written
