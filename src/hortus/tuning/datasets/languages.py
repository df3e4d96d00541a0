"""Which of the EU's languages is a text in? Told by letters, and by the small words that no language can do without.

No model is fetched and none is shipped: a share for each language is wanted, and short tables say that well enough.
Texts that are too short, or in no language of the table, count as `und`.
"""

# ruff: noqa: RUF001 -- words in the alphabets of Europe

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

UNKNOWN = "und"
READ_CHARACTERS = 800
"""Of a text that are looked at."""

_LEAST_SCORE = 1.0
_LEAD = 1.1  # over the second best, in which close relatives may come near

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_APOSTROPHE = re.compile("['’]")
_GREEK = re.compile("[α-ωά-ώ]")
_CYRILLIC = re.compile("[а-яёіїєґ]")

_WORDS = """
bg: и на да се за от не си с че по как това ще са ли към при може ми има или във със който трябва къде
cs: je se na že do jak jsem jsou pro není jako bych kde které který být nebo při mám můžu prosím u už co za aby ale
cs: tak kolik chci v ve k mi mě by jen má mají ještě tento této naší naše od kdy
da: og det er jeg ikke en af til på har med der den hvordan kan hvor min skal fra jer blev også mig kun været hvad vil
da: gerne man skulle om eller efter ved jeres vores denne dette
de: der die das und ist nicht ich ein eine zu den wie mit für auf wo kann mein meine im bei von habe wird auch dem sie
de: wir was kostet möchte ob oder nach bitte ihr ihre haben werden um noch nur wenn wann dass einen einem einer
el: και το να της του η για με στο είναι σε που από τη τον δεν μου τα οι
en: the and is to of a in my how do what for i it where you that can have with on are this from be was not does want
en: much would like please there has will if or by at we our their they an
es: el la de que y en los es para un una por cómo mi con no dónde puedo las del se está hay qué son más tengo al
es: cuánto quiero cuándo mis su sus este esta pero o muy
et: ja on ei ma kuidas ning mis see kus oma või saan mida et minu kas kui mul olen ka pole veel seda palju soovin oli
et: siis aga meie teie nii
fi: ja on ei se miten mikä minun missä että olen voi tai kuin mutta minä joka mitä ovat myös onko voin pitää haluan
fi: paljonko milloin jos kun sekä vain nyt meidän tämä
fr: le la les de et est que je un une pour dans des du comment mon ma où en qui ne pas sur au avec puis il vous nous
fr: combien suis voudrais quand mes sont ou avez votre cette ce elle j'ai c'est
ga: agus an na is ar go a do tá le cad conas cá mo sa leis bhfuil ní bhí chun ag ó ba mhaith liom mhéad é sé sí ina
ga: aon mar nuair
hr: je i u na se da za sam kako što nije su gdje moj mogu od ili koji biti li bi već ovo nema jesu koliko želim kada
hr: svoju ova ovaj samo bio jesam ću ali uz bih zašto
hu: a az és hogy nem is van egy hol meg én ez milyen hogyan lehet vagy kell mikor csak nincs már volt szeretnék
hu: mennyibe kerül ha de ki mi amikor amely egyik után alatt mert itt tudom
it: il di che la e è un una per non in come mi con dove posso sono del della le gli ho al mio mia nel ci si quanto
it: vorrei quando i questo questa ma o anche più se dal nella
lt: ir yra kaip kad ar aš ne su kur mano į iš tai bet dėl man galiu nuo prie už buvo šiandien kiek noriu kada arba po
lt: jau bus mūsų jūsų tik
lv: un ir kā es ar ka no uz kur vai man par nav tas pie savu varu lai bet tiek jau pēc kas cik vēlos kad jūs mēs jo
lv: tikai bija būs šis
mt: u li ta il fil ma dan kif hija biex hu tal minn hemm jien fejn nista għal mhux dwar kien xi kemm irrid meta tiegħi
mt: tat għall din hi huwa
nl: de het een en van ik is niet in te dat op voor hoe mijn waar kan met zijn aan er ook bij maar naar heb wordt wat
nl: wil hoeveel wanneer of we ons deze dit onze door nog om u
pl: i w na nie się do jest to jak że z moje mój gdzie czy mogę od po są dla co proszę za przez jestem już ile chcę
pl: kiedy lub oraz ten ta tego mam nasz naszej można tylko u
pt: o a de que e em os um uma para não como meu minha com onde posso é do da dos na no está por ao são mais quanto
pt: quero quando ou se mas seu sua este esta muito pelo pela
ro: și în de la nu cu că un o pe este sunt cum unde pentru mea meu din ce am pot care să mai ale fost cât vreau când
ro: sau dacă acest această aș vă noi lor fi îmi
sk: je sa na že do ako som sú pre nie kde ktorý ktoré alebo pri mám môžem prosím čo už aby ale tak bude za koľko chcem
sk: kedy mi v vo k by len má majú našej ešte tento
sl: je in v na se da za sem kako kaj ni so kje moj lahko od ali ki pri bi tudi še ne bil kar biti koliko želim kdaj pa
sl: jaz moja svojo ta to samo če ob
sv: och det är jag inte en att av till på har med som den hur kan var min ett ska från för om mig också finns vad vill
sv: när eller vår denna detta kostar skulle hos ni då
"""

