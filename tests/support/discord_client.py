"""Screenshots of webhook messages as Discord's clients show them (dark theme), made by headless Chromium.

The page is an approximation: its margins, sizes and colours follow Discord's; its fonts are Noto Sans, Noto Sans
CJK, Noto Emoji and DejaVu Sans Mono. Heights are therefore comparable between machines but not exact.

    python -m tests.support.discord_client message.json picture.png --width 390 --files folder

prints the height in CSS pixels.
"""

import argparse
import base64
import html
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import manimgx_fonts
import manimgx_fonts_cjk
import matplotlib
from PIL import Image

from tests.support.processes import run

PHONE, DESKTOP = 390, 900
"""Widths of the screens in CSS pixels."""

_SCALE = 2  # picture pixels per CSS pixel
_SMALLEST_WINDOW = 500  # Chromium opens no narrower one, and cuts the page of a lower one
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files "
    "--virtual-time-budget=5000"
).split()

_NOTO = Path(str(manimgx_fonts.__file__)).parent
_FONTS = {
    "Text": _NOTO / "NotoSans[wght].ttf",
    "Hebrew": _NOTO / "NotoSansHebrew[wght].ttf",
    "Arabic": _NOTO / "NotoSansArabic[wght].ttf",
    "CJK": Path(str(manimgx_fonts_cjk.__file__)).parent / "NotoSansCJK-VF.otf.ttc",
    "Emoji": _NOTO / "NotoEmoji[wght].ttf",
    "Mono": Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf",
}
_CSS = """
body { margin: 0; background: #313338; color: #dbdee1; font: 15px/1.35 Text, Hebrew, Arabic, CJK, Emoji }
.message { position: relative; padding: 10px 12px 6px 68px; overflow-wrap: anywhere }
.avatar { position: absolute; left: 14px; top: 12px; width: 40px; height: 40px; border-radius: 50%;
  background: #5865f2; color: #fff; text-align: center; line-height: 40px }
.username { font-weight: 600; color: #f2f3f5 }
.app { background: #5865f2; color: #fff; font-size: 10px; border-radius: 3px; padding: 1px 4px; margin-left: 4px }
.embed { display: flow-root; background: #2b2d31; border-left: 4px solid #1e1f22; border-radius: 4px;
  padding: 8px 12px 12px; margin-top: 4px; max-width: 516px; box-sizing: border-box }
.author { font-size: 13px; font-weight: 600; margin: 4px 0; color: #f2f3f5 }
.title { font-size: 16px; font-weight: 700; margin: 4px 0; color: #fff }
.description, .value { font-size: 14px }
.description { margin-top: 4px }
.name { font-size: 14px; font-weight: 600; margin-top: 8px; color: #f2f3f5 }
.desktop .inline { display: inline-block; width: 32%; vertical-align: top }
.footer { font-size: 11px; margin-top: 8px; color: #b5bac1; clear: both }
.thumbnail { float: right; max-width: 80px; max-height: 80px; margin: 8px 0 0 12px; border-radius: 4px }
.image { display: block; max-width: 100%; border-radius: 4px; margin-top: 12px; clear: both }
.phone .image { width: 100% }
.desktop .image { max-width: 400px; max-height: 300px }
pre { font: 12.5px/1.3 Mono, CJK, Emoji; background: #1e1f22; border: 1px solid #1a1b1e; border-radius: 4px;
  padding: 7px; margin: 4px 0 0; white-space: pre-wrap }
code { font: 12.5px Mono, CJK, Emoji; background: #1e1f22; border-radius: 3px; padding: 0 3px }
.timestamp, .mention { background: #3f4147; border-radius: 3px; padding: 0 2px }
.mention { background: #3c4270; color: #c9cdfb }
.link { color: #00a8fc }
.spoiler { background: #1e1f22; color: #1e1f22; border-radius: 3px }
.quote { border-left: 4px solid #4e5058; padding-left: 8px }
.item { padding-left: 16px }
.subtext { font-size: 12px; color: #949ba4 }
.h1 { font-size: 22px } .h2 { font-size: 18px } .h3 { font-size: 15px }
.h1, .h2, .h3, b { font-weight: 700; color: #f2f3f5 }
.emoji { display: inline-block; width: 1.3em; text-align: center; white-space: nowrap }
.line { min-height: 1.35em }
"""
_MEASURE = """
document.fonts.ready.then(() => document.querySelectorAll('.message').forEach(message => {
  const rows = [...message.querySelectorAll('pre > div')];
  message.dataset.height = Math.ceil(message.getBoundingClientRect().height);
  message.dataset.wrapped = rows.filter(row => row.getBoundingClientRect().height > 20).length;
  message.dataset.overflow = message.scrollWidth > message.clientWidth ? 1 : 0;
}));
"""

