# The longest Collatz chain of the numbers below n, in steps.
import sys


def main(n):
    best = 0
    for i in range(1, n):
        x = i
        steps = 0
        while x != 1:
            x = 3 * x + 1 if x & 1 else x >> 1
            steps += 1
        best = max(best, steps)
    print(best)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 100000)
