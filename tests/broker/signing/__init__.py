"""Tests of `broker.signing`. test_keyring and test_operations test `record` too, and test_secrets the
encryption in `keyring`. key_rings.py has the views of the ring that they share."""
