/* The least logger in C: reads and writes, 64 KiB at a time. Neither rotates nor stamps. With MOST the
   file is emptied when it has so many bytes. Arguments: FILE [MOST] */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char bytes[65536];

int main(int argc, char **argv)
{
    if (argc < 2)
        return 100;
    int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        return 111;
    long long most = argc > 2 ? atoll(argv[2]) : 0;
    long long size = 0;
    for (;;) {
        ssize_t count = read(0, bytes, sizeof bytes);
        if (count <= 0)
            return count < 0 ? 111 : 0;
        for (ssize_t done = 0; done < count;) {
            ssize_t written = write(file, bytes + done, (size_t)(count - done));
            if (written < 0)
                return 111;
            done += written;
        }
        size += count;
        if (most > 0 && size >= most) {
            if (ftruncate(file, 0) < 0 || lseek(file, 0, SEEK_SET) < 0)
                return 111;
            size = 0;
        }
    }
}
