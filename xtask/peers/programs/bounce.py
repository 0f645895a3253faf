# A hundred balls in a box for fifty steps, n times; how often they bounce.
import sys


class Random:
    def __init__(self):
        self.seed = 74755

    def draw(self):
        self.seed = (self.seed * 1309 + 13849) & 65535
        return self.seed


class Ball:
    def __init__(self, random):
        self.x = random.draw() % 500
        self.y = random.draw() % 500
        self.x_speed = random.draw() % 300 - 150
        self.y_speed = random.draw() % 300 - 150

    def bounce(self):
        bounced = False
        self.x += self.x_speed
        self.y += self.y_speed
        if self.x > 500:
            self.x, self.x_speed = 500, -abs(self.x_speed)
            bounced = True
        if self.x < 0:
            self.x, self.x_speed = 0, abs(self.x_speed)
            bounced = True
        if self.y > 500:
            self.y, self.y_speed = 500, -abs(self.y_speed)
            bounced = True
        if self.y < 0:
            self.y, self.y_speed = 0, abs(self.y_speed)
            bounced = True
        return bounced


def main(n):
    bounces = 0
    for _ in range(n):
        random = Random()
        balls = [Ball(random) for _ in range(100)]
        for _ in range(50):
            for ball in balls:
                if ball.bounce():
                    bounces += 1
    print(bounces)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
