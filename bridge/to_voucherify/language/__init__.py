"""Segment's three languages, as its own engine reads them.

fql         triggers: which events a mapping takes
mapping     directives: how a payload is made of an event
liquid      templates within a mapping
javascript  JSON values as JavaScript treats them: undefined, falsy, printed
"""
