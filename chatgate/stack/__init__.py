"""The processes of `chatgate up`: each ends with its parent; among them are Valkey and pages with the
widget."""
