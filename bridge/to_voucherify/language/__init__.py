"""Segment's three languages, read as Segment's own engine reads them.

fql         triggers: which events a mapping applies to
mapping     directives: how a payload is built from an event
liquid      templates in a mapping
javascript  JSON values as JavaScript treats them
"""
