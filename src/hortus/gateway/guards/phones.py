"""Data of telephone numbers: the countries' calling codes, and the words that announce a number."""

from __future__ import annotations

_EUROPEAN = (
    "30:GR 31:NL 32:BE 33:FR 34:ES 36:HU 39:IT 40:RO 41:CH 43:AT 44:GB 45:DK 46:SE 47:NO 48:PL 49:DE 351:PT 352:LU 353:IE 354:IS "
    "355:AL 356:MT 357:CY 358:FI 359:BG 370:LT 371:LV 372:EE 373:MD 374:AM 375:BY 376:AD 377:MC 378:SM 380:UA 381:RS 382:ME 383:XK "
    "385:HR 386:SI 387:BA 389:MK 420:CZ 421:SK 423:LI"
)
_OTHERS = (
    "1 7 20 27 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 "
    "225 226 227 228 229 230 231 232 233 234 235 236 237 238 239 240 241 242 243 244 245 246 248 249 250 251 252 253 254 255 256 257 "
    "258 260 261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 "
    "595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 850 852 853 855 856 880 "
    "886 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 992 993 994 995 996 998"
)
CALLING_CODES: dict[str, str | None] = {
    **dict.fromkeys(_OTHERS.split()),
    **dict(pair.split(":") for pair in _EUROPEAN.split()),
}
"""Country by calling code, None outside Europe. https://www.itu.int/oth/T0202.aspx?parent=T0202, recalled 2026-11, not opened."""

PHONE_WORDS = frozenset((
    "tel", "tél", "tlf", "tfn", "tlfn", "gsm", "fax", "faks", "puh", "mob", "mobil", "mobile", "handy", "natel", "phone", "cell",
    "kom", "τηλ", "κιν", "тел", "моб", "sími", "móvil", "movil", "móv", "cel", "ring", "ringe", "call", "appelez", "llame", "zadzwoń",
    "whatsapp", "sms", "ph", "tm", "telf", "tālr",
))  # fmt: skip
"""Whole words after which a number is one to call, in small letters."""
PHONE_STEMS = (
    "telefon", "telnr", "telnum", "phone", "téléphon", "telephon", "teléfon", "teléfono", "telèfon", "puhelin", "mobilnummer", "mobiltelefon", "portable",
    "cellulare", "telemóvel", "telemovel", "komórk", "handynummer", "mobilní", "mobilný", "mobiel", "mobitel", "rufnummer", "rückruf",
    "durchwahl", "τηλέφων", "τηλεφων", "κινητ", "телефон", "мобил", "tālrun", "tālr", "guthán", "fón", "mobiele", "matkapuh",
    "mobilnr", "celular", "farsím", "erreich", "anrufen", "joindre", "joignable", "bereik", "llamar", "llama", "chiam", "dzwoń", "dzwon", "zadzwo", "ligar", "ligue", "når", "nås", "tavoitta", "soita", "volejte", "volajte", "volat", "reach", "suna", "sunați", "nazov", "zovite", "poklič", "hring", "síma", "zvan", "helista", "skambin", "καλέστε", "hívj", "hívh", "обади",
)  # fmt: skip
"""Beginnings of longer words of the same kind."""
