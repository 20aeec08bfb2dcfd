from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lightning_modules.judging import Judge
from lightning_modules.objective import objective_of
from lightning_modules.sampling import Sampling
from lightning_modules.students import FeatureCache, Students, middle
from search_spaces.architecture import largest, smallest, write_architecture
from search_spaces.batch_norm import recalibrate_batch_norm
from search_spaces.errors import UserError
from search_spaces.frontier import save_weights
from search_spaces.spaces import get_space
from search_spaces.supernet import build_subnet, build_supernet
from search_spaces.supernet_file import write_supernet
from search_spaces.task import Task
from search_spaces.task_classes import ClassesTask
from search_spaces.task_counts import CountsTask
from search_spaces.task_embedding import TeacherTask

NANO = get_space("sam-nano")
T = 80_000


def test_a_step_trains_the_sandwich_and_another_step_other_nets():
    students = Students("sam-lite", None, random_subnets=2, seed=1)
    spec = students.spec
    first, second = students.of_step(0), students.of_step(1)
    assert first[:2] == second[:2] == [largest(spec), smallest(spec)]
    assert len(first) == 4
    assert first[2:] != second[2:]
    assert first == students.of_step(0)


def test_progressive_shrinking_trains_as_many_nets_a_step():
    students = Students("sam-lite", None, 2, seed=1, sampling=Sampling("progressive"))
    early, late = students.of_step(5, done=0.1), students.of_step(5, done=1.0)
    assert len(early) == len(late) == len(Students("sam-lite", None, 2, seed=1).of_step(5))
    assert early[0] == late[0] == largest(students.spec)
    assert {net.choices["stage2_depth"] for net in early} == {2}


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        ((0.1, 0.2, 1.5), r"model.sampling.begin: got 1.5, expected 0.0 to 1.0"),
        ((0.5, 0.2, 0.8), r"model.sampling.begin: got \[0.5, 0.2, 0.8\], expected kernels, depths"),
    ],
)
def test_phases_out_of_order_are_refused(begin: tuple[float, float, float], message: str):
    with pytest.raises(UserError, match=message):
        Sampling("progressive", begin)


def test_the_middle_net_is_neither_end():
    for name in ("sam", "sam-lite", "sam-nano"):
        spec = get_space(name)
        assert middle(spec).validate(spec) not in (largest(spec), smallest(spec))


@pytest.mark.parametrize("fixed", [False, True])
def test_training_starts_from_the_weights_of_a_supernet(tmp_path: Path, fixed: bool):
    supernet = build_supernet(NANO, seed=5)
    write_supernet(tmp_path / "supernet.pt", supernet, {})
    architecture = tmp_path / "architecture.json"
    write_architecture(architecture, smallest(NANO))
    students = Students(
        "sam-nano", architecture if fixed else None, 2, seed=1,
        initial_weights=tmp_path / "supernet.pt",
    )  # fmt: skip
    expected = (supernet.extract(smallest(NANO)) if fixed else supernet).state_dict()
    net = students.build()
    assert all(module.training for module in net.modules())  # or batch norm would learn nothing
    built = net.state_dict()
    assert built.keys() == expected.keys()
    assert all(torch.equal(built[name], expected[name]) for name in expected)


def test_one_net_starts_from_its_own_weights_and_no_others(tmp_path: Path):
    weights, small, large = tmp_path / "subnet.pt", tmp_path / "s.json", tmp_path / "l.json"
    trained = build_subnet(smallest(NANO), 11, seed=5)
    save_weights(weights, smallest(NANO), trained, 11, {"settings": {}})
    write_architecture(small, smallest(NANO))
    write_architecture(large, largest(NANO))
    built = Students("sam-nano", small, 2, seed=1, initial_weights=weights).build().state_dict()
    assert all(torch.equal(built[name], value) for name, value in trained.state_dict().items())
    other = Students("sam-nano", large, 2, seed=1, initial_weights=weights)
    with pytest.raises(UserError, match=r"model.initial_weights: .*subnet.pt is of another net"):
        other.build()


@pytest.mark.parametrize("fixed", [False, True])
def test_an_embedding_begins_any_task_but_for_its_last_layer(tmp_path: Path, fixed: bool):
    embedding = build_supernet(NANO, 7, seed=5)
    write_supernet(tmp_path / "supernet.pt", embedding, {}, TeacherTask(7))
    architecture = tmp_path / "architecture.json"
    write_architecture(architecture, smallest(NANO))
    classes = ClassesTask(("no", "yes"))

    def built(initial: Path | None, task: Task) -> dict[str, torch.Tensor]:
        net = architecture if fixed else None
        students = Students("sam-nano", net, 2, seed=1, initial_weights=initial, task=task)
        return students.build().state_dict()

    begun, fresh = built(tmp_path / "supernet.pt", classes), built(None, classes)
    given = (embedding.extract(smallest(NANO)) if fixed else embedding).state_dict()
    for name, value in begun.items():
        assert torch.equal(value, (fresh if "head.output" in name else given)[name])
    with pytest.raises(UserError, match=r"supernet.pt: its 7 outputs are embedding .* expected 3"):
        built(tmp_path / "supernet.pt", TeacherTask(3))