_FENCE = re.compile(r"```(?:[A-Za-z0-9+-]+\n)?(.*?)```", re.DOTALL)
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|(?:[\u2600-\u27bf\u2b05-\u2b55\u231a-\u23ff\U0001f300-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?\u200d?)+"
)
_INLINE = re.compile(
    r"""\\(?P<escaped>[^A-Za-z0-9\s])
    |`(?P<code>[^`]+)`
    |\[(?P<label>(?:\\.|[^\[\]\\])+)\]\((?P<target>https?://[^\s)]+)\)
    |<?(?P<url>https?://[^\s<>]+)>?
    |<t:(?P<time>\d{1,12})(?::(?P<style>[tTdDfFR]))?>
    |<(?P<mention>@[!&]?|\#)\d+>|(?P<everyone>@everyone|@here)
    |\*\*(?P<bold>(?:\\.|[^\\])+?)\*\*
    |__(?P<underline>(?:\\.|[^\\])+?)__
    |~~(?P<strike>(?:\\.|[^\\])+?)~~
    |\|\|(?P<spoiler>(?:\\.|[^\\])+?)\|\|
    |\*(?P<italic>(?:\\.|[^\\*])+)\*
    |\b_(?P<italic2>(?:\\.|[^\\_])+)_\b""",
    re.VERBOSE | re.DOTALL,
)
_TAGS = {"bold": "b", "underline": "u", "strike": "s", "italic": "i", "italic2": "i"}
_BLOCKS = (("-# ", "subtext"), ("### ", "h3"), ("## ", "h2"), ("# ", "h1"), ("> ", "quote"))
_BULLET = re.compile(r"(?:[-*]|\d+\.) ")
_TIMES = {
    "t": "%H:%M",
    "T": "%H:%M:%S",
    "d": "%d/%m/%Y",
    "D": "%d %B %Y",
    "F": "%A, %d %B %Y %H:%M",
    "R": "2 hours ago",
}

Payload = Mapping[str, Any]
"""The JSON body of a webhook message."""

Shown = tuple[Payload, Mapping[str, bytes]]
"""A message and its attached files by name."""


class Size(NamedTuple):
    """The displayed size of a message: `height` in CSS pixels, and the number of wrapped code block rows."""

    height: int
    wrapped_rows: int


def find_browser() -> str | None:
    """Return the path of Chromium, or None if it is not installed."""
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def measure(shown: Sequence[Shown], width: int = PHONE) -> list[Size]:
    """Return the size of each message on a screen of this width.

    Raises RuntimeError when Chromium is missing or fails, or when a message is wider than the screen.
    """
    dom = _run(to_html(shown, width), width, 800, "--dump-dom")
    measured = re.findall(r' data-height="(\d+)" data-wrapped="(\d+)" data-overflow="(\d)"', dom)
    if len(measured) != len(shown):
        raise RuntimeError("Chromium did not render the page")
    if any(overflow == "1" for _, _, overflow in measured):
        raise RuntimeError("a message is wider than the screen")
    return [Size(int(height), int(wrapped)) for height, wrapped, _ in measured]


