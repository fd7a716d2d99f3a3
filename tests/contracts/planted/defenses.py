"""Defenses that keep their contracts, and defenses with one fault."""

from functools import partial

import torch
from torch import nn

from advcourse.core.validation import check_at_least, check_count, check_images
from tests.contracts import defenses
from tests.contracts.defenses import Case


class Coarse(nn.Module):
    """Few levels a channel."""

    def __init__(self, levels):
        super().__init__()
        check_count(levels=levels)
        self.steps = levels

    def check(self, images):
        check_images(images)

    def forward(self, images, generator=None):
        self.check(images)
        return (images * self.steps).round() / self.steps


class Paler(Coarse):
    """Nearer to grey, which can be differentiated."""

    def forward(self, images, generator=None):
        self.check(images)
        return 0.5 + (images - 0.5) / (1 + 1 / self.steps)


class Noise(nn.Module):
    def __init__(self, std):
        super().__init__()
        check_at_least(0, std=std)
        self.std = std

    def draw(self, images, generator):
        check_images(images)
        return images + self.std * torch.randn(
            images.shape, generator=generator, dtype=images.dtype, device=images.device
        )

    def forward(self, images, generator=None):
        return self.draw(images, generator).clamp(0, 1)


class Unclamped(Noise):
    def forward(self, images, generator=None):
        return self.draw(images, generator)


class Multiples(Coarse):
    """Of 4 by 4 pixels; what is over at the border is cut off."""

    def forward(self, images, generator=None):
        result = super().forward(images)
        height, width = images.shape[2:]
        return result[:, :, : height // 4 * 4, : width // 4 * 4]


class Squeezed(Noise):
    """A batch of one comes back without its axis."""

    def forward(self, images, generator=None):
        result = super().forward(images, generator)
        return result[0] if len(images) == 1 else result


class Halves(Coarse):
    """In half precision the levels are lost."""

    def check(self, images):
        if getattr(images, "dtype", None) not in (torch.float16, torch.bfloat16):
            check_images(images)

    def forward(self, images, generator=None):
        result = super().forward(images)
        return result if images.dtype in (torch.float32, torch.float64) else 1 - result


class Trusting(Coarse):
    """In what it is given; but halves are refused."""

    def check(self, images):
        if getattr(images, "dtype", None) in (torch.float16, torch.bfloat16):
            check_images(images)


class InPlace(Coarse):
    def forward(self, images, generator=None):
        result = super().forward(images)
        images.copy_(result)
        return result


class Counting(Coarse):
    def __init__(self, levels):
        super().__init__(levels)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images, generator=None):
        self.calls += 1
        return super().forward(images)


class Remembering(Noise):
    """The brightness of the first images that it was given, which others are brought nearer to."""

    first = None

    def forward(self, images, generator=None):
        result = super().forward(images, generator)
        mean = images.mean()
        self.first = mean if self.first is None else self.first
        return (result + 0.5 * (self.first - mean)).clamp(0, 1)


class Resting(Coarse):
    """In training."""

    def forward(self, images, generator=None):
        result = super().forward(images)
        return images.clone() if self.training else result


class Alone(Coarse):
    def forward(self, images):
        return super().forward(images)


class OneSeed(Noise):
    """Whatever the generator."""

    def draw(self, images, generator):
        if generator is not None:
            generator.manual_seed(0)
        return super().draw(images, generator)


class Frozen(Noise):
    """Without a generator it makes one."""

    def draw(self, images, generator):
        return super().draw(images, torch.Generator().manual_seed(0) if generator is None else generator)


class SharedDraw(Noise):
    def draw(self, images, generator):
        check_images(images)
        return images + super().draw(0 * images[:1], generator)


class Stretched(Coarse):
    """By the extremes of the batch."""

    def forward(self, images, generator=None):
        images = super().forward(images)
        return (images + images.mean()) / 2


class Unchecked(Coarse):
    def __init__(self, levels):
        super().__init__(max(levels, 1))


coarse = partial(Case, differentiable=False)
noise = partial(Case, random=True, differentiable=False)
KEEPS = [
    coarse("coarse", partial(Coarse, levels=7), bad={"levels": (0, 2.5)}),
    Case("paler", partial(Paler, levels=7), bad={"levels": (0, 2.5)}),
    noise("noise", partial(Noise, std=0.1), bad={"std": (-0.1, float("nan"))}),
]
BREAKS = {
    defenses.check_images_become_images: noise("unclamped", partial(Unclamped, std=0.1)),
    defenses.check_every_size_of_image_is_taken: coarse("multiples", partial(Multiples, levels=7)),
    defenses.check_one_image_is_taken: noise("squeezed", partial(Squeezed, std=0.1)),
    defenses.check_half_precision_is_right_or_refused_by_name: coarse("halves", partial(Halves, levels=7)),
    defenses.check_what_are_no_images_is_refused_by_name: coarse("trusting", partial(Trusting, levels=7)),
    defenses.check_what_it_is_given_stays: coarse("in place", partial(InPlace, levels=7)),
    defenses.check_nothing_else_has_changed: coarse("counting", partial(Counting, levels=7)),
    defenses.check_no_call_remembers_another: noise("remembering", partial(Remembering, std=0.1)),
    defenses.check_in_training_it_does_what_it_does_in_evaluation: coarse("resting", partial(Resting, levels=7)),
    defenses.check_in_front_of_a_network_it_is_given_the_generator: coarse("alone", partial(Alone, levels=7)),
    defenses.check_a_generator_decides_all: noise("one seed", partial(OneSeed, std=0.1)),
    defenses.check_without_a_generator_the_global_state_draws: noise("frozen", partial(Frozen, std=0.1)),
    defenses.check_every_image_has_its_own_draw: noise("shared draw", partial(SharedDraw, std=0.1)),
    defenses.check_a_batch_gives_what_single_images_give: coarse("stretched", partial(Stretched, levels=7)),
    defenses.check_its_gradient_is_the_slope: Case("no slope", partial(Coarse, levels=7)),
    defenses.check_bad_parameters_are_refused_by_name: coarse(
        "unchecked", partial(Unchecked, levels=7), bad={"levels": (0,)}
    ),
}
