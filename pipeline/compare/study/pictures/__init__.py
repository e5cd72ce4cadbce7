"""The pictures that answer a study's question; a file for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.compare.study.pictures import curves, dots, input_norms, learning_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pipeline.compare.study.figures import Line
    from pipeline.config.studies import Study
    from pipeline.track.study_results import StudiedSweep

KINDS = {"curves": curves, "dots": dots, "learning_curves": learning_curves, "inputs": input_norms}


def draw(study: Study, lines: list[Line], sweep: StudiedSweep) -> Mapping[str, Figure]:
    """Each picture that the study asks for, by name."""
    return {kind: KINDS[kind].draw(study, lines, sweep) for kind in study.pictures}
