"""Protect the console.

token_check  compares the admin token, and slows down guesses
client       finds the address of a client
session      signs operators in and out
headers      adds security headers to every response
input        cleans the input of every request
"""
