# Iterations, at most 50 a point, over an n by n grid of the Mandelbrot set.
import sys


def iterations(cr, ci):
    zr = zi = 0.0
    i = 0
    while i < 50 and zr * zr + zi * zi <= 4.0:
        zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
        i += 1
    return i


def main(n):
    total = 0
    for y in range(n):
        ci = 2.0 * y / n - 1.0
        for x in range(n):
            total += iterations(2.0 * x / n - 1.5, ci)
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
