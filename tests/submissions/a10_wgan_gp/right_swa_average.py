"""The average by torch's own AveragedModel; gradients of both networks are cleared before every step."""

EXPECTED = {}


# %% grade_id: train
def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    from torch.optim.swa_utils import AveragedModel

    def keep(old, new, count):
        return decay * old + (1 - decay) * new

    average = AveragedModel(generator, avg_fn=keep)
    average.n_averaged += 1  # begin with the generator as it came
    networks = {"critic": critic, "generator": generator}
    optimisers = {
        name: torch.optim.Adam(networks[name].parameters(), lr=rate, betas=(0.0, 0.9))
        for name, rate in zip(networks, rates, strict=True)
    }
    for _ in range(rounds):
        for name in ["critic"] * critic_steps + ["generator"]:
            for network in networks.values():
                network.zero_grad()
            real = next(batches)
            z = torch.randn((len(real), latent), generator=chance, dtype=real.dtype)
            with torch.set_grad_enabled(name == "generator"):
                fake = generator(z)
            losses[name == "generator"](critic, real, fake).mean().backward()
            optimisers[name].step()
            if name == "critic" and after:
                after(critic)
        average.update_parameters(generator)
    for network in networks.values():
        network.zero_grad()
    for a, w in zip(average.module.buffers(), generator.buffers(), strict=True):
        a.copy_(w)
    return average.module
