import cProfile
import json
import pstats
from pathlib import Path

import pytest

from benchmarks import training
from search_spaces.errors import UserError


@pytest.fixture
def fit_takes(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """`fit` is not run: it takes 5 s and 0.5 s a step, twice that in another folder."""
    called: list[list[str]] = []

    def cpu_seconds(
        code: Path, arguments: list[str], cache: Path, profile: Path | None = None
    ) -> float:
        assert (code == training._ROOT) == cache.name.endswith(training._ROOT.name)
        called.append(arguments)
        steps = int(arguments[arguments.index("--trainer.max_steps") + 1])
        if profile is not None:
            profiler = cProfile.Profile()
            profiler.runcall(int)
            profiler.dump_stats(profile)
        faster = 0.5 if "--trainer.precision" in arguments else 1.0
        return 5 + faster * steps * (0.5 if code == training._ROOT else 1.0)

    monkeypatch.setattr(training, "cpu_seconds", cpu_seconds)
    return called


def test_clips_per_second_without_the_start(fit_takes, tmp_path, capsys) -> None:
    out = tmp_path / "training.json"
    config = "lightning_modules/configs/smoke.yaml"
    given = ["--speech", "espeak:40", "--config", config, "--out", str(out), "--against", "HEAD"]
    assert training.main([*given, "--precision", "bf16-mixed"]) == 0
    figures = json.loads(out.read_text())["figures"]
    clips = json.loads(out.read_text())["details"]["clips"]
    assert [row["value"] for row in figures[:3]] == pytest.approx(
        [clips / s for s in (0.5, 0.25, 1)]
    )
    assert [row["value"] for row in figures[3:5]] == pytest.approx([2.0, 4.0])
    assert {row["target"] for row in figures[3:5]} == {">= 2"}
    folders = [call[call.index("--trainer.default_root_dir") + 1] for call in fit_takes]
    assert len(set(folders)) == len(folders), "no run resumes another one"
    assert "against HEAD: 2 times" in capsys.readouterr().out


def test_another_recipe_beside_it_has_as_many_clips_a_step(fit_takes, tmp_path) -> None:
    out = tmp_path / "training.json"
    given = ["--speech", "espeak:40", "--out", str(out), "--against", "HEAD", "--runs", "1"]
    assert training.main([*given, "--beside", "--config other.yaml --trainer.precision x"]) == 0
    result = json.loads(out.read_text())
    batches = [call for call in fit_takes if "other.yaml" in call]
    clips = f"--data.labelled_batch_size={result['details']['clips']}"
    assert batches
    assert all(clips in call and "--data.unlabelled_batch_size=0" in call for call in batches)
    assert not any(str(training.CONFIG) in call for call in batches), "its configuration alone"
    assert [row["value"] for row in result["figures"][3:5]] == pytest.approx([2.0, 4.0])


def test_options_beside_that_do_not_close_their_quote_are_refused() -> None:
    with pytest.raises(UserError, match=r"--beside: No closing quotation in --config 'a"):
        training.main(["--speech", "espeak", "--beside", "--config 'a"])


def test_parts_are_found_by_module_and_function(tmp_path) -> None:
    module = tmp_path / "students.py"
    module.write_text("def of():\n    return sum(range(10**5))\n")
    scope: dict[str, object] = {}
    exec(compile(module.read_text(), str(module), "exec"), scope)
    profiler = cProfile.Profile()
    for _ in range(4):
        profiler.runcall(scope["of"])
    parts = training.parts_of(pstats.Stats(profiler))
    assert set(parts) == set(training.PARTS)
    assert parts["features of the students"] > 0
    assert parts["teacher"] == 0


def test_a_revision_is_checked_out_and_put_away() -> None:
    with training.checked_out("HEAD") as folder:
        assert Path(folder, "pyproject.toml").is_file()
    assert not folder.exists()
    with pytest.raises(UserError, match=r"--against: nowhere cannot be checked out \(fatal: .*\)"):
        training.checked_out("nowhere").__enter__()


def test_a_failing_fit_is_one_line(tmp_path) -> None:
    with pytest.raises(UserError, match=r"lightning_modules fit: failed in .*: .*no\.yaml"):
        training.cpu_seconds(training._ROOT, ["--config", str(tmp_path / "no.yaml")], tmp_path)


def test_a_config_without_data_is_refused(tmp_path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("model: {}\n")
    with pytest.raises(UserError, match=r"--config: .*config\.yaml is no config of `fit`"):
        training.main(["--speech", "espeak", "--config", str(config)])
