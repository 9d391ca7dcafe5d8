"""Liquid for hostile authors: listed tags and filters, strict variables, counted work, no clock."""

from plans.templates.compiling import TemplateFailed
from plans.templates.rendering import (
    TemplateValues,
    parse,
    render_html,
    render_lenient,
    render_text,
    variables,
)

__all__ = [
    "TemplateFailed",
    "TemplateValues",
    "parse",
    "render_html",
    "render_lenient",
    "render_text",
    "variables",
]
