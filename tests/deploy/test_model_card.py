import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.model_card import model_card
from search_spaces.task_classes import ClassesTask

SHIPPED = Path(__file__).parents[2] / "models" / "sam" / "manifest.json"


@pytest.fixture
def manifest() -> dict[str, Any]:
    return json.loads(SHIPPED.read_text(encoding="utf-8"))


def test_the_training_reads_as_text_and_its_settings_as_yaml(manifest: dict[str, Any]) -> None:
    manifest["training"]["record"]["readers"] = {"train": 7, "test": 2}
    manifest["training"]["record"]["answers_of"] = [{"name": "a"}, {"name": "b"}]
    card = model_card(manifest)
    assert "- readers: train 7, test 2\n" in card
    assert "- answers_of: name a; name b\n" in card
    settings = card.split("```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(settings) == manifest["training"]["record"]["settings"]
    assert "{'" not in card


def test_a_class_that_is_not_utf_8_is_shown(manifest: dict[str, Any]) -> None:
    del manifest["levels"]
    manifest["task"] = ClassesTask(("dog", "caf\udce9")).to_json()
    for precision in manifest["precisions"].values():
        level_error = precision["validation"]["level_error"]
        precision["validation"] = dict.fromkeys(("error", "balanced_error"), level_error)
    assert r"(dog, caf\udce9)" in model_card(manifest)


def test_an_unknown_training_says_why(manifest: dict[str, Any]) -> None:
    manifest["training"] = {"record": None, "reason": "weights of elsewhere"}
    assert "Unknown: weights of elsewhere." in model_card(manifest)
