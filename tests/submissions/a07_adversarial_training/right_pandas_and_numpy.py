"""Tables by query, merge, pivot and NumPy."""

EXPECTED = {}


# %% grade_id: refuted_by
def refuted_by(claims, rows):
    import numpy as np

    a = rows["right"].to_numpy() / rows["n"].to_numpy()
    upper = a + 2 * np.sqrt(a * (1 - a) / rows["n"].to_numpy())
    table = (rows["defense"].to_numpy()[None] == claims["defense"].to_numpy()[:, None]) & (
        rows["eps"].to_numpy()[None] <= claims["eps"].to_numpy()[:, None]
    )
    table = np.where(table & (upper[None] < claims["accuracy"].to_numpy()[:, None]), upper[None], np.inf)
    return [rows.index[line.argmin()] if np.isfinite(line).any() else None for line in table]


# %% grade_id: doubts
def doubts(rows, defense):
    some = rows.query("defense == @defense").copy()
    some["accuracy"] = some.right / some.n
    foreign = some.attack.isin(["one step", "iterated"]) & (some.made_for != defense)
    some["kind"] = some.attack.where(~foreign, "black box")
    least = some.pivot_table(index="eps", columns="kind", values="accuracy", aggfunc="min")
    least = least.reindex(columns=["one step", "iterated", "black box", "random signs"])
    white = least[["one step", "iterated"]].min(axis=1)
    found = []
    if white.notna().sum() == 0:
        found.append("not attacked")
    if (least["one step"] < least["iterated"]).any():
        found.append("one step")
    if (least["black box"] < white).any():
        found.append("black box")
    if (least["random signs"] <= white).any():
        found.append("control")
    return found
