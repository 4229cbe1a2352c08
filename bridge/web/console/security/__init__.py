"""Who may open the console, and what a browser may do with its pages.

door     compares the admin token, and slows down guesses
session  signs in and out
headers  the security headers of every answer
"""
