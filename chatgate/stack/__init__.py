"""The processes of `chatgate up`: their commands, their start and end, their log lines, and the Valkey among
them. Each ends with its parent.

`pages/` owns the pages among them. `probes`, beside this folder, asks servers that run already.
"""
