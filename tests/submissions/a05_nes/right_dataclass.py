"""What belongs to an image is kept in a dataclass, and tables are filled in by closures."""

EXPECTED = {}


# %% grade_id: rademacher_gradient
from dataclasses import dataclass, field


@dataclass
class Mean:
    """A running mean."""

    value: object = 0.0
    count: int = 0

    def add(self, new):
        self.count += 1
        self.value = self.value + (new - self.value) / self.count


def rademacher_gradient(score, images, samples, sigma, generator):
    mean, rows = Mean(), torch.arange(len(images))
    while mean.count < samples // 2:
        coins = torch.bernoulli(torch.full_like(images, 0.5, requires_grad=False), generator=generator)
        u = 1 - 2 * coins
        difference = score(images + sigma * u, rows) - score(images - sigma * u, rows)
        mean.add((difference.detach() / (2 * sigma)).reshape(-1, 1, 1, 1) * u)
    return mean.value.detach()


# %% grade_id: orthogonal_gradient
from dataclasses import dataclass


@dataclass
class Basis:
    """Orthonormal rows (m, P), and how long they are to be."""

    rows: torch.Tensor
    length: float

    @classmethod
    def draw(cls, count, size, generator, dtype):
        normal = torch.randn(size, count, generator=generator, dtype=dtype)
        return cls(torch.linalg.householder_product(*torch.geqrf(normal)).T.contiguous(), size**0.5)

    def stretched(self, shape):
        return (self.rows * self.length).view(-1, *shape)


def orthogonal_gradient(score, images, samples, sigma, generator):
    pairs, result = samples // 2, []
    for number, image in enumerate(images.detach()):
        v = Basis.draw(pairs, image.numel(), generator, image.dtype).stretched(image.shape)
        points = torch.cat([image + sigma * v, image - sigma * v])
        up, down = score(points, torch.full((samples,), number)).detach().chunk(2)
        result.append(torch.tensordot((up - down) / (2 * sigma), v, dims=1) / pairs)
    return torch.stack(result)


# %% grade_id: spread
from dataclasses import dataclass


@dataclass
class Tally:
    """Welford's: count, mean and sum of squares about the mean."""

    count: int
    mean: torch.Tensor
    squares: torch.Tensor

    def add(self, new):
        gap = new - self.mean
        count = self.count + 1
        mean = self.mean + gap / count
        return Tally(count, mean, self.squares + (gap * (new - mean)).sum(1))


def spread(estimates_of_all):
    first, *others = estimates_of_all.detach().flatten(2)
    tally = Tally(1, first, first.new_zeros(len(first)))
    for new in others:
        tally = tally.add(new)
    variance = tally.squares / (tally.count - 1)
    return variance, tally.mean.square().sum(1) - variance / tally.count


# %% grade_id: attack_under_budget
from dataclasses import dataclass


@dataclass
class Climber:
    """One image on its way."""

    number: int
    x: torch.Tensor
    velocity: torch.Tensor
    best: torch.Tensor
    record: float = -float("inf")

    def seen(self, value):
        if value > self.record:
            self.record, self.best = value, self.x.clone()

    def move(self, gradient, momentum):
        length = gradient.norm()
        self.velocity = momentum * self.velocity
        if length > 0:
            self.velocity = self.velocity + gradient / length


def attack_under_budget(oracle, images, labels, eps, step_size, samples, sigma, momentum, generator):
    clean = images.detach()
    everyone = [Climber(j, x.clone(), torch.zeros_like(x), x.clone()) for j, x in enumerate(clean)]

    def left(climber):
        return int(oracle.left(torch.tensor([climber.number])))

    def lead(points, numbers):
        z = oracle(points, numbers)
        two, places = z.topk(2, dim=1)
        own = labels[numbers]
        other = torch.where(places[:, 0] == own, two[:, 1], two[:, 0])
        return other - z[torch.arange(len(z)), own]

    going = [climber for climber in everyone if left(climber) >= 1]
    while going:
        numbers = torch.tensor([climber.number for climber in going])
        values = lead(torch.stack([climber.x for climber in going]), numbers).tolist()
        for climber, value in zip(going, values, strict=True):
            climber.seen(value)
        going = [c for c, value in zip(going, values, strict=True) if value <= 0 and left(c) >= samples + 1]
        if going:
            numbers = torch.tensor([climber.number for climber in going])
            here = torch.stack([climber.x for climber in going])
            found = rademacher_gradient(lambda p, r, n=numbers: lead(p, n[r]), here, samples, sigma, generator)
            for climber, gradient in zip(going, found, strict=True):
                climber.move(gradient, momentum)
                origin = clean[climber.number]
                moved = climber.x + step_size * climber.velocity.sign()
                climber.x = moved.clamp(origin - eps, origin + eps).clamp(0, 1)
    return torch.stack([climber.best for climber in everyone])


# %% grade_id: rank_score
from dataclasses import dataclass


@dataclass
class Listing:
    classes: list

    def rank(self, target):
        if target not in self.classes:
            return 0.0
        return 1 - self.classes.index(target) / len(self.classes)


def rank_score(oracle, images, targets, copies, mu, generator):
    sums, numbers = [0.0] * len(images), torch.arange(len(images))
    for _ in range(copies // 2):
        noise = torch.randn(images.shape, generator=generator, dtype=images.dtype).mul_(mu)
        answers = oracle(torch.cat([images + noise, images - noise]), numbers.repeat(2)).classes.tolist()
        for place, classes in enumerate(answers):
            number = place % len(images)
            sums[number] += Listing(classes).rank(targets[number].item())
    return torch.tensor([s / copies for s in sums], dtype=images.dtype)


# %% grade_id: boundary_distance
from statistics import NormalDist


def boundary_distance(scores, copies, mu):
    noise = NormalDist(0, mu)

    def distance(score):
        if score in (0, 1):
            score = abs(score - 1 / (2 * copies))
        return noise.inv_cdf(score)

    return torch.tensor([distance(score) for score in scores.tolist()], dtype=scores.dtype)


# %% grade_id: shrink
from dataclasses import dataclass


@dataclass
class Bracket:
    number: int
    lower: float
    upper: float

    @property
    def middle(self):
        return (self.lower + self.upper) / 2


def shrink(oracle, images, starts, targets, queries):
    way = starts - images
    brackets = [Bracket(j, 0.0, w.abs().max().item()) for j, w in enumerate(way)]

    def at(bracket, radius):
        return images[bracket.number] + way[bracket.number].clamp(-radius, radius)

    def listed(points, which):
        if not which:
            return []
        numbers = torch.tensor([bracket.number for bracket in which])
        lists = oracle(torch.stack(points), numbers).classes.tolist()
        return [targets[b.number].item() in classes for b, classes in zip(which, lists, strict=True)]

    first = listed(list(starts), brackets)
    going = [bracket for bracket, there in zip(brackets, first, strict=True) if there]
    for _ in range(queries - 1):
        for bracket, there in zip(going, listed([at(b, b.middle) for b in going], going), strict=True):
            setattr(bracket, "upper" if there else "lower", bracket.middle)
    results = [at(b, b.upper) if there else starts[b.number] for b, there in zip(brackets, first, strict=True)]
    radii = [b.upper if there else float("inf") for b, there in zip(brackets, first, strict=True)]
    return torch.stack(results), torch.tensor(radii, dtype=images.dtype)
