"""Player names with markup, escapes and special characters."""

HOSTILE = (
    "@everyone", "<@123456789>", "```sh rm```", "](http://evil.example)", "\u202egnp.exe", "a\u200bb\u200dc",
    "🔥" * 36, "[bold]**x**[/]", "$\\frac{1}{0}$", "<t:0:R> <#1> :skull:", "- 1. # > x",
    "\u05e9\u05dc\u05d5\u05dd 77",
    "e" + "\u0301" * 30, "漢字の名前がとても長いです", "\x1b[31mred\x07", "||spoiler|| ~~x~~", "\u3164", "1. one",
)  # fmt: skip
