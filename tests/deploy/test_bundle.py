import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deploy import bundle as bundle_module
from deploy.bundle import MODEL_FILES, read_bundle
from deploy.wandb_bundle import figures
from search_spaces.errors import UserError


def change_manifest(bundle: Path, **fields: object) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_holds_what_the_search_chose(bundle_path: Path) -> None:
    bundle = read_bundle(bundle_path)
    assert bundle.name == bundle_path.name
    assert bundle.precisions == ("fp32", "int8")
    assert bundle.default_precision == "int8"
    assert bundle.levels.names == ("none", "one", "some", "active")
    assert bundle.manifest["training"]["record"] == {"seed": 7, "labelled_clips": 40}
    assert bundle.manifest["search"]["seed"] == 3
    assert {*bundle.manifest["files"], "manifest.json"} == {p.name for p in bundle_path.iterdir()}
    for precision in bundle.manifest["precisions"].values():
        assert precision["delegated_macs_share"] >= 0.99
        assert precision["max_difference"] <= precision["tolerance"]
        assert precision["compared_clips"] >= 4 + 4 + 22  # calibration, extremes, validation


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_models_answer_as_the_vectors_say(bundle_path: Path, precision: str) -> None:
    bundle = read_bundle(bundle_path)
    vectors = bundle.vectors()
    answers = bundle.load(precision).run_many(vectors.inputs)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-5)
    expected = vectors.expected[precision]
    np.testing.assert_allclose(answers, expected, atol=bundle.tolerance(precision))
    assert np.ptp(expected, axis=0).max() > 10 * 1e-3  # the inputs tell nets apart


def test_level_of_the_input_says_nothing(bundle_path: Path) -> None:
    bundle = read_bundle(bundle_path)
    clip = bundle.vectors().inputs[0]
    model = bundle.load("fp32")
    np.testing.assert_allclose(model.run(clip), model.run(clip * 10 ** (-30 / 20)), atol=1e-2)


@pytest.mark.parametrize("name", ["model.pte", "model_int8.pte", "vectors.bin", "README.md"])
def test_changed_byte_is_refused(bundle_copy: Callable[[], Path], name: str) -> None:
    path = bundle_copy() / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}: changed since it was lowered"):
        read_bundle(path.parent)
    read_bundle(path.parent, verify=False)


def test_shorter_or_missing_file_is_refused(bundle_copy: Callable[[], Path]) -> None:
    bundle = bundle_copy()
    path = bundle / MODEL_FILES["fp32"]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"model\.pte: has \d+ bytes, manifest\.json says \d+"):
        read_bundle(bundle)
    path.unlink()
    with pytest.raises(UserError, match=r"model\.pte: missing, though manifest\.json lists it"):
        read_bundle(bundle)


