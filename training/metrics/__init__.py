"""The field's figures for generated motion, each with a bootstrap interval over clips; see docs/metrics.md."""
