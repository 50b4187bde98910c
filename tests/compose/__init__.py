"""The stack of docker-compose.yml and the images in a container engine; `make compose-test` runs these tests
alone."""
