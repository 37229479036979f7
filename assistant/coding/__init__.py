"""Code for a request: written by the model, checked and corrected by tools, never run."""
