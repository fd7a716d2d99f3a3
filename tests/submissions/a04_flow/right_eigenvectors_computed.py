"""The eigenvectors of K_n are computed; no cosine is used for the field."""

EXPECTED = {}


# %% grade_id: fast_field
def path(n):
    k = 2 * torch.eye(n, dtype=torch.float64)
    if n > 1:
        k -= torch.diag(torch.ones(n - 1, dtype=torch.float64), 1) + torch.diag(
            torch.ones(n - 1, dtype=torch.float64), -1
        )
    k[0, 0] -= 1
    k[-1, -1] -= 1
    return k


def fast_field(d, gamma, alpha):
    a, u = torch.linalg.eigh(path(d.shape[2]))
    b, w = torch.linalg.eigh(path(d.shape[3]))
    inside = torch.einsum("ik,ncij,jl->nckl", u, d.double(), w)
    inside = -inside / alpha / (1 + gamma * (a.view(-1, 1) + b.view(1, -1)))
    return torch.einsum("ik,nckl,jl->ncij", u, inside, w).to(d.dtype)
