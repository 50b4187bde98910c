"""Tests of `chatgate.doctor.readers`. test_stream tests `sign_in`, `prover` and `proofs` too."""
