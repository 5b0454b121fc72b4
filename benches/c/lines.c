/* Writes lines of 100 bytes to stdout, PORTION bytes a write, then its own processor time in
   microseconds to a file. Arguments: BYTES PORTION FILE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* 64 KiB from any place in a line */
static char bytes[65536 + 100];

int main(int argc, char **argv)
{
    if (argc < 4)
        return 100;
    long long total = atoll(argv[1]);
    size_t portion = (size_t)atoi(argv[2]);
    if (portion == 0 || portion > 65536)
        return 100;
    memset(bytes, 'x', sizeof bytes);
    for (size_t at = 99; at < sizeof bytes; at += 100)
        bytes[at] = '\n';
    for (long long done = 0; done < total;) {
        size_t count = total - done < (long long)portion ? (size_t)(total - done) : portion;
        ssize_t written = write(1, bytes + done % 100, count);
        if (written < 0)
            return 111;
        done += written;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    FILE *file = fopen(argv[3], "w");
    if (!file)
        return 111;
    fprintf(file, "%lld\n",
            (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL
                + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return fclose(file) ? 111 : 0;
}
