import json
from pathlib import Path

import pytest

from benchmarks import loader


def test_loader_benchmark_states_clips_per_second_of_a_core(
    prepared_speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "loader.json"
    arguments = ["--speech", str(prepared_speech), "--seconds", "0.05", "--batches", "1"]
    assert loader.main([*arguments, "--out", str(result)]) == 0
    written = json.loads(result.read_text())
    assert [row["unit"] for row in written["figures"]] == ["clips/s", "clips/s"]
    assert all(row["value"] > 0 for row in written["figures"])
    assert written["command"].startswith("python -m benchmarks.loader --speech")
    text, _, printed = capsys.readouterr().out.partition("{")
    assert "libricount: clips of one core:" in text
    assert json.loads("{" + printed)["machine"]["date"]
