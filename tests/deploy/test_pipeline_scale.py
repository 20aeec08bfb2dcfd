import re
from pathlib import Path

import pytest

from deploy.pipeline_scale import CONFIGS_FOLDER, SCALES_FOLDER, SHIPPED_SCALES, read_scale
from search_spaces.errors import UserError
from search_spaces.spaces import get_space


def test_every_file_is_a_shipped_scale():
    assert sorted(path.stem for path in SCALES_FOLDER.iterdir()) == sorted(SHIPPED_SCALES)


@pytest.mark.parametrize("name", SHIPPED_SCALES)
def test_a_shipped_scale_names_a_space_and_a_config_that_exist(name):
    scale = read_scale(name)
    assert get_space(scale.space).name == scale.space
    for config in filter(None, (scale.begin_config, scale.fit_config)):
        assert (CONFIGS_FOLDER / f"{config}.yaml").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("labeled_clips: 3", r"field \$: .*'labeled_clips' was unexpected"),
        ("labelled_clips: 1", r"field \$.labelled_clips: 1 is less than the minimum of 2"),
        ("fit_config: nope", r"own.yaml: field fit_config: nope is neither a shipped config"),
        ("arguments: {fitt: []}", r"field \$.arguments: 'fitt' does not match"),
        ("root: here", r"own.yaml: field root: the task is counts, which has none"),
        ("task: classes", r"own.yaml: field speech: the task is classes, which has none"),
        ("begin_config: sam-voices", "field expected_seconds: lacks begin, which the scale has"),
        ("{", "not valid YAML"),
        ("tune_steps: 2024-02-30", r"own.yaml: not valid YAML \(day is out of range for month\)"),
        ("arguments: {1: []}", r"own.yaml: not valid YAML \(1 is no name; quote or remove it"),
        ("tune_steps: !!float x", "not valid YAML"),
        ('tune_steps: !!int "x"', "not valid YAML"),
        ("tune_steps: !!bool x", "not valid YAML"),
        ("tune_steps: !!timestamp x", "not valid YAML"),
        ("tune_steps: " + 5000 * "[", "not valid YAML"),
    ],
)
def test_a_wrong_scale_is_refused_by_field(tmp_path: Path, change, message):
    path = tmp_path / "own.yaml"
    smoke = (SCALES_FOLDER / "smoke.yaml").read_text()
    field = change.partition(":")[0]
    without = re.sub(rf"^{re.escape(field)}:.*\n(  .*\n)*", "", smoke, flags=re.MULTILINE)
    path.write_text(without + change + "\n")
    with pytest.raises(UserError, match=message):
        read_scale(str(path))


def test_a_scale_without_speech_is_refused(tmp_path: Path):
    lines = (SCALES_FOLDER / "smoke.yaml").read_text().splitlines()
    path = tmp_path / "own.yaml"
    path.write_text("\n".join(line for line in lines if not line.startswith("speech:")))
    with pytest.raises(UserError, match=r"field speech: missing, though the task is counts"):
        read_scale(str(path))


def test_classes_have_no_synthetic_voices_to_begin_with(tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_text((SCALES_FOLDER / "folder.yaml").read_text() + "begin_config: sam-voices\n")
    with pytest.raises(UserError, match="field begin_config: the task is classes, which has none"):
        read_scale(str(path))


@pytest.mark.parametrize("stage", ["clips", "tune"])
def test_a_stage_without_its_usual_duration_is_refused(tmp_path: Path, stage: str):
    lines = (SCALES_FOLDER / "smoke.yaml").read_text().splitlines()
    path = tmp_path / "own.yaml"
    path.write_text("\n".join(line for line in lines if not line.startswith(f"  {stage}:")))
    with pytest.raises(UserError, match=f"field expected_seconds: lacks {stage}, which the scale"):
        read_scale(str(path))


def test_an_unknown_scale_names_the_known_ones():
    with pytest.raises(UserError, match="--scale huge: expected smoke, demo"):
        read_scale("huge")


def test_a_scale_says_how_its_clips_are_mixed():
    protocols = {name: read_scale(name).protocol for name in SHIPPED_SCALES}
    assert protocols["many"] == "multicondition"
    assert protocols["demo"] == "libricount"
    assert protocols["folder"] is None
