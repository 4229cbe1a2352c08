"""Findings of ``bridge check``: what it looks at beside the settings.

finding   what was looked at, the verdict, and the remedy
reaching  why a host cannot be reached
standing  what the database says: refused keys, pauses
"""
