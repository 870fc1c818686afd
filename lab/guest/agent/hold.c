/*
 * Processes that hold memory, one for each piece: one that the kernel kills for want of memory
 * does not take the guest with it, and its end gives everything back.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct nodes just(long node)
{
	struct nodes made = {{0}};

	made.mask[node / (8 * sizeof(long))] = 1UL << (node % (8 * sizeof(long)));
	return made;
}

static int bind_to(char *at, size_t length, long node)
{
	struct nodes wanted;

	if (node < 0)
		return 0;
	if (node >= MOST_NODES)
		return EINVAL;
	wanted = just(node);
	if (syscall(SYS_mbind, at, length, MPOL_BIND, wanted.mask, MOST_NODES + 1UL, 0) < 0)
		return errno;
	return 0;
}

/* What a holder has, so that it can be looked at again: a mapping, a file, or a pipe. */
struct held {
	char *at;
	size_t length;
	size_t page;
	int file;
	int pipe;
};

/* Memory of the kernel's own that cannot move: the buffers of a pipe, taken by this policy. */
static int fill_pipe(long node, size_t length, struct held *has)
{
	static size_t piece[PIECE / sizeof(size_t)];
	struct nodes wanted;
	int ends[2];

	if (node >= MOST_NODES)
		return EINVAL;
	if (pipe(ends) < 0 || fcntl(ends[1], F_SETPIPE_SZ, length) < 0)
		return errno;
	if (node >= 0) {
		wanted = just(node);
		if (syscall(SYS_set_mempolicy, MPOL_BIND, wanted.mask, MOST_NODES + 1UL) < 0)
			return errno;
	}
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	for (size_t put = 0; put < length;) {
		ssize_t got;
		for (size_t i = 0; i < PIECE / sizeof(*piece); i++)
			piece[i] = put / sizeof(*piece) + i;
		got = write(ends[1], piece, sizeof(piece));
		if (got < 0)
			return errno;
		put += got;
	}
	syscall(SYS_set_mempolicy, 0, NULL, 0UL);
	has->pipe = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* The word that is written to a page of a holder's: another one for each. */
static size_t told(size_t offset)
{
	return offset + 1;
}

/* Write to every page; the kernel kills this child if it must and has nothing left. */
static int fill(char *at, size_t length, size_t page)
{
	if (madvise(at, length, MADV_POPULATE_WRITE) < 0 && errno != EINVAL)
		return errno;
	for (size_t i = 0; i < length; i += page)
		*(volatile size_t *)(at + i) = told(i);
	return 0;
}

/* EIO if a holder's memory is not as it was filled, wherever it has been meanwhile. */
static int look_again(struct held *has)
{
	size_t piece[PIECE / sizeof(size_t)], put = 0;
	ssize_t got;

	if (has->file >= 0)
		has->at = mmap(NULL, has->length, PROT_READ, MAP_SHARED, has->file, 0);
	if (has->at == MAP_FAILED)
		return errno;
	for (size_t i = 0; has->at && i < has->length; i += has->page)
		if (*(volatile size_t *)(has->at + i) != told(i))
			return EIO;
	if (has->pipe < 0)
		return 0;
	for (; (got = read(has->pipe, piece, sizeof(piece))) > 0; put += got)
		for (size_t i = 0; i < got / sizeof(*piece); i++)
			if (piece[i] != put / sizeof(*piece) + i)
				return EIO;
	return put < has->length ? EIO : 0;
}

/* References to up to 16 pages in a pipe that nobody reads: such pages cannot move. */
static int keep_in_pipe(char *at, size_t length, size_t page)
{
	int ends[2];

	if (pipe(ends) < 0)
		return errno;
	for (size_t i = 0; i < 16 && i * page < length; i++) {
		struct iovec piece = {at + i * page, page};
		if (vmsplice(ends[1], &piece, 1, SPLICE_F_NONBLOCK) < 0)
			return errno;
	}
	return 0;
}

/* A buffer registered with io_uring: a long-term pin (FOLL_LONGTERM). */
static int pin(char *at, size_t length)
{
	char params[120] = {0};
	struct iovec piece = {at, length};
	int ring = syscall(SYS_io_uring_setup, 1, params);

	if (ring < 0)
		return errno;
	return syscall(SYS_io_uring_register, ring, 0, &piece, 1) < 0 ? errno : 0;
}

/* What a holder does before it sleeps; the errno of the step that failed, or 0. */
static int hold(const char *kind, long node, size_t length, struct held *has)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1, error;
	size_t page = sysconf(_SC_PAGESIZE);
	char *at;

	if (!strcmp(kind, "kernel"))
		return fill_pipe(node, length, has);
	if (!strcmp(kind, "silent"))
		return fall_silent(node, length);
	if (!strcmp(kind, "huge"))
		flags |= MAP_HUGETLB;
	if (!strcmp(kind, "cache")) {
		fd = syscall(SYS_memfd_create, "cache", 0);
		if (fd < 0 || ftruncate(fd, length) < 0)
			return errno;
		flags = MAP_SHARED;
	}
	at = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (at == MAP_FAILED)
		return errno;
	error = bind_to(at, length, node);
	if (!error)
		error = fill(at, length, page);
	if (!error && !strcmp(kind, "locked") && mlock(at, length) < 0)
		error = errno;
	if (!error && !strcmp(kind, "spliced"))
		error = keep_in_pipe(at, length, page);
	if (!error && !strcmp(kind, "pinned"))
		error = pin(at, length);
	has->at = at;
	if (!error && !strcmp(kind, "cache")) {
		munmap(at, length);
		has->file = fd;
	}
	return error;
}

