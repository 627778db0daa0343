"""Personal data and secrets are found by form and check digits; numbers of a dashboard are not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model_proxy.screen.look import look

FOUND = {
    "write to jo.doe+x@shop.example.com today": ("pii.email", "jo.doe+x@shop.example.com"),
    "call +49 170 1234567": ("pii.phone", "+49 170 1234567"),
    "call (212) 555-0187 now": ("pii.phone", "(212) 555-0187"),
    "Tel. 030/1234567": ("pii.phone", "030/1234567"),
    "card 4111 1111 1111 1111": ("pii.card", "4111 1111 1111 1111"),
    "card 378282246310005.": ("pii.card", "378282246310005"),
    "to DE89 3704 0044 0532 0130 00": ("pii.iban", "DE89 3704 0044 0532 0130 00"),
    "to gb29NWBK60161331926819": ("pii.iban", "gb29NWBK60161331926819"),
    "from 10.1.2.3": ("pii.ip", "10.1.2.3"),
    "from 2001:db8::1": ("pii.ip", "2001:db8::1"),
    "SSN 123-45-6789": ("pii.national-id", "123-45-6789"),
    "CPF 529.982.247-25": ("pii.national-id", "529.982.247-25"),
    "DNI 12345678Z": ("pii.national-id", "12345678Z"),
    "AHV 756.9217.0769.85": ("pii.national-id", "756.9217.0769.85"),
    "Steuer-ID 86095742719": ("pii.national-id", "86095742719"),
    "sk-proj-abcdEFGH1234567890abcdEFGH": ("secret.openai-key", "sk-proj-abcdEFGH1234567890abcdEFGH"),
    "key AKIAIOSFODNN7EXAMPLE": ("secret.aws-key", "AKIAIOSFODNN7EXAMPLE"),
    "ghp_0123456789abcdefghijklmnopqrstuvwxyz": ("secret.github-token", "ghp_0123456789abcdefghijklmnopqrstuvwxyz"),
    "password: hunter2Xy9!": ("secret.assigned", "hunter2Xy9!"),
    "Das Passwort lautet: G7x!pq29Lm": ("secret.assigned", "G7x!pq29Lm"),
    '{"api_key": "f3a9c2d8e1b7"}': ("secret.assigned", "f3a9c2d8e1b7"),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def": ("secret.jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def"),
    "postgres://app:s3cr3t@db/x": ("secret.password", "s3cr3t"),
}
NOT_FOUND = [
    "Sales from 2017-01-01 to 31.12.2017: 1234567 units, 1.234.567,89 euros at 12:30:45",
    "EAN 4006381333931, version 1.2.3, 12 345 678 baskets, 4111 1111 1111 1112",
    "DE88 3704 0044 0532 0130 00 is no IBAN, 529.982.247-26 no CPF, 86095742718 no id",
    "The password is forgotten; the token expires; the key figure is 12",
    "api_key: ${API_KEY_2}, password=your_password1, sk-learn-1",
    "weeks 1 2 3 4 5 6 7 8 9 10 11 12",
]


@pytest.mark.parametrize("text", FOUND)
def test_what_is_personal_or_secret_is_found(text: str) -> None:
    """With its kind and its exact place."""
    found = look(text, pii_wanted=True, secrets_wanted=True)
    assert [(one.id, text[one.start : one.end]) for one in found] == [FOUND[text]]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_numbers_and_talk_are_not_found(text: str) -> None:
    """Wrong check digits, dates, amounts, words about secrets."""
    assert look(text, pii_wanted=True, secrets_wanted=True) == []


def test_a_private_key_is_found_whole() -> None:
    """From its first line to its last."""
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----"
    (found,) = look(f"here: {key} thanks", pii_wanted=False, secrets_wanted=True)
    assert (found.start, found.end) == (6, 6 + len(key))


@given(st.text(alphabet=st.sampled_from(" .-/()+@:=aZ0123456789eyJ_sk\nü"), max_size=80))
def test_findings_are_in_order_and_apart(text: str) -> None:
    """Whatever the text."""
    found = look(text, pii_wanted=True, secrets_wanted=True)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(0 <= one.start < one.end <= len(text) for one in found)
