"""Defenses that keep their contracts, and defenses with one fault."""

from functools import partial

import torch
from torch import nn

from advcourse.core.validation import check_at_least, check_count
from tests.contracts import defenses
from tests.contracts.defenses import Case


class Coarse(nn.Module):
    """Few levels a channel."""

    def __init__(self, levels):
        super().__init__()
        check_count(levels=levels)
        self.steps = levels

    def forward(self, images):
        return (images * self.steps).round() / self.steps


class Noise(nn.Module):
    def __init__(self, std, generator=None):
        super().__init__()
        check_at_least(0, std=std)
        self.std, self.generator = std, generator

    def draw(self, images):
        noise = torch.randn(images.shape, generator=self.generator, dtype=images.dtype, device=images.device)
        return images + self.std * noise

    def forward(self, images):
        return self.draw(images).clamp(0, 1)


class Unclamped(Noise):
    def forward(self, images):
        return self.draw(images)


class InPlace(Coarse):
    def forward(self, images):
        return images.copy_(super().forward(images)).clone()


class Counting(Coarse):
    def __init__(self, levels):
        super().__init__(levels)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images):
        self.calls += 1
        return super().forward(images)


class OwnSeed(Noise):
    """Whatever the generator."""

    def forward(self, images):
        if self.generator is not None:
            self.generator.seed()
        return super().forward(images)


class Frozen(Noise):
    """Without a generator of its own it makes one."""

    def __init__(self, std, generator=None):
        super().__init__(std, torch.Generator().manual_seed(0) if generator is None else generator)


class SharedDraw(Noise):
    def draw(self, images):
        return images + super().draw(0 * images[:1])


class Stretched(Coarse):
    """By the extremes of the batch."""

    def forward(self, images):
        images = super().forward(images)
        return (images + images.mean()) / 2


class Unchecked(Coarse):
    def __init__(self, levels):
        super().__init__(max(levels, 1))


KEEPS = [
    Case("coarse", partial(Coarse, levels=7), bad={"levels": (0, 2.5)}),
    Case("noise", partial(Noise, std=0.1), random=True, bad={"std": (-0.1, float("nan"))}),
]
BREAKS = {
    defenses.check_images_become_images: Case("unclamped", partial(Unclamped, std=0.1), random=True),
    defenses.check_what_it_is_given_stays: Case("in place", partial(InPlace, levels=7)),
    defenses.check_nothing_else_has_changed: Case("counting", partial(Counting, levels=7)),
    defenses.check_a_generator_decides_all: Case("own seed", partial(OwnSeed, std=0.1), random=True),
    defenses.check_without_a_generator_the_global_state_draws: Case("frozen", partial(Frozen, std=0.1), random=True),
    defenses.check_every_image_has_its_own_draw: Case("shared draw", partial(SharedDraw, std=0.1), random=True),
    defenses.check_a_batch_gives_what_single_images_give: Case("stretched", partial(Stretched, levels=7)),
    defenses.check_bad_parameters_are_refused_by_name: Case(
        "unchecked", partial(Unchecked, levels=7), bad={"levels": (0,)}
    ),
}
