"""Threads, signs of life and wake-ups of one process.

crew           threads in stages, started after a fork and ended before one
duty           shows that this process delivers, and wakes its threads
notifications  PostgreSQL's NOTIFY and LISTEN, between hosts
"""
