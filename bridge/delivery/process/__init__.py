"""What one process runs: its threads, its signs of life, its wake-ups.

crew           threads in stages, started after a fork and ended before one
duty           shows that this process delivers, and wakes its threads
notifications  PostgreSQL's NOTIFY and LISTEN, between hosts
"""
