/* What the parts of the agent have in common; main.c says what it is. */
#ifndef AGENT_H
#define AGENT_H
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/types.h>

#define MOST_ARGUMENTS 8
#define MOST_BYTES (1 << 20)
#define TOO_MUCH 999
#define MPOL_BIND 2
#define PIECE 65536
#define MOST_NODES 1024
#define MOST_WORDS 4096

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

struct nodes {
	unsigned long mask[MOST_NODES / (8 * sizeof(long))];
};

/* main.c: the line to the host. */
extern int line_fd;
void write_exactly(int fd, const char *from, size_t length);

/* files.c: reading, writing, and a shell. */
int append(struct buffer *to, const char *from, size_t length);
int do_write(const char *path, const char *text, size_t length, unsigned int patience);
int wait_for(pid_t child, int *status);
int do_read(const char *path, struct buffer *out);
int do_shell(const char *command, struct buffer *out);
int do_tally(const char *path, size_t first, size_t words, struct buffer *out);

/* hold.c: processes that have memory. */
struct nodes just(long node);
int do_hold(struct request *asked, struct buffer *out);
int do_release(pid_t holder);
int do_resume(pid_t holder);

/* silent.c: a file system that stops answering. */
int fall_silent(long node, size_t length);
void answer_again(void);

#endif
