"""Check digits that tell a number of a kind from any other number. Each takes the digits alone (and letters, where there are some)."""

from __future__ import annotations

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, payment cards."""
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: the number moved and read in base 36 is 1 modulo 97."""
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def cpf(digits: str) -> bool:
    """Brazil: eleven digits, two of them checks."""
    if len(set(digits)) == 1:
        return False
    return all(
        sum(int(digit) * weight for digit, weight in zip(digits, range(count + 1, 1, -1), strict=False)) * 10 % 11 % 10
        == int(digits[count])
        for count in (9, 10)
    )


def ahv(digits: str) -> bool:
    """Switzerland: EAN-13 that begins with 756."""
    values = [int(digit) for digit in digits]
    return digits.startswith("756") and (sum(values[::2]) + 3 * sum(values[1::2])) % 10 == 0


def nir(digits: str) -> bool:
    """France: thirteen digits and a key of two."""
    return digits[0] in "12" and 97 - int(digits[:13]) % 97 == int(digits[13:])


def dni(text: str) -> bool:
    """Spain: eight digits (the first of a foreigner's is X, Y or Z) and a letter."""
    return _DNI[int(text[:-1].translate(str.maketrans("XYZ", "012"))) % 23] == text[-1]


def nhs(digits: str) -> bool:
    """England: ten digits modulo 11."""
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return rest % 11 == int(digits[9]) and rest != 10


def steuer_id(digits: str) -> bool:
    """Germany: ISO 7064 mod 11,10, and one of the first ten digits stands two or three times."""
    if digits[0] == "0" or len(set(digits[:10])) not in (8, 9):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def pesel(digits: str) -> bool:
    """Poland: a birth date, a running number and a check digit."""
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    return 1 <= month <= 12 and 1 <= day <= 31 and sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0
