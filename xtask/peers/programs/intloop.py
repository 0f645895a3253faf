# A chain of n rounds of multiply, add, shift and xor that wraps.
import sys


def main(n):
    s = 1
    for i in range(n):
        s = (s * 6364136223846793005 + i) & 0xFFFFFFFFFFFFFFFF
        s ^= s >> 13
    print(s - (1 << 64) if s >> 63 else s)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000000)
