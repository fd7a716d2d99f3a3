"""NumPy where nothing is differentiated: Jacobians, eigenvalues, Adam and the average, layers as matrices."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
def perturbed_penalty(critic, real, noise, p, below, generator):
    share = torch.rand((len(real), *[1] * (real.dim() - 1)), generator=generator, dtype=real.dtype)
    x = torch.lerp(real.detach(), (real + noise).detach(), share).requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    s = torch.linalg.vector_norm(slope.flatten(1), ord={1: math.inf, 2: 2, math.inf: 1}[p], dim=1)
    over = s - 1
    return over.clamp_min(0).square() + below * over.clamp_max(0).square()


# %% grade_id: leak
import numpy as np


def leak(critic, points):
    x = points.detach().clone().requires_grad_()
    scores = critic(x)
    rows = [torch.autograd.grad(s, x, retain_graph=True)[0].flatten(1).numpy() for s in scores]
    jacobian = np.stack(rows)  # (N of scores, N of images, pixels)
    jacobian[np.diag_indices(len(points))] = 0
    return torch.from_numpy(np.linalg.norm(jacobian.sum(axis=0), axis=1))


# %% grade_id: critic_loss
def critic_loss(critic, real, fake, gamma):
    n = len(real)
    both = torch.cat([real.detach(), fake.detach()]).requires_grad_()
    scores = critic(both)
    (slope,) = torch.autograd.grad(scores.sum(), both, create_graph=True)
    lengths = slope.square().flatten(1).sum(1)
    return F.softplus(scores[n:] - scores[:n]) + gamma / 2 * (lengths[:n] + lengths[n:])


# %% grade_id: generator_loss
def generator_loss(critic, real, fake):
    return F.softplus(critic(real) - critic(fake))


# %% grade_id: contraction
import numpy as np


def contraction(gamma, step, alternating):
    critic = np.array([[1 - 2 * gamma * step, -step / 2], [0, 1]])
    generator = np.array([[1, 0], [step / 2, 1]])
    both = generator @ critic if alternating else critic + generator - np.eye(2)
    return np.abs(np.linalg.eigvals(both)).max()


# %% grade_id: train
import numpy as np


class Descent:
    """Adam with β₁ = 0 and β₂ = 0.9, its second moments as arrays."""

    def __init__(self, network, rate):
        self.parameters, self.rate, self.step = list(network.parameters()), rate, 0
        self.moments = [np.zeros(tuple(p.shape), p.detach().numpy().dtype) for p in self.parameters]

    def __call__(self, loss):
        self.step += 1
        gradients = torch.autograd.grad(loss, self.parameters)
        for i, (p, g) in enumerate(zip(self.parameters, gradients, strict=True)):
            g = g.numpy()
            self.moments[i] = 0.9 * self.moments[i] + (1 - 0.9) * g**2
            size = np.sqrt(self.moments[i] / (1 - 0.9**self.step)) + 1e-8
            p.data.copy_(torch.from_numpy(np.asarray(p.detach().numpy() - self.rate * g / size)))


def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    weights = [p.detach().numpy().copy() for p in generator.parameters()]
    down = Descent(critic, rates[0]), Descent(generator, rates[1])
    for _ in range(rounds):
        for k in range(critic_steps + 1):
            last = k == critic_steps
            real = next(batches)
            fake = generator(torch.randn(len(real), latent, generator=chance, dtype=real.dtype))
            down[last](losses[last](critic, real, fake if last else fake.detach()).mean())
            if not last and after is not None:
                after(critic)
        own = [p.detach().numpy() for p in generator.parameters()]
        weights = [decay * a + (1 - decay) * w for a, w in zip(weights, own, strict=True)]
    for p in [*generator.parameters(), *critic.parameters()]:
        p.grad = None
    average = copy.deepcopy(generator)
    for p, a in zip(average.parameters(), weights, strict=True):
        p.data = torch.from_numpy(np.asarray(a))
    return average


# %% grade_id: spectral_norm
import numpy as np


def spectral_norm(layer, start, steps):
    with torch.no_grad():
        jacobian = torch.autograd.functional.jacobian(layer, torch.zeros_like(start))
    a = jacobian.reshape(-1, start.numel()).numpy()
    v = start.detach().numpy().reshape(-1)
    for _ in range(steps):
        w = a.T @ (a @ v)
        length = np.linalg.norm(w)
        if length == 0:
            return 0.0
        v = w / length
    return np.linalg.norm(a @ v) / np.linalg.norm(v)


# %% grade_id: project
def project_(critic, shape, bound, steps, generator):
    shapes, x = [], torch.zeros(1, *shape, dtype=next(critic.parameters()).dtype)
    for layer in critic:
        shapes.append(x.shape)
        x = layer(x).detach()
    for layer, size in zip(critic, shapes, strict=True):
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            start = torch.randn(size, generator=generator, dtype=layer.weight.dtype)
            norm = float(spectral_norm(layer, start, steps))
            if norm > bound:
                array = layer.weight.detach().numpy()  # shares its memory
                array *= bound / norm


# %% grade_id: lipschitz
import numpy as np


def lipschitz(critic, points, steps, generator):
    x = points.detach().clone().requires_grad_()
    slopes = torch.autograd.grad(critic(x).sum(), x)[0].flatten(1).numpy()
    norms, x = [], points[:1].detach()
    for layer in critic:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            norms.append(float(spectral_norm(layer, torch.randn(x.shape, generator=generator, dtype=x.dtype), steps)))
        x = layer(x).detach()
    return np.linalg.norm(slopes, axis=1).max(), np.prod(norms)
