"""What was judged survives a kill at any moment."""

import json

import pytest

from search_spaces.evaluations import Evaluations, inputs_key

KEY = inputs_key({"checkpoint": "abc", "clips": 3})
OTHER = inputs_key({"checkpoint": "abd", "clips": 3})


def fill(path):
    with Evaluations(path, KEY) as evaluations:
        evaluations.add((0, 1, 2), 0.25)
        evaluations.add((3, 1, 2), 0.5)


def test_judgements_are_found_again(tmp_path):
    path = tmp_path / "out" / "evaluations.jsonl"
    fill(path)
    with Evaluations(path, KEY) as evaluations:
        assert len(evaluations) == 2
        assert (0, 1, 2) in evaluations
        assert evaluations[3, 1, 2] == 0.5
        assert (9, 9, 9) not in evaluations


def test_those_of_other_inputs_are_kept_but_not_used(tmp_path):
    path = tmp_path / "evaluations.jsonl"
    fill(path)
    with Evaluations(path, OTHER) as evaluations:
        assert len(evaluations) == 0
        evaluations.add((0, 1, 2), 0.75)
    with Evaluations(path, KEY) as evaluations:
        assert evaluations[0, 1, 2] == 0.25


def test_a_file_cut_anywhere_loses_only_the_line_that_was_cut(tmp_path):
    path = tmp_path / "evaluations.jsonl"
    fill(path)
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        with Evaluations(path, KEY) as evaluations:
            assert len(evaluations) >= (cut >= first) + (cut == len(content))
            evaluations.add((7, 7, 7), 0.125)
        with Evaluations(path, KEY) as evaluations:
            assert evaluations[7, 7, 7] == 0.125
        for line in path.read_bytes().splitlines():
            json.loads(line)


def test_lines_that_are_not_ours_are_ignored(tmp_path):
    path = tmp_path / "evaluations.jsonl"
    half = '{"key": "%s", "indices": %s, "ranking_error": %s}\n'
    damaged = half % (KEY, "7", "0.5") + half % (KEY, '["a"]', "0.5") + half % (KEY, "[7]", "null")
    for error in ("NaN", "Infinity", "-0.5", "true", '"0.5"', "1" + "0" * 400):
        damaged += half % (KEY, "[7]", error)
    path.write_text('[]\nnonsense\n{"key": 1}\n' + damaged)
    with Evaluations(path, KEY) as evaluations:
        assert len(evaluations) == 0


def test_a_folder_in_the_way_is_refused_by_the_system(tmp_path):
    (tmp_path / "evaluations.jsonl").mkdir()
    with pytest.raises(IsADirectoryError):
        Evaluations(tmp_path / "evaluations.jsonl", KEY)