def test_older_runtime_is_refused(
    bundle_copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_copy()
    for installed, accepted in (("1.4.2", True), ("1.10.0", True), ("1.3.9", False)):
        monkeypatch.setattr(bundle_module, "runtime_version", lambda v=installed: v)
        if accepted:
            read_bundle(bundle)
        else:
            with pytest.raises(
                UserError, match=r"lowered for executorch 1\.4\.1, .* older 1\.3\.9"
            ):
                read_bundle(bundle)


def test_what_is_no_bundle_is_refused(bundle_copy: Callable[[], Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder, expected a bundle"):
        read_bundle(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"not a bundle, has no manifest\.json"):
        read_bundle(tmp_path)
    bundle = bundle_copy()
    with pytest.raises(UserError, match=f"has no manifest.json; name one in it, as {bundle}"):
        read_bundle(bundle.parent)
    with pytest.raises(UserError, match=f"is a file of a bundle; give its folder, {bundle}"):
        read_bundle(bundle / "manifest.json")
    change_manifest(bundle, rate_hz=8000)
    with pytest.raises(UserError, match=r"manifest\.json: field \$\.rate_hz: 16000 was expected"):
        read_bundle(bundle)


@pytest.mark.parametrize("samples", [40_000, 2**62])
def test_a_length_that_is_not_the_model_s_is_refused(
    bundle_copy: Callable[[], Path], samples: int
) -> None:
    path = bundle_copy()
    change_manifest(path, clip_samples=samples)
    with pytest.raises(UserError, match=rf"clip_samples: is {samples}, the model takes 80000"):
        read_bundle(path).load("fp32")
    change_manifest(path, clip_samples=1e308)
    with pytest.raises(UserError, match=r"clip_samples: 1e\+308 is not of type 'integer'"):
        read_bundle(path)


def test_a_dashboard_hears_of_an_int8_that_was_refused(bundle_copy: Callable[[], Path]) -> None:
    path = bundle_copy()
    precisions = json.loads((path / "manifest.json").read_text())["precisions"]
    refused = {"precisions": {**precisions, "int8": None}, "int8_reason": "int8 loses 3 points"}
    change_manifest(path, **refused, int8_drop_points=3.0)
    told = figures(read_bundle(path, verify=False))
    assert (told["lower/int8_kept"], told["lower/int8_drop_points"]) == (0, 3.0)


def test_what_int8_loses_stands_in_a_manifest_once(
    bundle_path: Path, bundle_copy: Callable[[], Path]
) -> None:
    quantisation = read_bundle(bundle_path).manifest["precisions"]["int8"]["quantisation"]
    assert [name for name in quantisation if name.endswith("drop_points")] == []
    manifest = json.loads((bundle_path / "manifest.json").read_text())
    assert read_bundle(bundle_path).int8_drop_points == manifest["int8_drop_points"]
    earlier = bundle_copy()
    precisions = json.loads((earlier / "manifest.json").read_text())["precisions"]
    precisions["int8"]["quantisation"]["level_error_drop_points"] = 0.75
    change_manifest(earlier, precisions=precisions, int8_drop_points=None)
    manifest = json.loads((earlier / "manifest.json").read_text())
    del manifest["int8_drop_points"]
    (earlier / "manifest.json").write_text(json.dumps(manifest))
    assert read_bundle(earlier, verify=False).int8_drop_points == 0.75


def test_precision_that_was_not_kept_is_refused_with_its_reason(
    bundle_copy: Callable[[], Path],
) -> None:
    path = bundle_copy()
    precisions = json.loads((path / "manifest.json").read_text())["precisions"]
    change_manifest(
        path, precisions={**precisions, "int8": None}, int8_reason="int8 loses 3 points"
    )
    bundle = read_bundle(path)
    assert bundle.default_precision == "fp32"
    with pytest.raises(UserError, match="holds no int8 model: int8 loses 3 points"):
        bundle.model_path("int8")
    with pytest.raises(UserError, match="precision: got 'fp16', expected one of fp32, int8"):
        bundle.load("fp16")


def test_a_task_of_other_outputs_than_the_model_s_is_refused(
    bundle_copy: Callable[[], Path],
) -> None:
    path = bundle_copy()
    task = {"kind": "classes", "names": ["dog", "cat", "cow"], "several": False}
    change_manifest(path, task=task)
    with pytest.raises(
        UserError, match=r"field \$\.task: says what 3 outputs mean, the model gives 1"
    ):
        read_bundle(path).load("fp32")
    change_manifest(path, task={**task, "names": ["dog", "dog"]})
    with pytest.raises(
        UserError, match=r"manifest\.json: classes: got .* expected distinct names;"
    ):
        read_bundle(path).load("fp32")


def test_outputs_that_are_named_in_two_ways_are_refused(bundle_copy: Callable[[], Path]) -> None:
    path = bundle_copy()
    outputs = json.loads((path / "manifest.json").read_text())["outputs"]
    change_manifest(path, outputs=[outputs[1], outputs[0], *outputs[2:]])
    with pytest.raises(
        UserError, match=r"manifest\.json: field \$\.outputs: names the outputs otherwise than \$"
    ):
        read_bundle(path).load()


def test_a_model_without_a_digest_is_refused(bundle_copy: Callable[[], Path]) -> None:
    path = bundle_copy()
    files = json.loads((path / "manifest.json").read_text())["files"]
    del files["model_int8.pte"]
    change_manifest(path, files=files)
    with pytest.raises(
        UserError, match=r"field \$\.files: lacks model_int8\.pte, though the bundle"
    ):
        read_bundle(path)
