"""Build the content of the console's pages from values. Pure.

filters     the fields of a query, and the filter of events
event_page  the page of one event
masking     hides customer data
content     formats bytes as coloured JSON
chart       formats deliveries as bars
wording     the texts of the console
"""
