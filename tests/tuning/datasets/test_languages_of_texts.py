"""Languages of the EU are told apart by their small words and letters."""

# ruff: noqa: RUF001 -- texts in the alphabets of Europe

from __future__ import annotations

import pytest

from hortus.tuning.datasets.languages import language_of

TEXTS = {
    "bg": "Къде мога да подновя личната си карта и колко струва?",
    "cs": "Kde si mohu prodloužit občanský průkaz a kolik to stojí?",
    "da": "Hvor kan jeg forny mit pas, og hvad koster det?",
    "de": "Wo kann ich meinen Ausweis verlängern und was kostet es?",
    "el": "Πού μπορώ να ανανεώσω την ταυτότητά μου και πόσο κοστίζει;",
    "en": "Where can I renew my identity card and what does it cost?",
    "es": "¿Dónde puedo renovar mi documento de identidad y cuánto cuesta?",
    "et": "Kus ma saan oma passi pikendada ja kui palju see maksab?",
    "fi": "Missä voin uusia passini ja paljonko se maksaa?",
    "fr": "Où puis-je renouveler ma carte d'identité et combien ça coûte ?",
    "ga": "Cá bhféadfaidh mé mo phas a athnuachan agus cé mhéad atá air?",
    "hr": "Gdje mogu produžiti svoju osobnu iskaznicu i koliko to košta?",
    "hu": "Hol tudom meghosszabbítani a személyimet, és mennyibe kerül?",
    "it": "Dove posso rinnovare la carta d'identità e quanto costa?",
    "lt": "Kur galiu pratęsti savo asmens kortelę ir kiek tai kainuoja?",
    "lv": "Kur es varu pagarināt savu pasi un cik tas maksā?",
    "mt": "Fejn nista' nġedded il-karta tal-identità tiegħi u kemm tiswa?",
    "nl": "Waar kan ik mijn paspoort verlengen en wat kost het?",
    "pl": "Gdzie mogę przedłużyć dowód osobisty i ile to kosztuje?",
    "pt": "Onde posso renovar o meu cartão de cidadão e quanto custa?",
    "ro": "Unde îmi pot reînnoi buletinul și cât costă?",
    "sk": "Kde si môžem predĺžiť občiansky preukaz a koľko to stojí?",
    "sl": "Kje lahko podaljšam osebno izkaznico in koliko to stane?",
    "sv": "Var kan jag förnya mitt pass och vad kostar det?",
}


@pytest.mark.parametrize("code", TEXTS)
def test_knows_the_language(code: str) -> None:
    assert language_of(TEXTS[code]) == code


@pytest.mark.parametrize("text", ["", "42", "ok", "def f(x): return x", "你好，世界"])
def test_says_so_where_it_is_not_clear(text: str) -> None:
    assert language_of(text) == "und"


@pytest.mark.parametrize(
    ("text", "code"), [("Де я можу поновити паспорт?", "und"), ("Їжак і ґава", "uk"), ("Мы", "ru")]
)
def test_does_not_take_other_cyrillic_for_bulgarian(text: str, code: str) -> None:
    assert language_of(text) == code
