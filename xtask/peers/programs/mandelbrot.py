# The Mandelbrot set as a picture of n by n bits; all its bytes in one by exclusive or.
import sys


def escapes(cr, ci):
    zi = zr_squared = zi_squared = 0.0
    for _ in range(50):
        zr = zr_squared - zi_squared + cr
        zi = 2.0 * zr * zi + ci
        zr_squared = zr * zr
        zi_squared = zi * zi
        if zr_squared + zi_squared > 4.0:
            return True
    return False


def main(n):
    total = 0
    for y in range(n):
        ci = 2.0 * y / n - 1.0
        byte = bits = 0
        for x in range(n):
            byte = byte * 2 + escapes(2.0 * x / n - 1.5, ci)
            bits += 1
            if bits == 8:
                total ^= byte
                byte = bits = 0
        if bits > 0:
            total ^= byte << 8 - bits
    print(total)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
