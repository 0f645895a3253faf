# The sum of all elements of C = A * B, where A and B are n by n matrices with A[i] = i mod 7 and
# B[i] = i mod 11.
import sys


def main(n):
    a = [float(i % 7) for i in range(n * n)]
    b = [float(i % 11) for i in range(n * n)]
    c = [0.0] * (n * n)
    for i in range(n):
        for j in range(n):
            s = 0.0
            for k in range(n):
                s += a[i * n + k] * b[k * n + j]
            c[i * n + j] = s
    print(int(sum(c)))


main(int(sys.argv[1]) if len(sys.argv) > 1 else 120)