static volatile sig_atomic_t leaving;

static void leave(int number)
{
	(void)number;
	leaving = 1;
}

/*
 * A holder's life: it tells its errno, and sleeps until SIGUSR2, at which it looks at its memory
 * once more and ends with what it finds; SIGUSR1 has its file system answer, which never ends.
 */
static void live(struct request *asked, int told_to)
{
	size_t length = strtoull(asked->argument[2], NULL, 10);
	struct held has = {NULL, length, sysconf(_SC_PAGESIZE), -1, -1};
	struct sigaction leaves = {.sa_handler = leave};
	sigset_t both, none;
	int error;

	sigemptyset(&none);
	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	sigprocmask(SIG_BLOCK, &both, NULL);
	error = hold(asked->argument[0], atol(asked->argument[1]), length, &has);
	if (strcmp(asked->argument[0], "silent"))
		sigaction(SIGUSR2, &leaves, NULL); /* else it just ends */
	write_exactly(told_to, (char *)&error, sizeof(error));
	close(told_to);
	while (!error && !leaving) {
		sigsuspend(&none);
		if (!leaving) {
			sigprocmask(SIG_SETMASK, &none, NULL);
			answer_again();
			sigprocmask(SIG_SETMASK, &both, NULL);
		}
	}
	_exit(error ? 1 : look_again(&has));
}

/* The holder's process id, or its errno; one that is killed while it fills is ENOMEM. */
int do_hold(struct request *asked, struct buffer *out)
{
	int ends[2], error = ENOMEM;
	ssize_t got;
	pid_t child;
	char text[32];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	child = fork();
	if (child < 0) {
		close(ends[0]);
		close(ends[1]);
		return EAGAIN;
	}
	if (child == 0) {
		close(ends[0]);
		close(line_fd);
		live(asked, ends[1]);
	}
	close(ends[1]);
	do
		got = read(ends[0], &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	if (got != sizeof(error))
		error = ENOMEM;
	close(ends[0]);
	if (error) {
		wait_for(child, NULL);
		return error;
	}
	append(out, text, snprintf(text, sizeof(text), "%d", child));
	return 0;
}

/* 0, or EIO if its memory was not as it was filled, or ECHILD if it had been killed. */
int do_release(pid_t holder)
{
	int status;

	if (holder <= 1 || kill(holder, SIGUSR2) < 0)
		return holder <= 1 ? EINVAL : errno;
	if (wait_for(holder, &status) < 0)
		return errno;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGUSR2 ? 0 : ECHILD;
	return WEXITSTATUS(status);
}

int do_resume(pid_t holder)
{
	return holder <= 1 ? EINVAL : kill(holder, SIGUSR1) < 0 ? errno : 0;
}
