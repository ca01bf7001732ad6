"""A small repository that is built like those of the STARK/OSTrack family, or like pytracking."""

from __future__ import annotations

from pathlib import Path

TRACKER = """
import torch

class Still:
    def __init__(self, params, *dataset):
        assert params.debug == 0 and params.visualization is False
        self.network = torch.nn.Conv2d(3, 2, 3).cuda()
        self.params, self.dataset = params, dataset

    def initialize(self, image, info):
        self.info = dict(info)

    def track(self, image, info=None):
        out = self.network(torch.zeros(1, 3, 8, 8).cuda())
        x, y, w, h = self.info["init_bbox"]
        return {"target_bbox": torch.tensor([x + 1, y, w, h]), "conf_score": out.max() * 0 + 0.5}

def get_tracker_class():
    return Still
"""

WRAPPER = """
import importlib

class Tracker:
    def __init__(self, name, parameter_name, *rest):
        self.name, self.parameter_name, self.rest = name, parameter_name, rest
        self.tracker_class = importlib.import_module(f"PACKAGE.tracker.{name}").get_tracker_class()

    def get_parameters(self):
        return importlib.import_module(f"PACKAGE.parameter.{MODULE}").parameters(*ARGUMENTS)

    def create_tracker(self, params):
        return self.tracker_class(params, *self.rest)
"""

PARAMETERS = """
class Params:
    pass

def parameters(yaml_name="default"):
    params = Params()
    params.checkpoint = "weights/CHECKPOINT.pth"
    return params
"""


def write_repository(
    root: Path, package: str = "lib.test", tracker: str = TRACKER, name: str = "still", configuration: str = "default"
) -> Path:
    """Write a repository with one tracker and one configuration."""
    home = root.joinpath(*package.split("."))
    one_file_each = package == "pytracking"
    module = '{self.name}.{self.parameter_name}"' if one_file_each else '{self.name}"'
    wrapper = WRAPPER.replace("PACKAGE", package).replace('{MODULE}"', module)
    wrapper = wrapper.replace("*ARGUMENTS", "" if one_file_each else "self.parameter_name")
    files = {
        home / "evaluation" / "tracker.py": wrapper,
        home / "tracker" / f"{name}.py": tracker,
        home / "parameter" / ("still/default.py" if one_file_each else f"{name}.py"): PARAMETERS,
        root / "experiments" / name / f"{configuration}.yaml": "TEST: {SIZE: 1}\n",
        root / "weights" / "CHECKPOINT.pth": "weights",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
