/* A file system of the agent's own (FUSE) that stops answering, and page cache that waits for it. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

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
		if (unanswered_size > sizeof(zeros))
			unanswered_size = sizeof(zeros);
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
int fall_silent(long node, size_t length)
{
	char folder[40], options[80], path[60];
	int ends[2], got = 0, error = 0;
	pid_t reader;

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
	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	reader = fork();
	if (reader < 0)
		return errno;
	if (reader == 0) {
		struct nodes wanted = just(node < 0 ? 0 : node);
		char first;
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fuse_fd); /* so that the file system ends with the holder */
		snprintf(path, sizeof(path), "%s/file", folder);
		fd = open(path, O_RDONLY);
		if (node >= 0 && syscall(SYS_set_mempolicy, MPOL_BIND, wanted.mask, MOST_NODES + 1UL) < 0)
			fd = -1;
		if (fd >= 0)
			readahead(fd, 0, length);
		syscall(SYS_set_mempolicy, 0, NULL, 0UL);
		if (fd >= 0 && read(fd, &first, 1) == 1)
			for (;;)
				pause();
		error = errno ? errno : EIO;
		write_exactly(ends[1], (char *)&error, sizeof(error));
		_exit(1);
	}
	close(ends[1]);
	while (got == 0) { /* the reader asks, or says what failed */
		struct pollfd some[] = {{fuse_fd, POLLIN, 0}, {ends[0], POLLIN, 0}};

		if (poll(some, 2, -1) < 0)
			continue;
		if (some[1].revents)
			return read(ends[0], &error, sizeof(error)) == sizeof(error) ? error : EIO;
		got = fuse_serve(0);
	}
	return got < 0 ? EIO : 0;
}

/* Answer what was left unanswered, and everything that comes; nothing if there is no such. */
void answer_again(void)
{
	static const char zeros[PIECE * 4];

	if (fuse_fd < 0)
		return;
	fuse_answer(unanswered, 0, zeros, unanswered_size);
	while (fuse_serve(1) == 0)
		;
}
