/* What the agent reads, writes and runs. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The whole of it, or nothing and EFBIG: an answer is never cut. */
int append(struct buffer *to, const char *from, size_t length)
{
	if (length > MOST_BYTES - to->used)
		return EFBIG;
	memcpy(to->data + to->used, from, length);
	to->used += length;
	return 0;
}

/*
 * Everything that comes from fd; the errno of the reading, EFBIG if that is too much, or 0.
 * What is too much is read all the same, so that a shell is not stopped by a full pipe.
 */
static int drain(int fd, struct buffer *to)
{
	char piece[PIECE];
	ssize_t got;
	int error = 0;

	while ((got = read(fd, piece, sizeof(piece))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (!error)
			error = append(to, piece, got);
	}
	return error;
}

/* One write(2) of the whole text, so that the errno is that of the kernel's own answer. */
int do_write(const char *path, const char *text, size_t length)
{
	int error = 0, fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	if (write(fd, text, length) < 0)
		error = errno;
	if (close(fd) < 0 && !error)
		error = errno;
	return error;
}

int do_read(const char *path, struct buffer *out)
{
	int error, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	error = drain(fd, out);
	close(fd);
	return error == EFBIG ? TOO_MUCH : error;
}

/*
 * The shell's output; what it answers with is its exit status, 128 + the signal if killed, or
 * TOO_MUCH, which is neither.
 */
int do_shell(const char *command, struct buffer *out)
{
	int ends[2], status = 0, error;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 127;
	child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_RDONLY);
		setsid();
		dup2(null, 0);
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(ends[1]);
	error = drain(ends[0], out);
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 127;
	if (error == EFBIG)
		return TOO_MUCH;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