def screenshot(shown: Sequence[Shown], width: int = PHONE) -> bytes:
    """Render messages below each other as a PNG with two pixels for each CSS pixel; raises as `measure` does."""
    height = sum(size.height for size in measure(shown, width))
    with tempfile.TemporaryDirectory(prefix="etstats-screenshot-") as folder:
        picture = Path(folder, "picture.png")
        _run(
            to_html(shown, width),
            width,
            height,
            f"--screenshot={picture}",
            f"--force-device-scale-factor={_SCALE}",
        )
        with Image.open(picture) as page:
            out = BytesIO()
            page.crop((0, 0, width * _SCALE, height * _SCALE)).save(out, "PNG")
    return out.getvalue()


def _run(page: str, width: int, height: int, *options: str) -> str:
    """Open the page in Chromium and return what it printed."""
    browser = find_browser()
    if not browser:
        raise RuntimeError("Chromium is not installed; install the package chromium")
    with tempfile.TemporaryDirectory(prefix="etstats-chromium-") as folder:
        file = Path(folder, "page.html")
        file.write_text(page, encoding="utf-8")
        window = f"--window-size={max(width, _SMALLEST_WINDOW)},{max(height, _SMALLEST_WINDOW)}"
        profile = f"--user-data-dir={folder}/profile"
        command = [browser, *_FLAGS, profile, window, *options, file.as_uri()]
        return run(command).stdout


def to_html(shown: Sequence[Shown], width: int = PHONE) -> str:
    """Return the page; every text is escaped, and no text can load or run anything."""
    faces = "".join(
        f"@font-face{{font-family:{name};src:url('{path.as_uri()}')}}" for name, path in _FONTS.items()
    )
    screen = "phone" if width < 600 else "desktop"
    policy = "default-src 'none'; style-src 'nonce-page'; script-src 'nonce-page'; font-src file:; img-src data:"
    return (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<style nonce="page">{faces}{_CSS}#page {{ width: {width}px; overflow: hidden }}{_colours(shown)}</style>'
        f'<div id="page" class="{screen}">{"".join(_message(message, files) for message, files in shown)}</div>'
        f'<script nonce="page">{_MEASURE}</script>'
    )


def markdown(text: str) -> str:
    """Return Discord's Markdown as HTML: the subset that embeds show."""
    parts: list[str] = []
    at = 0
    for fence in _FENCE.finditer(text):
        parts += [_lines(text[at : fence.start()].removesuffix("\n")), _code_block(fence[1])]
        at = fence.end() + text[fence.end() : fence.end() + 1].count("\n")
    return "".join([*parts, _lines(text[at:])])


def _colours(shown: Sequence[Shown]) -> str:
    colours = {
        int(embed["color"]) for message, _ in shown for embed in message.get("embeds", []) if "color" in embed
    }
    return "".join(f".c{colour:06x} {{ border-left-color: #{colour:06x} }}" for colour in colours)


def _message(message: Payload, files: Mapping[str, bytes]) -> str:
    embeds = message.get("embeds", [])
    used = {str(embed.get(kind, {}).get("url", "")) for embed in embeds for kind in ("image", "thumbnail")}
    loose = [name for name in files if f"attachment://{name}" not in used]
    return (
        '<div class="message"><div class="avatar">ET</div>'
        f'<span class="username">{_plain(message.get("username") or "etstats")}</span><span class="app">APP</span>'
        + markdown(message.get("content") or "")
        + "".join(_embed(embed, files) for embed in embeds)
        + "".join(_image(f"attachment://{name}", files, "image") for name in loose)
        + "</div>"
    )


def _embed(embed: Payload, files: Mapping[str, bytes]) -> str:
    footer = [_plain(embed.get("footer", {}).get("text", "")).replace("\n", "<br>")]
    if embed.get("timestamp"):
        footer.append(f"{datetime.fromisoformat(embed['timestamp']).astimezone(UTC):%d/%m/%Y %H:%M}")
    foot = " • ".join(filter(None, footer))
    fields = "".join(
        f'<div class="{"field inline" if field.get("inline") else "field"}">'
        + _block("name", markdown(field["name"]))
        + _block("value", markdown(field["value"]))
        + "</div>"
        for field in embed.get("fields", [])
    )
    return (
        f'<div class="embed c{int(embed.get("color", 0)):06x}">'
        + _image(str(embed.get("thumbnail", {}).get("url", "")), files, "thumbnail")
        + _block("author", _plain(embed.get("author", {}).get("name", "")))
        + _block("title", markdown(embed.get("title", "")))
        + _block("description", markdown(embed.get("description", "")))
        + fields
        + _image(str(embed.get("image", {}).get("url", "")), files, "image")
        + _block("footer", foot)
        + "</div>"
    )


