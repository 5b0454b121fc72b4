/* The launcher's job with just the system calls it needs; without libc the floor, with -DLIBC the
   same against glibc's start-up. Arguments: CONFIG_ENV USER HOME LOG_DIRECTORY LOG PROGRAM [ARG…]
   Reads NAME=VALUE lines as they stand; the log's directory exists. */
#ifdef LIBC
#define _GNU_SOURCE
#include <unistd.h>
#include <sys/syscall.h>
#define call(number, a, b, c) syscall(number, a, b, c)
#else
static inline long call(long number, long a, long b, long c)
{
    long result;
    register long mode __asm__("r10") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(mode) : "rcx", "r11", "memory");
    return result;
}
#endif

enum { READ = 0, OPEN = 2, CLOSE = 3, DUP2 = 33, EXECVE = 59, MKDIR = 83, SETUID = 105, SETGID = 106, SETGROUPS = 116, EXIT_GROUP = 231 };
enum { WRONLY = 1, CREAT = 0100, APPEND = 02000, CLOEXEC = 02000000 };

static char settings[65536], passwd[65536], group[65536], home_variable[4096];
static char *environment[1024];

static void leave(int code) { for (;;) call(EXIT_GROUP, code, 0, 0); }

static int slurp(const char *path, char *buffer, int room)
{
    int fd = call(OPEN, (long)path, CLOEXEC, 0), length = 0, count;
    if (fd < 0)
        leave(101);
    while ((count = call(READ, fd, (long)buffer + length, room - length)) > 0)
        length += count;
    call(CLOSE, fd, 0, 0);
    buffer[length] = 0;
    return length;
}

static int length_of(const char *text)
{
    int n = 0;
    while (text[n])
        n++;
    return n;
}

static int begins(const char *text, const char *with, int length)
{
    for (int i = 0; i < length; i++)
        if (text[i] != with[i])
            return 0;
    return 1;
}

static unsigned number(const char **at)
{
    unsigned value = 0;
    while (**at >= '0' && **at <= '9')
        value = value * 10 + *(*at)++ - '0';
    return value;
}

static void set(char *entry, int *count)
{
    int name = 0, i;
    while (entry[name] != '=')
        name++;
    for (i = 0; i < *count; i++)
        if (begins(environment[i], entry, name + 1))
            break;
    environment[i] = entry;
    *count += i == *count;
}

static int job(int argc, char **argv, char **inherited)
{
    int count = 0;
    if (argc < 7)
        leave(100);
    while (inherited[count] && count < 500)
        environment[count] = inherited[count], count++;

    slurp(argv[1], settings, sizeof settings - 1);
    for (char *line = settings; *line;) {
        char *end = line, *equals = line;
        while (*end && *end != '\n')
            end++;
        char *next = *end ? end + 1 : end;
        *end = 0;
        while (*equals && *equals != '=')
            equals++;
        if (*line != '#' && *equals)
            set(line, &count);
        line = next;
    }

    const char *user = argv[2];
    int user_length = length_of(user);
    unsigned uid = -1, gid = -1, groups[256], group_count = 0;
    slurp("/etc/passwd", passwd, sizeof passwd - 1);
    for (const char *line = passwd; *line;) {
        if (begins(line, user, user_length) && line[user_length] == ':') {
            const char *at = line + user_length + 1;
            while (*at++ != ':')
                ;
            uid = number(&at), at++, gid = number(&at);
            break;
        }
        while (*line && *line++ != '\n')
            ;
    }
    if (uid == (unsigned)-1)
        leave(102);
    groups[group_count++] = gid;
    slurp("/etc/group", group, sizeof group - 1);
    for (const char *at = group; *at;) {
        for (int colons = 0; colons < 2 && *at; at++)
            colons += *at == ':';
        unsigned one = number(&at);
        while (*at && *at != '\n') {
            at++;
            if (begins(at, user, user_length) && (at[user_length] == ',' || at[user_length] == '\n' || !at[user_length]) && one != gid && group_count < 256)
                groups[group_count++] = one;
            while (*at && *at != ',' && *at != '\n')
                at++;
        }
        if (*at)
            at++;
    }

    char *out = home_variable;
    for (const char *in = "HOME="; *in;)
        *out++ = *in++;
    for (const char *in = argv[3]; (*out++ = *in++);)
        ;
    set(home_variable, &count);
    environment[count] = 0;

    call(MKDIR, (long)argv[4], 0755, 0);
    int log = call(OPEN, (long)argv[5], WRONLY | CREAT | APPEND | CLOEXEC, 0644);
    if (log < 0)
        leave(104);
    call(DUP2, log, 1, 0);
    call(DUP2, log, 2, 0);
    if (call(SETGROUPS, group_count, (long)groups, 0) || call(SETGID, gid, 0, 0) || call(SETUID, uid, 0, 0))
        leave(105);
    call(EXECVE, (long)argv[6], (long)(argv + 6), (long)environment);
    leave(126);
    return 0;
}

#ifdef LIBC
extern char **environ;
int main(int argc, char **argv) { return job(argc, argv, environ); }
#else
__attribute__((noreturn, used)) void entry(long *stack)
{
    char **argv = (char **)(stack + 1);
    job(stack[0], argv, argv + stack[0] + 1);
    __builtin_unreachable();
}
__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call entry\n");
#endif
