/*
 * The agent: process 1 of a guest.  It mounts what experiments read, loads the modules of
 * /modules in the order of their names, and then answers requests on a serial line.
 *
 * A request is a line "ID VERB LENGTH..." and after it the arguments, each of the length that
 * the line tells.  The answer is a line "= ID ERRNO LENGTH" and after it that many bytes.
 * A line that is no request is passed over, so that the host can begin anew after noise.
 *
 * Memory is held by children, one for each piece: a child that the kernel kills for want of
 * memory does not take the guest with it, and its end gives everything back.
 */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

int line_fd;

static int read_exactly(char *to, size_t length)
{
	while (length) {
		ssize_t got = read(line_fd, to, length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		to += got;
		length -= got;
	}
	return 0;
}

void write_exactly(int fd, const char *from, size_t length)
{
	while (length) {
		ssize_t put = write(fd, from, length);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;
		from += put;
		length -= put;
	}
}

static void answer(unsigned long id, int error, const char *data, size_t length)
{
	char head[80];
	int size = snprintf(head, sizeof(head), "= %lu %d %zu\n", id, error, length);

	write_exactly(line_fd, head, size);
	write_exactly(line_fd, data, length);
}

static int act(struct request *asked, struct buffer *out)
{
	char **argument = asked->argument;

	if (!strcmp(asked->verb, "ping") && asked->count == 0)
		return 0;
	if (!strcmp(asked->verb, "write") && (asked->count == 2 || asked->count == 3))
		return do_write(argument[0], argument[1], asked->length[1],
				asked->count == 3 ? atol(argument[2]) : 0);
	if (!strcmp(asked->verb, "read") && asked->count == 1)
		return do_read(argument[0], out);
	if (!strcmp(asked->verb, "shell") && asked->count == 1)
		return do_shell(argument[0], out);
	if (!strcmp(asked->verb, "tally") && asked->count == 3)
		return do_tally(argument[0], strtoull(argument[1], NULL, 10),
				strtoull(argument[2], NULL, 10), out);
	if (!strcmp(asked->verb, "hold") && asked->count == 3)
		return do_hold(asked, out);
	if (!strcmp(asked->verb, "release") && asked->count == 1)
		return do_release(atol(argument[0]));
	if (!strcmp(asked->verb, "resume") && asked->count == 1)
		return do_resume(atol(argument[0]));
	return ENOSYS;
}

/* The first line of a request; -1 at the end of the line, 0 if it is noise. */
static int read_head(struct request *asked)
{
	char text[256];
	size_t used = 0;
	int at, skip;

	do {
		if (read_exactly(text + used, 1) < 0)
			return -1;
	} while (text[used] != '\n' && ++used < sizeof(text) - 1);
	text[used] = 0;
	if (sscanf(text, "%lu %15s%n", &asked->id, asked->verb, &at) < 2)
		return 0;
	for (asked->count = 0; asked->count < MOST_ARGUMENTS; asked->count++, at += skip) {
		if (sscanf(text + at, "%zu%n", &asked->length[asked->count], &skip) < 1)
			break;
		if (asked->length[asked->count] > MOST_BYTES)
			return 0;
	}
	return 1;
}

static void serve(void)
{
	struct buffer out = {malloc(MOST_BYTES), 0};

	if (!out.data)
		return;
	for (;;) {
		struct request asked = {0};
		int got = read_head(&asked);

		if (got < 0)
			return;
		for (int i = 0; got && i < asked.count; i++) {
			asked.argument[i] = calloc(1, asked.length[i] + 1);
			if (!asked.argument[i] ||
			    read_exactly(asked.argument[i], asked.length[i]) < 0)
				return;
		}
		out.used = 0;
		if (got) {
			int error = act(&asked, &out);
			if (error == TOO_MUCH)
				out.used = 0;
			answer(asked.id, error, out.data, out.used);
		}
		for (int i = 0; got && i < asked.count; i++)
			free(asked.argument[i]);
	}
}

static int open_line(const char *path)
{
	struct termios how;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && tcgetattr(fd, &how) == 0) {
		cfmakeraw(&how);
		cfsetspeed(&how, B115200);
		tcsetattr(fd, TCSANOW, &how);
	}
	return fd;
}

/* The errno of the last module that could not be loaded, or 0. */
static int load_modules(void)
{
	struct dirent **found;
	int error = 0, count = scandir("/modules", &found, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[300];
		int fd;

		if (found[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", found[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0) {
			error = errno;
			fprintf(stderr, "agent: %s: %s\n", path, strerror(error));
		}
		if (fd >= 0)
			close(fd);
	}
	return error;
}

/* Ends what waits for a signal: without SA_RESTART it answers EINTR. */
static void wake(int number)
{
	(void)number;
}

int main(int count, char **words)
{
	const char *line = getenv("agent");
	struct sigaction wakes = {.sa_handler = wake};
	int error;

	(void)count;
	(void)words;
	sigaction(SIGALRM, &wakes, NULL);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/tmp", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	setenv("PATH", "/bin", 1);
	error = load_modules();
	line_fd = open_line(line ? line : "/dev/ttyS1");
	if (line_fd < 0) {
		fprintf(stderr, "agent: no line to the host: %s\n", strerror(errno));
		return 1;
	}
	answer(0, error, "", 0);
	serve();
	fprintf(stderr, "agent: the line to the host has ended\n");
	return 1;
}
