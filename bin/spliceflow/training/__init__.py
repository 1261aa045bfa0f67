"""Datasets, losses, training loops, calibration, evaluation and distillation."""