def test_initial_weights_of_another_space_are_refused(tmp_path: Path):
    write_supernet(tmp_path / "supernet.pt", build_supernet(NANO), {})
    students = Students("sam-lite", None, 2, 1, initial_weights=tmp_path / "supernet.pt")
    with pytest.raises(UserError, match=r"supernet.pt: is of space sam-nano .* expected sam-lite"):
        students.build()


def test_a_fixed_architecture_is_the_only_student_and_the_teacher(tmp_path: Path):
    write_architecture(tmp_path / "architecture.json", smallest(NANO))
    students = Students("sam-nano", tmp_path / "architecture.json", random_subnets=2, seed=1)
    assert students.of_step(0) == [students.teacher] == [smallest(NANO)]
    net = students.build()
    students.activate(net, students.teacher)
    copy = students.extract(net, students.teacher)
    assert all(torch.equal(value, copy.state_dict()[k]) for k, value in net.state_dict().items())
    assert list(students.judged()) == ["fixed"]


def test_an_architecture_of_another_space_is_refused(tmp_path: Path):
    write_architecture(tmp_path / "architecture.json", smallest(NANO))
    with pytest.raises(
        UserError, match=r"is of space sam-nano, not sam; set model.space: sam-nano"
    ):
        Students("sam", tmp_path / "architecture.json", random_subnets=2, seed=1)


def test_an_unknown_space_is_refused_by_field():
    with pytest.raises(UserError, match=r"model.space: space 'big' is unknown; there are sam, "):
        Students("big", None, random_subnets=2, seed=1)


def test_features_are_computed_once_per_front_end():
    students = Students("sam-nano", None, random_subnets=0, seed=1)
    net, calls = students.build(), 0

    def count(features: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return features

    cache = FeatureCache(torch.randn(2, T), count)
    for architecture in (largest(NANO), smallest(NANO), largest(NANO), smallest(NANO)):
        students.activate(net, architecture)
        features = cache.of(net, architecture)
        assert torch.equal(features, net.features(cache.waveform))
    assert calls == 2  # sam-nano has two front ends


def test_the_judge_scores_recalibrated_nets_and_leaves_the_weights_alone():
    students = Students("sam-nano", None, random_subnets=0, seed=1)
    net = students.build()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    judge = Judge(students, objective_of(CountsTask()))
    judge.prepare(net, torch.randn(8, T))
    lo = torch.tensor([0, 3, 10])
    judge.add(torch.randn(3, T), lo, lo)
    judge.add(torch.randn(3, T), lo, torch.tensor([10, 10, 10]))
    metrics = judge.metrics(intervals=True)
    nets = {name.split("/")[1] for name in metrics}
    assert nets == {"largest", "middle", "smallest"}
    assert 0 <= metrics["level_error_low/largest"] <= metrics["level_error/largest"] <= 1
    assert 0 <= metrics["mae/smallest"] <= 10
    assert all(torch.equal(value, before[k]) for k, value in net.state_dict().items())


def test_a_net_with_statistics_of_its_own_is_judged_with_them(tmp_path: Path):
    students = Students("sam-nano", None, random_subnets=0, seed=1)
    net, objective = students.build(), objective_of(CountsTask())
    judge = Judge(students, objective)
    assert judge.recalibrates
    judge.prepare(net, torch.randn(4, T))
    for name, architecture in students.judged().items():
        trained = students.extract(net, architecture).state_dict()
        judged = judge.nets[name].state_dict()
        same = all(torch.equal(judged[key], value) for key, value in trained.items())
        assert same == (name == "largest")
    write_architecture(tmp_path / "net.json", smallest(NANO))
    fixed = Students("sam-nano", tmp_path / "net.json", random_subnets=0, seed=1)
    judge, net = Judge(fixed, objective), fixed.build()
    assert not judge.recalibrates
    judge.prepare(net, torch.empty(0))
    exported = net.state_dict()
    assert all(torch.equal(exported[k], v) for k, v in judge.nets["fixed"].state_dict().items())


def test_nets_are_recalibrated_by_batches_of_one_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lightning_modules.judging.CALIBRATION_BATCH", 3)
    students = Students("sam-nano", None, random_subnets=0, seed=1)
    net, calibration = students.build(), torch.randn(4, T) * torch.rand(4, 1)
    judge = Judge(students, objective_of(CountsTask()))
    judge.prepare(net, calibration)
    halves = students.extract(net, smallest(NANO))
    recalibrate_batch_norm(halves, calibration.split(2))
    judged = judge.nets["smallest"].state_dict()
    for name, value in halves.state_dict().items():
        torch.testing.assert_close(judged[name], value, msg=name)
