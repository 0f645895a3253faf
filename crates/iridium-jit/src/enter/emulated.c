// Runs code for aarch64 in an emulator, for the test beside this file, which it talks to on its standard
// input and output: numbers of 64 bits, and bytes. What the code has the interpreter do, the test does.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef uint64_t u64;

// The parts of a context, in the order in which the test says where they are.
enum {
    WINDOW, LAST_WINDOW, REGISTERS, HEAP, HEAP_LENGTH, HEAP_ROOM, DATA, DATA_ROOMS, BLOCK_PLACES, TABLE,
    SIZES, FUEL, UNWOUND, ENTRIES, STACK_LIMIT, PC, FLAG, REMAINDER, COUNTER, STEP, BESIDE, PARTS
};
// What a message begins with. The first three depend on its kind.
enum {
    KIND, A, B, M_WINDOW, M_LAST_WINDOW, M_REGISTERS, M_HEAP_LENGTH, M_HEAP_ROOM, M_DATA_ROOMS,
    M_BLOCK_PLACES = M_DATA_ROOMS + 4, M_TABLE, M_FUEL, M_FRAMES, M_STACK, M_PC, M_FLAG,
    M_REMAINDER, M_COUNTER, NUMBERS
};
enum { ENTER = 1, DONE, LEFT, STEPS, BESIDES };

static u64 offsets[PARTS];
static char *context, *registers, *frames_end, *heap;
// Of the message before.
static u64 now[NUMBERS];

#define PART(part) (*(u64 *)(context + offsets[part]))

static void take(void *to, u64 length) {
    for (u64 done = 0; done < length;) {
        ssize_t count = read(0, (char *)to + done, length - done);
        if (count <= 0) exit(count < 0);
        done += count;
    }
}

static void give(const void *from, u64 length) {
    for (u64 done = 0; done < length;) {
        ssize_t count = write(1, (const char *)from + done, length - done);
        if (count <= 0) exit(1);
        done += count;
    }
}

static u64 number(void) {
    u64 value;
    take(&value, 8);
    return value;
}

static void *room(u64 length) {
    void *memory = mmap(0, length + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) exit(1);
    return memory;
}

static void *bytes(void) {
    u64 length = number();
    void *memory = room(length);
    take(memory, length);
    return memory;
}

static void say(u64 kind, u64 a, u64 b, u64 fuel) {
    now[KIND] = kind, now[A] = a, now[B] = b, now[M_FUEL] = fuel;
    now[M_WINDOW] = (PART(WINDOW) - (u64)registers) / 16;
    now[M_FRAMES] = ((u64)frames_end - PART(UNWOUND)) / 8;
    now[M_PC] = PART(PC), now[M_FLAG] = PART(FLAG);
    now[M_REMAINDER] = PART(REMAINDER), now[M_COUNTER] = PART(COUNTER);
    give(now, sizeof now);
    give(registers, now[M_REGISTERS] * 16);
    give((void *)PART(UNWOUND), now[M_FRAMES] * 8);
    give(heap, now[M_HEAP_LENGTH]);
}

static void hear(void) {
    take(now, sizeof now);
    take(registers, now[M_REGISTERS] * 16);
    take(heap, now[M_HEAP_LENGTH]);
}

static void set_context(void) {
    PART(REGISTERS) = (u64)registers;
    PART(WINDOW) = (u64)registers + now[M_WINDOW] * 16;
    PART(LAST_WINDOW) = (u64)registers + now[M_LAST_WINDOW] * 16;
    PART(HEAP) = (u64)heap;
    PART(HEAP_LENGTH) = now[M_HEAP_LENGTH], PART(HEAP_ROOM) = now[M_HEAP_ROOM];
    memcpy(context + offsets[DATA_ROOMS], &now[M_DATA_ROOMS], 32);
    PART(BLOCK_PLACES) = now[M_BLOCK_PLACES], PART(TABLE) = now[M_TABLE], PART(FUEL) = now[M_FUEL];
    PART(UNWOUND) = (u64)frames_end;
    PART(PC) = now[M_PC], PART(FLAG) = now[M_FLAG];
    PART(REMAINDER) = now[M_REMAINDER], PART(COUNTER) = now[M_COUNTER];
}

static u64 step(void *its) {
    say(STEPS, 0, 0, PART(FUEL));
    hear();
    set_context();
    return now[A];
}

static u64 beside(void *its, u64 index, char *window, u64 fuel) {
    say(BESIDES, index, (window - registers) / 16, fuel);
    hear();
    return now[A];
}

int main(void) {
    context = room(number());
    for (int part = 0; part < PARTS; part++) offsets[part] = number();
    u64 length = number();
    char *code = room(length);
    take(code, length);
    if (mprotect(code, length, PROT_READ | PROT_EXEC)) exit(1);
    __builtin___clear_cache(code, code + length);
    u64 entries = number();
    u64 *words = room(entries * 8);
    for (u64 index = 0; index < entries; index++) {
        u64 word = number();
        words[index] = word ? ((u64)code + (word >> 16)) << 16 | (word & 0xffff) : 0;
    }
    PART(ENTRIES) = (u64)words;
    PART(DATA) = (u64)bytes();
    PART(SIZES) = (u64)bytes();
    PART(STEP) = (u64)step, PART(BESIDE) = (u64)beside;
    registers = room(1 << 24), frames_end = (char *)room(1 << 24) + (1 << 24), heap = room(1 << 26);
    for (;;) {
        hear();
        set_context();
        PART(STACK_LIMIT) = (u64)__builtin_frame_address(0) - now[M_STACK];
        // The trampoline comes first.
        u64 (*trampoline)(void *, u64, u64) = (void *)code;
        u64 why = trampoline(context, (u64)code + now[A], now[B]);
        say(LEFT, why, 0, PART(FUEL));
    }
}
