"""Functions have further arguments with defaults, and numbers come as tensors where numbers are asked for."""

EXPECTED = {}
REPLACE = {
    "perturbed_penalty": {
        "p, below, generator):": "p, below, generator, *, weight=1.0):",
        "    return excess": "    return weight * excess",
        "critic(between).sum()": "critic(between)",
        "between, create_graph": "between, torch.ones(len(real), dtype=real.dtype), create_graph",
    },
    "critic_loss": {
        "def critic_loss(critic, real, fake, gamma):": "def critic_loss(critic, real, fake, gamma=0.05, *, log=None):",
        "at_real, at_fake = critic(x), critic(y)": "at_real, at_fake = critic(torch.cat([x, y])).chunk(2)",
    },
    "contraction": {
        ".abs().max().item()": ".abs().max()",
    },
    "spectral_norm": {
        " / v.norm()).item()": " / v.norm())",
    },
}
