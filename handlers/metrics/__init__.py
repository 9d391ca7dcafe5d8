"""The numbers of a tenant: what they count, how sure they are, and the forms they are given in."""
