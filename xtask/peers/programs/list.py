# Takeuchi's function over linked lists, n times; the length of what it gives.
import sys


class Element:
    def __init__(self, value, rest):
        self.value = value
        self.rest = rest


def make(length):
    return None if length == 0 else Element(length, make(length - 1))


def length(link):
    return 0 if link is None else 1 + length(link.rest)


def is_shorter(a, b):
    while b is not None:
        if a is None:
            return True
        a = a.rest
        b = b.rest
    return False


def tail(x, y, z):
    if is_shorter(y, x):
        return tail(tail(x.rest, y, z), tail(y.rest, z, x), tail(z.rest, x, y))
    return z


def main(n):
    total = 0
    for _ in range(n):
        total += length(tail(make(15), make(10), make(6)))
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
