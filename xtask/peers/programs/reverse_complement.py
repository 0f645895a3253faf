# A random sequence of n nucleotides is turned round and complemented, nine times over.
import sys

LETTERS = b"ACGTMRWSYKVHDBN"
OTHERS = b"TGCAKYWSRMBDHVN"


def sequence(n):
    seed = 42
    out = bytearray()
    for _ in range(n):
        seed = (seed * 3877 + 29573) % 139968
        out.append(LETTERS[seed % 15])
    return bytes(out)


def main(n):
    table = bytes.maketrans(LETTERS, OTHERS)
    text = sequence(n)
    for _ in range(9):
        text = text[::-1].translate(table)
    total = 0
    for i in range(0, n, 97):
        total = (total * 31 + text[i]) % 1000003
    print(len(text), total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20000)
