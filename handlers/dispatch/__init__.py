"""Due messages: claimed behind every gate, called for once, and what came of it recorded.

The order is what makes a message go out at most once: the claim is committed before the call, the
call is made only by who claimed, and a doubt is recorded as a doubt, never tried again.
"""
