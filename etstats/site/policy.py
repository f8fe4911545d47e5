"""The Content-Security-Policy of every page."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
)
"""What a page may load: its own script, style and pictures, nothing inline and nothing from another host."""
