"""Tests of `chatgate.doctor.pages`. test_page tests `callback`, `html` and `third_parties` too."""
