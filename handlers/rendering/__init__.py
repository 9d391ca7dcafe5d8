"""From a message of a plan to the mail that is sent: pure, and refused rather than half right."""

from handlers.rendering.failed import RenderFailed
from handlers.rendering.mail import Content, Earlier, body_mac, render, template_values

__all__ = ["Content", "Earlier", "RenderFailed", "body_mac", "render", "template_values"]
