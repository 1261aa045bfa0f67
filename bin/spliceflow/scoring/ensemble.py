"""From the logits of an ensemble's members to its probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mean_probabilities(
    logits: Sequence[np.ndarray] | np.ndarray, temperature: float = 1.0
) -> np.ndarray:
    """Mean over the members of softmax(logits / temperature), added up in their order.

    Args:
        logits: float32 (…, outputs), one array for each member.
        temperature: above 0.

    Returns:
        float32 (…, outputs).
    """
    total = np.zeros_like(logits[0])
    for member in logits:
        scaled = member / np.float32(temperature)
        scaled -= scaled.max(axis=-1, keepdims=True)
        np.exp(scaled, out=scaled)
        scaled /= scaled.sum(axis=-1, keepdims=True)
        total += scaled
    total /= np.float32(len(logits))
    return total
