# Many binary trees of up to n levels are built, walked and dropped while one lives on; how many
# nodes were walked.
import sys


def build(depth):
    return (None, None) if depth == 0 else (build(depth - 1), build(depth - 1))


def nodes(tree):
    left, right = tree
    return 1 if left is None else 1 + nodes(left) + nodes(right)


def main(n):
    total = nodes(build(n + 1))
    long_lived = build(n)
    for depth in range(4, n + 1, 2):
        for _ in range(1 << n - depth + 4):
            total += nodes(build(depth))
    print(total + nodes(long_lived))


main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
