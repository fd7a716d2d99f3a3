"""The model is looked up, and arrays of NumPy are counted."""

EXPECTED = {}


# %% grade_id: honest
def honest():
    return {"vanishing": "C", "misleading": "A", "robust": "B"}["robust"]


# %% grade_id: signs
def signs(wrong, zero):
    w = {k: v.numpy() for k, v in wrong.items()}
    ok = ~w["clean"]
    got = {k: int((ok & w[k] & ~w["iterated"]).sum()) for k in ("one step", "random", "black box")}
    return {**got, "unbounded": int((ok & ~w["unbounded"]).sum()), "no gradient": int((ok & zero.numpy()).sum())}
