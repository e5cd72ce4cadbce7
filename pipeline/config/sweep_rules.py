"""The rules of conf/config.yaml's section `sweep`."""

from typing import Literal

from pipeline.config.scores import OF_AN_EXPORT
from pipeline.config.search_rules import Search
from pipeline.schema import PositiveInt, Section


class Sweep(Section):
    """What a sweep does around its trials."""

    resume: Literal["auto", "off"]
    keep: Literal["all", "best", "none"]
    max_failures: PositiveInt | None
    max_trials: PositiveInt


def check_search(search: Search, sweep: Sweep) -> None:
    """Raises ValueError where a search and what is done around its trials do not go together."""
    if search.study_name is not None and sweep.resume == "off":
        raise ValueError(
            "search.study_name: a study of that name is gone on with; give another name, or leave sweep.resume at auto"
        )
    for name in search.objectives or []:
        if name in OF_AN_EXPORT and sweep.keep != "all":
            raise ValueError(f"sweep.keep: {sweep.keep} exports no trial, so that none has {name}; set sweep.keep=all")
