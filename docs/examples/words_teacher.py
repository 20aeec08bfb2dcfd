"""A teacher of words: Google's speech embedding as TorchScript, out of openWakeWord's wheel.

    pip download --no-deps openwakeword==0.5.1
    unzip openwakeword-0.5.1-py3-none-any.whl 'openwakeword/resources/models/*'
    pip install onnx  # in any environment that has torch
    python docs/examples/words_teacher.py openwakeword/resources/models words-teacher.pt

The embedding is that of Lin et al. 2020, "Training keyword spotters with limited and synthesized
speech data": 330 thousand parameters, 96 numbers for each 80 ms. Its licence is Apache-2.0; the
wheel's own wake words, which are not used here, are CC BY-NC-SA 4.0.
Letters: B clips, T samples, M bands, W frames.
"""

import sys
from pathlib import Path

try:
    import onnx
    import torch
    from onnx import numpy_helper
    from torch import Tensor, nn
except ImportError as error:
    print(f"error: {error}; pip install onnx, where torch is", file=sys.stderr)
    raise SystemExit(2) from None

# Samples of silence on either side. An embedding hears 0.78 s, and a word at the clip's edge must
# be heard whole by as many of them as one in the middle; of a clip of a second there are 18.
PAD = 9_600
INT16 = 32_767.0  # it was trained on whole numbers


def graph(path: Path) -> tuple[list[onnx.NodeProto], dict[str, Tensor]]:
    """The nodes in order, and the weights by name."""
    found = onnx.load(path).graph
    weights = {w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in found.initializer}
    return list(found.node), weights


class Floor(nn.Module):
    """The larger of the input and a constant."""

    def __init__(self, least: float) -> None:
        super().__init__()
        self.least = least

    def forward(self, inputs: Tensor) -> Tensor:
        """Any shape -> the same."""
        return inputs.clamp_min(self.least)


def network(path: Path) -> nn.Sequential:
    """[B, 1, W, M] -> [B, 96, embeddings, 1]."""
    nodes, weights = graph(path)
    layers: list[nn.Module] = []
    for node in nodes:
        given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            weight, *bias = (weights[name] for name in node.input[1:])
            outputs, inputs, *kernel = weight.shape
            top, left, *_ = given.get("pads", (0, 0))
            conv = nn.Conv2d(inputs, outputs, kernel, padding=(top, left), bias=bool(bias))
            conv.load_state_dict({"weight": weight, **({"bias": bias[0]} if bias else {})})
            layers.append(conv)
        elif node.op_type == "LeakyRelu":
            layers.append(nn.LeakyReLU(given["alpha"]))
        elif node.op_type == "Max":
            layers.append(Floor(weights[node.input[1]].item()))
        elif node.op_type == "MaxPool":
            layers.append(nn.MaxPool2d(given["kernel_shape"], given["strides"]))
        elif node.op_type != "Reshape":
            raise SystemExit(f"{path}: holds a {node.op_type}; take openwakeword 0.5.1")
    return nn.Sequential(*layers)


class WordsTeacher(nn.Module):
    """Waveform float32 [B, T] at 16 kHz, of any level -> [B, embeddings, 96]."""

    def __init__(self, models: Path) -> None:
        super().__init__()
        _, weights = graph(models / "melspectrogram.onnx")
        self.register_buffer("real", weights["0.stft.conv_real.weight"])
        self.register_buffer("imaginary", weights["0.stft.conv_imag.weight"])
        self.register_buffer("bands", weights["1.melW"])
        self.net = network(models / "embedding_model.onnx").to(memory_format=torch.channels_last)

    def forward(self, waveform: Tensor) -> Tensor:
        """See the class."""
        peak = waveform.abs().amax(dim=1, keepdim=True).clamp_min(1e-4)
        padded = nn.functional.pad(0.5 * INT16 * waveform / peak, (PAD, PAD))[:, None]
        parts = [torch.conv1d(padded, part, stride=160) for part in (self.real, self.imaginary)]
        power = sum(part.square() for part in parts).transpose(1, 2) @ self.bands  # [B, W, M]
        level_db = 10 * power.clamp_min(1e-10).log10()
        loudest = level_db.amax(dim=(1, 2), keepdim=True)
        features = torch.maximum(level_db, loudest - 80) / 10 + 2  # as openWakeWord scales them
        seen = features[:, None].contiguous(memory_format=torch.channels_last)
        return self.net(seen).squeeze(3).transpose(1, 2)


if __name__ == "__main__":
    if len(sys.argv) != 3 or not Path(sys.argv[1], "embedding_model.onnx").is_file():
        print(f"usage: {sys.argv[0]} FOLDER_OF_THE_WHEELS_MODELS OUT.pt", file=sys.stderr)
        raise SystemExit(2)
    teacher = WordsTeacher(Path(sys.argv[1])).eval()
    program = torch.jit.trace(teacher, 0.1 * torch.randn(2, 16_000))
    torch.jit.save(program, sys.argv[2], _extra_files={"teacher.json": '{"rate_hz": 16000}'})
