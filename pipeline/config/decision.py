"""The rules of conf/config.yaml's decision: what becomes of the probabilities of classes."""

from typing import Literal

from pipeline.schema import Fraction, PositiveFloat, Section


class Decision(Section):
    """What is learned on validation rows after training."""

    temperature: bool
    threshold: Literal["none", "f1", "cost", "precision"]
    precision: Fraction
    false_positive_cost: PositiveFloat
    false_negative_cost: PositiveFloat


def check_decision(decision: Decision, task: str) -> None:
    """Raises ValueError where a decision does not go with the task."""
    if decision.temperature and task == "regression":
        raise ValueError("decision.temperature: a regression has no probabilities; leave it at false")
    if decision.threshold != "none" and task != "binary":
        raise ValueError(
            f"decision.threshold: {decision.threshold} is for two classes, but this is a {task} task; leave it at none"
        )
