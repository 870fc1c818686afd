/* What the agent reads, writes and runs. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
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

/*
 * One write(2) of the whole text, so that the errno is that of the kernel's own answer; EIO if
 * it took a part.  With patience, a signal comes after so many seconds.
 */
int do_write(const char *path, const char *text, size_t length, unsigned int patience)
{
	int error = 0, fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t put;

	if (fd < 0)
		return errno;
	alarm(patience);
	put = write(fd, text, length);
	if (put < 0)
		error = errno;
	else if ((size_t)put < length)
		error = EIO;
	alarm(0);
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

/* The end of a child, whatever signals come meanwhile; -1 if there is none. */
int wait_for(pid_t child, int *status)
{
	while (waitpid(child, status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
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
	if (child < 0) {
		close(ends[0]);
		close(ends[1]);
		return 127;
	}
	if (child == 0) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
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
	if (wait_for(child, &status) < 0)
		return 127;
	if (error == EFBIG)
		return TOO_MUCH;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * How many of so many 64-bit words of a file are the same, as "WORD:COUNT " in hexadecimal and
 * decimal.  No process is started for it: that one's own memory would be seen in the words.
 */
int do_tally(const char *path, size_t first, size_t words, struct buffer *out)
{
	static struct {
		uint64_t word;
		size_t count;
	} found[MOST_WORDS];
	static uint64_t piece[PIECE / sizeof(uint64_t)];
	size_t kinds = 0, at = 0;
	int error = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	while (words && !error) {
		size_t wanted = words * sizeof(*piece);
		ssize_t got = pread(fd, piece, wanted < PIECE ? wanted : PIECE, first * sizeof(*piece));

		if (got < (ssize_t)sizeof(*piece)) {
			error = got < 0 ? errno : 0;
			break;
		}
		got /= sizeof(*piece);
		for (ssize_t i = 0; i < got && !error; i++) {
			if (at >= kinds || found[at].word != piece[i])
				for (at = 0; at < kinds && found[at].word != piece[i]; at++)
					;
			if (at == MOST_WORDS) {
				error = TOO_MUCH;
			} else if (at == kinds) {
				found[kinds].word = piece[i];
				found[kinds++].count = 1;
			} else {
				found[at].count++;
			}
		}
		first += got;
		words -= got;
	}
	close(fd);
	for (at = 0; at < kinds && !error; at++) {
		char text[48];
		int length = snprintf(text, sizeof(text), "%llx:%zu ",
				      (unsigned long long)found[at].word, found[at].count);
		error = append(out, text, length);
	}
	return error;
}