_LETTERS = {
    "cs": "áčďéěíňóřšťúůýž",
    "da": "æøåé",
    "de": "äöüß",
    "en": "",
    "es": "áéíñóúü¿¡",
    "et": "äöüõšž",
    "fi": "äöå",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "ga": "áéíóú",
    "hr": "čćđšž",
    "hu": "áéíóöőúüű",
    "it": "àèéìòù",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "mt": "ċġħżàèìòù",
    "nl": "éëïöü",
    "pl": "ąćęłńóśźż",
    "pt": "ãáàâçéêíõóôú",
    "ro": "ăâîșțşţ",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšž",
    "sv": "åäöé",
}
"""Letters beyond a to z that a language has: they hint at it, and others of the list speak against it."""

_FOREIGN = 0.7  # off for each letter that a language has not


def _weights() -> Mapping[str, tuple[tuple[str, float], ...]]:
    """Return each word's languages; a word of many languages says little about each."""
    languages: dict[str, set[str]] = {}
    for row in _WORDS.strip().splitlines():
        name, _, words = row.partition(": ")
        for word in words.split():
            languages.setdefault(word, set()).add(name)
    return MappingProxyType(
        {word: tuple((name, 1 / len(names)) for name in sorted(names)) for word, names in languages.items()}
    )


_WEIGHTS = _weights()
_ACCENTED = frozenset("".join(_LETTERS.values()))


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of a text's language, `und` where that is not clear.

    >>> language_of("Wo kann ich meinen Ausweis verlängern?"), language_of("42")
    ('de', 'und')
    """
    text = text[:READ_CHARACTERS].lower()
    if len(_GREEK.findall(text)) * 2 > len(text.replace(" ", "")):
        return "el"
    scores = _scores(text)
    if _CYRILLIC.search(text):
        return _cyrillic(text, scores)
    ranked = sorted(((score, name) for name, score in scores.items()), reverse=True)[:2]
    if not ranked or ranked[0][0] < _LEAST_SCORE:
        return UNKNOWN
    return ranked[0][1] if len(ranked) == 1 or ranked[0][0] >= ranked[1][0] * _LEAD else UNKNOWN


def _scores(text: str) -> dict[str, float]:
    scores: defaultdict[str, float] = defaultdict(float)
    for word in _WORD.findall(text):
        for part in {word, *_APOSTROPHE.split(word)} if _APOSTROPHE.search(word) else (word,):
            for name, weight in _WEIGHTS.get(part, ()):
                scores[name] += weight
    accents = set(text) & _ACCENTED
    for letter in accents:
        having = [name for name, letters in _LETTERS.items() if letter in letters]
        for name in having:
            scores[name] += 1 / len(having)
    for name in scores:
        scores[name] -= _FOREIGN * len(accents.difference(_LETTERS.get(name, "")))
    return scores


def _cyrillic(text: str, scores: Mapping[str, float]) -> str:
    """Tell Bulgarian from its neighbours, which have letters that it has not."""
    if set(text) & set("іїєґ"):
        return "uk"
    if set(text) & set("ыэё"):
        return "ru"
    return "bg" if scores.get("bg", 0) >= 1 else UNKNOWN
