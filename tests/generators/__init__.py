"""Tests of `scaffold`: the files that it writes, and generated backends and widgets as they run. Its modules
are tested through its two commands. tests/test_generated tests the modules of `generators/`: `api_reference`,
`common_passwords`, `configuration_docs`, `published_secrets`, `sizing_docs`, `skill_folder` and
`widget_asset`."""
