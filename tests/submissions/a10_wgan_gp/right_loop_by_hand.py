"""Adam is written out, gradients are asked for and not gathered; the critic is frozen and thawed again."""

EXPECTED = {}


# %% grade_id: train
class Mover:
    def __init__(self, network, rate):
        self.parameters = list(network.parameters())
        self.rate, self.count, self.second = rate, 0, [torch.zeros_like(p) for p in self.parameters]

    def __call__(self, loss):
        self.count += 1
        gradients = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            for p, g, s in zip(self.parameters, gradients, self.second, strict=True):
                s.mul_(0.9).addcmul_(g, g, value=0.1)
                p -= self.rate * g / ((s / (1 - 0.9**self.count)).sqrt() + 1e-8)


def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    average = copy.deepcopy(generator)
    for p in [*generator.parameters(), *critic.parameters()]:
        p.grad = None
    movers = Mover(critic, rates[0]), Mover(generator, rates[1])
    for number in range(rounds * (critic_steps + 1)):
        real = next(batches)
        z = torch.randn(len(real), latent, dtype=real.dtype, generator=chance)
        if (number + 1) % (critic_steps + 1):
            movers[0](losses[0](critic, real, generator(z).detach()).sum() / len(real))
            if after:
                after(critic)
            continue
        for p in critic.parameters():
            p.requires_grad_(False)
        movers[1](losses[1](critic, real, generator(z)).mean())
        for p in critic.parameters():
            p.requires_grad_(True)
        old, new = average.state_dict(), generator.state_dict()
        mine = dict(generator.named_parameters())
        average.load_state_dict({k: decay * old[k] + (1 - decay) * v if k in mine else v for k, v in new.items()})
    return average
