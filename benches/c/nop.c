/* A worker without libc: its first act is to read CLOCK_MONOTONIC, which it writes to descriptor 9
   (16 bytes), or with an argument appends to stdout and then pauses. */
static inline long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

enum { WRITE = 1, PAUSE = 34, CLOCK_GETTIME = 228, EXIT_GROUP = 231, MONOTONIC = 1 };

__attribute__((noreturn, used)) void entry(long *stack)
{
    long now[2];
    call(CLOCK_GETTIME, MONOTONIC, (long)now, 0);
    if (stack[0] > 1) {
        call(WRITE, 1, (long)now, sizeof now);
        for (;;)
            call(PAUSE, 0, 0, 0);
    }
    call(WRITE, 9, (long)now, sizeof now);
    call(EXIT_GROUP, 0, 0, 0);
    __builtin_unreachable();
}

__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call entry\n");
