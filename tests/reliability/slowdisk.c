/* Loaded before libc (LD_PRELOAD): while the file named by KNEAD_SLOW_DISK exists, a sync takes two seconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_if_slow(void) {
    const char *flag = getenv("KNEAD_SLOW_DISK");
    if (flag && access(flag, F_OK) == 0) usleep(2000000);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_if_slow();
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_if_slow();
    return real(fd);
}
