# How many primes there are below 5000, with a list of booleans, n times.
import sys


def primes(size):
    flags = [True] * size
    count = 0
    for i in range(2, size + 1):
        if flags[i - 1]:
            count += 1
            for k in range(i + i, size + 1, i):
                flags[k - 1] = False
    return count


def main(n):
    total = 0
    for _ in range(n):
        total += primes(5000)
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
