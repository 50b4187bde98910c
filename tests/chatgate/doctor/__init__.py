"""Tests of `chatgate.doctor`, against a deployed site (deployment.py) behind real reverse proxies
(fronts.py). test_examination tests `catalogue`, `findings` and `report`, and pages/test_names `addresses`."""
