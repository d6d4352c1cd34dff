"""Corpora, losses, trainer, metrics; imports models only."""
