"""Corpora in BEAT2's layout: building the project's own, and measuring any."""
