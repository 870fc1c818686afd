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
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MOST_ARGUMENTS 8
#define MOST_BYTES (1 << 20)
#define TOO_MUCH 999
#define MPOL_BIND 2
#define PIECE 65536
#define MOST_NODES 1024
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct request {
	unsigned long id;
	char verb[16];
	int count;
	char *argument[MOST_ARGUMENTS];
	size_t length[MOST_ARGUMENTS];
};

struct buffer {
	char *data;
	size_t used;
};

static int line_fd;

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

static void write_exactly(int fd, const char *from, size_t length)
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

/* The whole of it, or nothing and EFBIG: an answer is never cut. */
static int append(struct buffer *to, const char *from, size_t length)
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
static int do_write(const char *path, const char *text, size_t length)
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

static int do_read(const char *path, struct buffer *out)
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
static int do_shell(const char *command, struct buffer *out)
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

struct nodes {
	unsigned long mask[MOST_NODES / (8 * sizeof(long))];
};

static struct nodes just(long node)
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

/* Memory of the kernel's own that cannot move: the buffers of a pipe, taken by this policy. */
static int fill_pipe(long node, size_t length)
{
	static const char piece[PIECE];
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
	for (size_t put = 0; put < length; put += sizeof(piece))
		if (write(ends[1], piece, sizeof(piece)) < 0)
			return errno;
	syscall(SYS_set_mempolicy, 0, NULL, 0UL);
	return 0;
}

/* Touch every page; the kernel kills this child if it must and has nothing left. */
static int fill(char *at, size_t length, size_t page)
{
	if (madvise(at, length, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EINVAL)
		return errno;
	for (size_t i = 0; i < length; i += page)
		*(volatile char *)(at + i) = 1;
	return 0;
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

static int fuse_fd = -1;
static uint64_t unanswered;
static uint32_t unanswered_size;

static void fuse_answer(uint64_t unique, int error, const void *data, size_t length)
{
	struct fuse_out_header head = {sizeof(head) + length, error, unique};
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)data, length}};

	if (writev(fuse_fd, parts, 2) < 0)
		return; /* who asked was killed meanwhile */
}

static struct fuse_attr fuse_about(uint64_t inode)
{
	struct fuse_attr about = {.ino = inode, .nlink = 1, .blksize = 4096};

	about.mode = inode == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
	about.size = inode == FUSE_ROOT_ID ? 0 : 1UL << 30;
	return about;
}

/* Take one request and answer it, but a READ only if told to; 1 if a READ was left so. */
static int fuse_serve(int reads_too)
{
	static union {
		char bytes[PIECE * 4];
		struct fuse_in_header head;
	} asked;
	static const char zeros[PIECE * 4];
	struct fuse_in_header *head = &asked.head;
	struct fuse_init_out init = {.major = 7, .minor = 31, .max_readahead = PIECE,
				     .flags = FUSE_ASYNC_READ, .max_write = PIECE};
	struct fuse_entry_out entry = {.nodeid = 2, .attr = fuse_about(2)};
	struct fuse_attr_out about;
	struct fuse_open_out opened = {0};
	ssize_t got = read(fuse_fd, &asked, sizeof(asked));

	if (got < (ssize_t)sizeof(*head))
		return got < 0 && (errno == EINTR || errno == ENOENT) ? 0 : -1;
	about = (struct fuse_attr_out){.attr = fuse_about(head->nodeid)};
	if (head->opcode == FUSE_READ) {
		unanswered = head->unique;
		unanswered_size = ((struct fuse_read_in *)(head + 1))->size;
		if (!reads_too)
			return 1;
		fuse_answer(unanswered, 0, zeros, unanswered_size);
	} else if (head->opcode == FUSE_INIT)
		fuse_answer(head->unique, 0, &init, sizeof(init));
	else if (head->opcode == FUSE_LOOKUP)
		fuse_answer(head->unique, 0, &entry, sizeof(entry));
	else if (head->opcode == FUSE_GETATTR)
		fuse_answer(head->unique, 0, &about, sizeof(about));
	else if (head->opcode == FUSE_OPEN)
		fuse_answer(head->unique, 0, &opened, sizeof(opened));
	else if (head->opcode == FUSE_FLUSH || head->opcode == FUSE_RELEASE)
		fuse_answer(head->unique, 0, NULL, 0);
	else if (head->opcode != FUSE_FORGET && head->opcode != FUSE_INTERRUPT)
		fuse_answer(head->unique, -ENOSYS, NULL, 0);
	return 0;
}

static void nothing(int signal)
{
	(void)signal;
}

