"""Losses over the bases of a batch, for hard and for soft targets."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Objective:
    """Cross-entropy, focused on what is hard when ``focal_gamma`` is above 0.

    With soft targets, cross-entropy is the Kullback-Leibler divergence from the teacher plus the
    teacher's own entropy; the entropy is taken off, so that 0 means equal.

    Attributes:
        focal_gamma: exponent of (1 - p) (Lin et al. 2017); 0 is plain cross-entropy.
        class_weights: weight of neither, acceptor, donor.
    """

    focal_gamma: float = 0.0
    class_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __call__(
        self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
    ) -> torch.Tensor:
        """Weighted mean loss a base.

        Args:
            logits: (N, 3, L).
            target: probabilities (N, 3, L).
            weight: (N, L); bases of weight 0 do not count.
        """
        log_probability = torch.log_softmax(logits.float(), 1)
        difference = torch.special.xlogy(target, target) - target * log_probability
        if self.focal_gamma:
            # The slope of a power below 1 is infinite at 0, which p = 1 in float32 comes to.
            missed = (1 - log_probability.exp()).clamp_min(1e-6)
            difference = difference * missed.pow(self.focal_gamma)
        scale = torch.tensor(self.class_weights, device=logits.device).view(1, 3, 1)
        loss = (difference * scale).sum(1) * weight
        return loss.sum() / weight.sum().clamp_min(1e-6)