def _block(kind: str, inner: str) -> str:
    return f'<div class="{kind}">{inner}</div>' if inner else ""


def _image(url: str, files: Mapping[str, bytes], kind: str) -> str:
    data = files.get(url.removeprefix("attachment://"))
    if data is None or not url.startswith("attachment://"):
        return ""
    return f'<img class="{kind}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'


def _code_block(text: str) -> str:
    rows = text.strip("\n").split("\n")
    return "<pre>" + "".join(f"<div>{_visible(row) or '&nbsp;'}</div>" for row in rows) + "</pre>"


def _lines(text: str) -> str:
    return "".join(map(_line, text.split("\n"))) if text else ""


def _line(line: str) -> str:
    for prefix, kind in _BLOCKS:
        if line.startswith(prefix):
            return f'<div class="line {kind}">{_inline(line.removeprefix(prefix))}</div>'
    if bullet := _BULLET.match(line):
        sign = "•" if bullet[0][0] in "-*" else html.escape(bullet[0].strip())
        return f'<div class="line item">{sign} {_inline(line[bullet.end() :])}</div>'
    return f'<div class="line">{_inline(line)}</div>'


def _inline(text: str) -> str:
    parts: list[str] = []
    at = 0
    for found in _INLINE.finditer(text):
        parts.append(_plain(text[at : found.start()]))
        parts.append(_span(found))
        at = found.end()
    return "".join([*parts, _plain(text[at:])])


def _span(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    text = found[kind]
    match kind:
        case "escaped":
            return _plain(text)
        case "code":
            return f"<code>{_visible(text)}</code>"
        case "target":
            return f'<span class="link">{_inline(found["label"])}</span>'
        case "url":
            return f'<span class="link">{_visible(text)}</span>'
        case "time" | "style":
            style = _TIMES.get(found["style"] or "f", "%d %B %Y %H:%M")
            return (
                f'<span class="timestamp">{datetime.fromtimestamp(int(found["time"]), UTC).strftime(style)}</span>'
            )
        case "mention" | "everyone":
            return '<span class="mention">@mention</span>'
        case "spoiler":
            return f'<span class="spoiler">{_inline(text)}</span>'
    return f"<{_TAGS[kind]}>{_inline(text)}</{_TAGS[kind]}>"


def _plain(text: str) -> str:
    """Return the escaped text, with emoji as wide as Discord's images of them."""
    parts: list[str] = []
    at = 0
    for emoji in _EMOJI.finditer(text):
        parts += [
            _visible(text[at : emoji.start()]),
            *(f'<span class="emoji">{one}</span>' for one in _clusters(emoji[0])),
        ]
        at = emoji.end()
    return "".join([*parts, _visible(text[at:])])


def _clusters(text: str) -> list[str]:
    return re.findall(r"[\U0001f1e6-\U0001f1ff]{2}|.[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d.[\ufe0f]*)*", text)


def _visible(text: str) -> str:
    return html.escape(text.replace("\u200b", ""))


def main() -> None:
    """Render a message file to a picture and print its height."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("message", type=Path)
    options.add_argument("picture", type=Path)
    options.add_argument("--width", type=int, default=PHONE)
    options.add_argument("--files", type=Path)
    given = options.parse_args()
    files = {path.name: path.read_bytes() for path in given.files.glob("*.png")} if given.files else {}
    shown = [(json.loads(given.message.read_text()), files)]
    given.picture.write_bytes(screenshot(shown, given.width))
    print(f"height {measure(shown, given.width)[0].height}")


if __name__ == "__main__":
    main()