/* Page cache, locked until a file system answers that has stopped answering: a READ hangs. */
static int fall_silent(long node, size_t length)
{
	char folder[40], options[80], path[60];
	int got;

	if (node >= MOST_NODES)
		return EINVAL;
	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse_fd < 0)
		return errno;
	snprintf(folder, sizeof(folder), "/tmp/silent-%d", getpid());
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse_fd);
	if (mkdir(folder, 0755) < 0 || mount("silent", folder, "fuse", 0, options) < 0)
		return errno;
	signal(SIGUSR1, nothing);
	if (fork() == 0) {
		struct nodes wanted = just(node < 0 ? 0 : node);
		char first;
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fuse_fd); /* so that the file system ends with the holder */
		snprintf(path, sizeof(path), "%s/file", folder);
		fd = open(path, O_RDONLY);
		if (node >= 0)
			syscall(SYS_set_mempolicy, MPOL_BIND, wanted.mask, MOST_NODES + 1UL);
		readahead(fd, 0, length);
		syscall(SYS_set_mempolicy, 0, NULL, 0UL);
		if (read(fd, &first, 1) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	while ((got = fuse_serve(0)) == 0)
		;
	return got < 0 ? EIO : 0;
}

/* What a holder does once it holds: nothing, or answer again after a signal. */
static void keep(void)
{
	static const char zeros[PIECE * 4];

	pause();
	if (fuse_fd < 0)
		return;
	fuse_answer(unanswered, 0, zeros, unanswered_size);
	while (fuse_serve(1) == 0)
		;
}

/* What a holder does before it sleeps; the errno of the step that failed, or 0. */
static int hold(const char *kind, long node, size_t length)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1, error;
	size_t page = sysconf(_SC_PAGESIZE);
	char *at;

	if (!strcmp(kind, "kernel"))
		return fill_pipe(node, length);
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
	if (!error && !strcmp(kind, "cache"))
		munmap(at, length);
	return error;
}

/* The holder's process id, or its errno; one that is killed while it fills is ENOMEM. */
static int do_hold(struct request *asked, struct buffer *out)
{
	int ends[2], error = ENOMEM;
	pid_t child;
	char text[32];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		close(ends[0]);
		close(line_fd);
		error = hold(asked->argument[0], atol(asked->argument[1]),
			     strtoull(asked->argument[2], NULL, 10));
		write_exactly(ends[1], (char *)&error, sizeof(error));
		close(ends[1]);
		while (!error)
			keep();
		_exit(1);
	}
	close(ends[1]);
	if (read(ends[0], &error, sizeof(error)) != sizeof(error))
		error = ENOMEM;
	close(ends[0]);
	if (error) {
		waitpid(child, NULL, 0);
		return error;
	}
	append(out, text, snprintf(text, sizeof(text), "%d", child));
	return 0;
}

static int do_release(pid_t holder)
{
	if (holder <= 1 || kill(holder, SIGKILL) < 0)
		return holder <= 1 ? EINVAL : errno;
	return waitpid(holder, NULL, 0) < 0 ? errno : 0;
}

static int do_resume(pid_t holder)
{
	return holder <= 1 ? EINVAL : kill(holder, SIGUSR1) < 0 ? errno : 0;
}

static int act(struct request *asked, struct buffer *out)
{
	char **argument = asked->argument;

	if (!strcmp(asked->verb, "ping") && asked->count == 0)
		return 0;
	if (!strcmp(asked->verb, "write") && asked->count == 2)
		return do_write(argument[0], argument[1], asked->length[1]);
	if (!strcmp(asked->verb, "read") && asked->count == 1)
		return do_read(argument[0], out);
	if (!strcmp(asked->verb, "shell") && asked->count == 1)
		return do_shell(argument[0], out);
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

	for (;;) {
		struct request asked = {0};
		int got = read_head(&asked);

		if (got < 0)
			return;
		for (int i = 0; got && i < asked.count; i++) {
			asked.argument[i] = calloc(1, asked.length[i] + 1);
			if (read_exactly(asked.argument[i], asked.length[i]) < 0)
				return;
		}
		out.used = 0;
		if (got) {
			int error = act(&asked, &out);
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

static void load_modules(void)
{
	struct dirent **found;
	int count = scandir("/modules", &found, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[300];
		int fd;

		if (found[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", found[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (syscall(SYS_finit_module, fd, "", 0) < 0)
			fprintf(stderr, "agent: %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

int main(int count, char **words)
{
	const char *line = getenv("agent");

	(void)count;
	(void)words;
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/tmp", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	setenv("PATH", "/bin", 1);
	load_modules();
	line_fd = open_line(line ? line : "/dev/ttyS1");
	if (line_fd < 0) {
		fprintf(stderr, "agent: no line to the host: %s\n", strerror(errno));
		return 1;
	}
	answer(0, 0, "", 0);
	serve();
	fprintf(stderr, "agent: the line to the host has ended\n");
	return 1;
}
