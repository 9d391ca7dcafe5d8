"""Registered endpoints of webhook nodes: which there are, where they may be, how to call them."""
