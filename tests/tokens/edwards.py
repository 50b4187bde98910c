"""The arithmetic of edwards25519 (RFC 8032 5.1), as slow as it is plain, for what is not to be trusted to a
library: which points have an order that divides eight."""

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
"""The order of the base point."""
D = -121665 * pow(121666, -1, P) % P
IDENTITY = (0, 1)


Point = tuple[int, int]


def add(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def times(number: int, point: Point) -> Point:
    found = IDENTITY
    for bit in bin(number)[2:]:
        found = add(found, found)
        if bit == "1":
            found = add(found, point)
    return found


def decoded(raw: bytes) -> Point | None:
    """The point, or None where there is none. As the decoders that are lenient: a y beyond P is taken modulo
    P, and a sign of x = 0 is overlooked."""
    number = int.from_bytes(raw, "little")
    y, sign = (number & (2**255 - 1)) % P, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    if root * root % P != square:
        root = root * pow(2, (P - 1) // 4, P) % P
    if root * root % P != square:
        return None
    return (root if root % 2 == sign else -root % P), y


def encoded(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def _of_order_8() -> int:
    """The y of a point whose double is of order 4: found by walking from one point of the full order 8 L."""
    y = 2
    while True:
        point = decoded(encoded(y, 0))
        if point is not None:
            found = times(L, point)
            if times(4, found) != IDENTITY:
                return found[1]
        y += 1


_Y = _of_order_8()
LOW_ORDER = [encoded(y, sign) for y in (0, 1, P - 1, _Y, P - _Y, P, P + 1) for sign in (0, 1)]
"""All 14 encodings of the eight points."""


FORGED = encoded(1, 0) + bytes(32)
"""A signature that any stranger can make: R is the identity, and s is 0. For a key whose order divides eight
it holds for one message of eight at least: for each whose hash is a multiple of that order."""
