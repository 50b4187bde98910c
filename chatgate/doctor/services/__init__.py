"""The broker and the chat proxy as a browser on the page reaches them, without an account."""
