"""Render Discord messages and pictures, and deliver them; no SQL."""
