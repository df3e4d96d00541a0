"""Which keys, tokens and passwords stand in a text? Makers' prefixes first; a row of the table each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from hortus.gateway.guards.folding import View
from hortus.gateway.guards.hits import Hit

_RANK = 100


class Secret(msgspec.Struct, frozen=True):
    """One kind of key.

    Attributes:
        kind: What a finding is called.
        sign: Letters that every such key has at its beginning.
        pattern: The whole key, from its beginning.
    """

    kind: str
    sign: str
    pattern: re.Pattern[str]


def _key(sign: str, rest: str, *, kind: str = "api_key") -> Secret:
    return Secret(kind, sign, re.compile(re.escape(sign) + rest + r"(?![A-Za-z0-9])"))


SECRETS: tuple[Secret, ...] = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek: https://platform.openai.com/docs/api-reference/authentication, recalled 2026-11, not opened
    _key("sk-", r"(?:(?:proj|ant|or|svcacct|admin)-[A-Za-z0-9_\-]{16,300}|[A-Za-z0-9]{20,100})"),
    # Google: https://cloud.google.com/docs/authentication/api-keys, recalled 2026-11, not opened
    _key("AIza", r"[A-Za-z0-9_\-]{35}"),
    _key("GOCSPX-", r"[A-Za-z0-9_\-]{20,40}"),
    _key("ya29.", r"[A-Za-z0-9_\-.]{20,500}"),
    # AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, recalled 2026-11, not opened
    _key("AKIA", r"[A-Z2-7]{16}"),
    _key("ASIA", r"[A-Z2-7]{16}"),
    _key("ABSK", r"[A-Za-z0-9+/]{40,200}={0,2}"),
    # GitHub: https://github.blog/engineering/behind-githubs-new-authentication-token-formats, recalled 2026-11, not opened
    *(_key(f"gh{letter}_", r"[A-Za-z0-9]{36,255}") for letter in "pousr"),
    _key("github_pat_", r"[A-Za-z0-9_]{36,255}"),
    # GitLab: https://docs.gitlab.com/security/tokens/#token-prefixes, recalled 2026-11, not opened
    *(_key(sign, r"[A-Za-z0-9_\-.]{20,300}") for sign in ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "gloas-")),
    # Slack: https://docs.slack.dev/authentication/tokens, recalled 2026-11, not opened
    *(_key(f"xox{letter}-", r"[A-Za-z0-9\-]{10,250}") for letter in "abeprs"),
    _key("xapp-", r"[A-Za-z0-9\-]{20,250}"),
    _key("https://hooks.slack.com/services/", r"[A-Z0-9]+/[A-Z0-9]+/[A-Za-z0-9]{20,40}"),
    # Stripe: https://docs.stripe.com/keys, recalled 2026-11, not opened
    *(_key(f"{start}_{mode}_", r"[A-Za-z0-9]{16,250}") for start in ("sk", "rk") for mode in ("live", "test")),
    _key("whsec_", r"[A-Za-z0-9+/=]{24,100}"),
    # Hugging Face: https://huggingface.co/docs/hub/security-tokens, recalled 2026-11, not opened
    _key("hf_", r"[A-Za-z]{30,50}"),
    # Groq, xAI, Perplexity, Replicate, Fireworks: their consoles, recalled 2026-11, not opened
    _key("gsk_", r"[A-Za-z0-9]{40,60}"),
    _key("xai-", r"[A-Za-z0-9]{40,100}"),
    _key("pplx-", r"[A-Za-z0-9]{40,60}"),
    _key("r8_", r"[A-Za-z0-9]{37}"),
    _key("fw_", r"[A-Za-z0-9]{22,30}"),
    # npm, PyPI, SendGrid, DigitalOcean, Azure storage: their documentation, recalled 2026-11, not opened
    _key("npm_", r"[A-Za-z0-9]{36}"),
    _key("pypi-AgE", r"[A-Za-z0-9_\-]{50,500}"),
    _key("SG.", r"[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}"),
    _key("dop_v1_", r"[a-f0-9]{64}"),
    _key("AccountKey=", r"[A-Za-z0-9+/]{60,100}={0,2}"),
    _key("hortus_sk_", r"[A-Za-z0-9_\-]{16,100}"),
    Secret(
        "private_key", "-----BEGIN ",
        re.compile(r"-----BEGIN [A-Z ]{0,24}PRIVATE KEY(?: BLOCK)?-----[^-]{1,20000}(?:-----END [A-Z ]{0,24}PRIVATE KEY(?: BLOCK)?-----)?"),
    ),
    _key("eyJ", r"[A-Za-z0-9_\-]{10,4000}\.eyJ[A-Za-z0-9_\-]{10,8000}\.[A-Za-z0-9_\-]{10,1000}", kind="token"),
    Secret("token", "Bearer ", re.compile(r"(?<=Bearer )[A-Za-z0-9_\-.~+/]{20,2000}=*")),
)  # fmt: skip

_PASSWORD_WORDS = (
    "pass", "pwd", "mdp", "contrase", "clave", "wachtw", "kennw", "hasł", "haslo", "heslo", "salas", "senord", "adgangs", "kodeord", "senha", "parol",
    "jelsz", "lozink", "geslo", "slapta", "parool", "κωδικ", "парол", "lykilor", "secret", "_key", "-key", "apikey", "api key", "token",
)  # fmt: skip
"""Parts of words in small letters; `_PASSWORD` says which words are meant."""
_PASSWORD = re.compile(
    r"pass(?:wor[dt]|wd|phrase|ord|e)?|pwd|mdp|contrase(?:ñ|n)a|clave|wachtwoord|kennwort|has[łl]o|heslo|salasana|senord|adgangskode|kodeord|"
    r"senha|parol[aăe]?|jelszó|lozinka|geslo|slaptažodis|parool|κωδικ[όο][ςσ]|парола|lykilorð|secret|[_-]key|api ?key|token"
)
_ASSIGNED = re.compile(
    r"[\w\-]{0,20}[\"']?[ ]{0,3}(?:=>|:=|[:=]|[ ](?:is|ist|lautet|est|es|è|jest|är|er|on|je|este|é|:)[ ])[ ]{0,3}[\"'`]?(?=\S)"
)
_VALUE = re.compile(r"[^\s\"'`<>,;)\]}|]{6,200}")
_IN_ADDRESS = re.compile(r"://[^\s/:@\"']{1,64}:([^\s/@\"']{3,128})@")
_LEAST_OF_PASSWORD = 6
_LEAST_OF_KEY = 20
"""Every key of the table is longer, and so is a line of a private key."""


class Credentials:
    """Keys by their prefixes, passwords by the word before them or their place in an address."""

    def seek(self, view: View) -> Iterable[Hit]:
        """Every key of the table, private keys as a whole, and values that are called passwords."""
        text = view.text
        yield from _keys(text)
        if "://" in text and "@" in text:
            for address in _IN_ADDRESS.finditer(text):
                yield Hit(_RANK, *address.span(1), "secrets", "password")
        yield from _passwords(text)


def _keys(text: str) -> Iterator[Hit]:
    """Signs are looked for among the long words only, of which most texts have few."""
    long = " ".join([word for word in text.split() if len(word) >= _LEAST_OF_KEY])
    for secret in SECRETS if long else ():
        if " " in secret.sign or secret.sign in long:
            for place in _places(text, secret.sign):
                if found := _whole(secret, text, place):
                    yield Hit(_RANK, *found, "secrets", secret.kind)


def _places(text: str, sign: str) -> Iterator[int]:
    place = text.find(sign)
    while place >= 0:
        yield place
        place = text.find(sign, place + len(sign))


def _whole(secret: Secret, text: str, place: int) -> tuple[int, int] | None:
    if place and secret.sign[0].isalnum() and (text[place - 1].isalnum() or text[place - 1] in "_-"):
        return None
    found = secret.pattern.match(text, place + (len(secret.sign) if secret.sign == "Bearer " else 0))
    return found.span() if found else None


def _passwords(text: str) -> Iterator[Hit]:
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text  # a capital that is two letters when small: places must agree
    for word in _PASSWORD_WORDS:
        for place in _places(lowered, word):
            called = _PASSWORD.match(lowered, place)
            assigned = called and _ASSIGNED.match(text, called.end())
            value = assigned and _VALUE.match(text, assigned.end())
            if value and _looks_secret(written := value[0].rstrip(".!?")):
                yield Hit(_RANK - 1, value.start(), value.start() + len(written), "secrets", "password")


def _looks_secret(value: str) -> bool:
    """Whether it is more than a word of the sentence: letters with digits or signs, and no placeholder."""
    if len(value) < _LEAST_OF_PASSWORD or value.startswith(_PLACEHOLDERS):
        return False
    has_letter, has_digit, has_sign = (any(map(test, value)) for test in (str.isalpha, str.isdigit, _is_sign))
    has_cases = value[1:].lower() != value[1:] and not value.isupper()
    return has_cases or has_letter + has_digit + has_sign >= 2  # noqa: PLR2004 - two of the three


_PLACEHOLDERS = ("$", "%", "{", "[", "(", "<", "http", "...", "***")


def _is_sign(one: str) -> bool:
    return not one.isalnum() and one not in "-_./"
