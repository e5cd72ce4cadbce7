"""The model card (Mitchell et al. 2019): what a model is, was made of and is worth, on one page."""

from pipeline.export.card.model_card import write

__all__ = ["write"]
