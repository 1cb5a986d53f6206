#!/usr/bin/env python3
"""Lets in who has a ticket: a name, a time and a signature of both, in the query."""

import hashlib
import hmac
import os
import sys
import time
from urllib.parse import parse_qs

SECRET = os.environ.get('TICKET_SECRET', '').encode()


def signature(name, until):
    return hmac.new(SECRET, f'{name}:{until}'.encode(), hashlib.sha256).hexdigest()


def user_of(ticket):
    """The name in a ticket that is right, and has not expired."""
    name, until, signed = (ticket.split(':') + ['', '', ''])[:3]
    is_right = hmac.compare_digest(signed.encode(), signature(name, until).encode())
    return name if is_right and until.isdigit() and int(until) > time.time() else None


if not SECRET:
    sys.exit('TICKET_SECRET is not set')
if len(sys.argv) > 1:
    until = int(time.time()) + 3600
    print(f'{sys.argv[1]}:{until}:{signature(sys.argv[1], until)}')
else:
    query = parse_qs(os.environ.get('QUERY_STRING', ''))
    user = user_of(query.get('ticket', [''])[0])
    if user is None:
        print('Status: 403\nContent-Type: text/plain\n\nThis needs a ticket that has not expired.')
    else:
        print(f'Variable-REMOTE_USER: {user}\nVariable-AUTH_TYPE: Ticket\n')
