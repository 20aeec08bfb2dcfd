"""Judging nets of the space on labelled clips, each with its own batch norm statistics.

The largest net, or the fixed one, has them from its training, as export and search keep them.

B clips, C calibration clips, T samples, N outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lightning_modules.objective import Objective
from lightning_modules.students import Net, Students
from search_spaces.architecture import Architecture
from search_spaces.batch_norm import even_parts, recalibrate_batch_norm

CALIBRATION_BATCH = 32


class Judge:
    """Collects what several nets say batch by batch, then computes their metrics.

    Args:
        students: makes the nets.
        objective: of the task that they are judged by.
    """

    def __init__(self, students: Students, objective: Objective) -> None:
        self.students = students
        self.objective = objective
        self.nets: dict[str, nn.Module] = {}
        self.logits: dict[str, list[Tensor]] = {}
        self.labels: list[tuple[Tensor, Tensor]] = []

    @property
    def recalibrates(self) -> bool:
        """Whether `prepare` needs calibration clips."""
        return not all(map(self._has_own_statistics, self.students.judged().values()))

    def prepare(self, weights: Net, calibration: Tensor) -> None:
        """Extract the nets from ``weights`` and recalibrate them; forget what was collected.

        Args:
            weights: the supernet, or the one fixed net.
            calibration: float32 [C, T], unlabelled training clips on the device of ``weights``;
                none unless `recalibrates`.
        """
        self.logits, self.labels = {}, []
        parts = even_parts(len(calibration), CALIBRATION_BATCH)
        for name, architecture in self.students.judged().items():
            net = self.students.extract(weights, architecture).to(calibration.device)
            if not self._has_own_statistics(architecture):
                recalibrate_batch_norm(net, (calibration[part] for part in parts))
            self.nets[name] = net.eval()

    def _has_own_statistics(self, architecture: Architecture) -> bool:
        """Whether those of the weights are this net's; see `SubnetJudge`."""
        return architecture == self.students.teacher

    @torch.no_grad()
    def add(self, waveform: Tensor, lo: Tensor, hi: Tensor) -> None:
        """One batch: waveform float32 [B, T], lo and hi as in `Task`."""
        for name, net in self.nets.items():
            with torch.autocast(waveform.device.type, enabled=False):
                logits = net(waveform.float())
            self.logits.setdefault(name, []).append(logits.cpu())
        self.labels.append((lo.cpu(), hi.cpu()))

    def metrics(self, intervals: bool) -> dict[str, float]:
        """Metrics of all clips by ``<metric>/<net>``; one that no label settles is left out.

        Args:
            intervals: also the ends of the 95 % intervals, as ``<metric>_low`` and ``_high``.
        """
        lo = torch.cat([lo for lo, _ in self.labels])
        hi = torch.cat([hi for _, hi in self.labels])
        result: dict[str, float] = {}
        for name, batches in self.logits.items():
            logits = torch.cat(batches)
            result[f"nll/{name}"] = self.objective.likelihood(logits, lo, hi).item()
            probabilities = self.objective.task.probabilities(logits.double()).numpy()
            judged = self.objective.task.judge(probabilities, lo.numpy(), hi.numpy())
            for metric, estimate in judged.items():
                value, low, high = estimate.value, estimate.low, estimate.high
                if value is None or low is None or high is None:
                    continue
                result[f"{metric}/{name}"] = value
                if intervals:
                    result[f"{metric}_low/{name}"] = low
                    result[f"{metric}_high/{name}"] = high
        return result
