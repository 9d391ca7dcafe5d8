"""What recipients meet: the open pixel, tracked links and the opt-out."""
