"""Periodic jobs.

keeper     runs in every process: beats, health, and the jobs that are due
chores     lets one process at a time run a job
retention  deletes settled events after ``BRIDGE_RETENTION_DAYS``
"""
