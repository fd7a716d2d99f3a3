"""Forward differences: the image itself is asked about, and one point in each direction."""

EXPECTED = {"test_rademacher_points": 0, "test_rademacher_gradient": 0}


# %% grade_id: rademacher_gradient
def rademacher_gradient(score, images, samples, sigma, generator):
    shape = (len(images), samples - 1, *images.shape[1:])
    u = 2 * torch.randint(2, shape, generator=generator).to(images.dtype) - 1
    numbers = torch.arange(len(images))
    with torch.no_grad():
        here = score(images, numbers).view(-1, 1)
        there = score((images[:, None] + sigma * u).flatten(0, 1), numbers.repeat_interleave(samples - 1))
        slopes = (there.view(len(images), -1) - here) / sigma
        return (slopes[:, :, None, None, None] * u).mean(1)
