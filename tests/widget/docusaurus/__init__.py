"""The plugin of widget/src/docusaurus in built sites, and their builds."""
