# How many primes there are up to n: a byte for each number, 1 while it may be prime.
import sys


def main(n):
    flags = bytearray([1]) * (n + 1)
    i = 2
    while i * i <= n:
        if flags[i]:
            for j in range(i * i, n + 1, i):
                flags[j] = 0
        i += 1
    count = 0
    for i in range(2, n + 1):
        count += flags[i]
    print(count)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000000)
