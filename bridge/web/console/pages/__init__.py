"""Serve the console's pages, one blueprint each."""
