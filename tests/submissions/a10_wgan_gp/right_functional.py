"""Slopes image by image by torch.func, a Jacobian of all scores, logistic losses by other functions."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    share = torch.empty(len(real), dtype=real.dtype).uniform_(generator=generator)
    between = torch.stack([x + e * d for x, e, d in zip(real, share, noise, strict=True)]).detach()
    slope = torch.func.vmap(torch.func.grad(lambda one: critic(one[None])[0]))(between).flatten(1)
    if p == 2:
        s = torch.linalg.vector_norm(slope, dim=1)
    else:
        s = slope.abs().amax(1) if p == 1 else slope.abs().sum(1)
    return torch.where(s > 1, (s - 1) ** 2, below * (1 - s) ** 2)


# %% grade_id: leak
def leak(critic, points):
    jacobian = torch.autograd.functional.jacobian(critic, points.detach()).flatten(2)
    others = jacobian * (1 - torch.eye(len(points), dtype=points.dtype))[..., None]
    return torch.linalg.vector_norm(others.sum(0), dim=1).detach()


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    def squared(x):
        return torch.func.grad(lambda y: critic(y).sum())(x.detach()).flatten(1).pow(2).sum(1)

    gap = critic(real.detach()) - critic(fake.detach())
    return -F.logsigmoid(gap) + 0.5 * gamma * squared(real) + 0.5 * gamma * squared(fake)


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    return torch.logaddexp(torch.zeros_like(critic(fake)), critic(real).detach() - critic(fake))
