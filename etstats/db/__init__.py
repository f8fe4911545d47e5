"""The base: the only room that speaks SQL; it formats nothing and knows no Discord."""
