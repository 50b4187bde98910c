"""For `races`: a reader who keeps asking, the requests that end what they have, and deleted conversations."""
