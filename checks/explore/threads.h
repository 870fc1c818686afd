/* This process ends with the one that waits for it; a thread that cannot be had ends it, too. */

#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

static void end_with_parent(void) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
}

static void start_thread(pthread_t *made, void *(*work)(void *), void *what) {
    if (pthread_create(made, NULL, work, what)) {
        printf("failed no more threads: give fewer with --jobs\n");
        fflush(stdout);
        _exit(1);
    }
}
