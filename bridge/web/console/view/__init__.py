"""Pure: what the console's pages show, made of values.

asked    a query as a filter
story    one event as a page shows it
masking  a customer's data, hidden until an operator reveals it
shown    bytes as coloured JSON
chart    deliveries as bars
wording  the console's words
"""
