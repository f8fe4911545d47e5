"""Dates in the languages of the setting `date_language`."""

from datetime import date
from typing import NamedTuple


class DateLanguage(NamedTuple):
    """Month names (alone and after a day), and the formats of a day and of a month."""

    months: tuple[str, ...]
    months_after_day: tuple[str, ...]
    day: str
    month: str


_PLAIN, _DOTTED, _WITH_OF = "{day} {month} {year}", "{day}. {month} {year}", "{day} de {month} de {year}"


def _language(months: str, after_day: str = "", day: str = _PLAIN, month: str = "{month} {year}") -> DateLanguage:
    names = tuple(months.split())
    return DateLanguage(names, tuple(after_day.split()) or names, day, month)


_FINNISH = (
    "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu"
)
LANGUAGES = {
    "en": _language("January February March April May June July August September October November December"),
    "cs": _language(
        "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
        "ledna února března dubna května června července srpna září října listopadu prosince",
        _DOTTED,
    ),
    "de": _language(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember", "", _DOTTED
    ),
    "es": _language(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "",
        _WITH_OF,
        month="{month} de {year}",
    ),
    "fi": _language(_FINNISH, _FINNISH.replace("kuu ", "kuuta ") + "ta", _DOTTED),
    "fr": _language("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    "it": _language(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
    ),
    "nl": _language("januari februari maart april mei juni juli augustus september oktober november december"),
    "pl": _language(
        "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    ),
    "pt": _language(
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "",
        _WITH_OF,
        month="{month} de {year}",
    ),
    "sl": _language(
        "januar februar marec april maj junij julij avgust september oktober november december",
        "januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra",
        _DOTTED,
    ),
    "sv": _language("januari februari mars april maj juni juli augusti september oktober november december"),
}


def day_in_words(day: date, language: str) -> str:
    """Return a day such as `20 October 2025`."""
    words = LANGUAGES[language]
    return words.day.format(day=day.day, month=words.months_after_day[day.month - 1], year=day.year)


def month_in_words(day: date, language: str) -> str:
    """Return a day's month such as `October 2025`."""
    words = LANGUAGES[language]
    return words.month.format(month=words.months[day.month - 1], year=day.year)
