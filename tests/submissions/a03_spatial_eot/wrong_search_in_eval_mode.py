"""The model is put in eval mode and stays there."""

EXPECTED = {"test_grid_search_traces": 0}
REPLACE = {
    "grid_search": {"    with torch.no_grad():": "    model.eval()\n    with torch.no_grad():"},
}
