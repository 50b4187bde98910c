"""The files of deploy/, read as each platform reads them, and a machine that deploy/systemd sets up."""
