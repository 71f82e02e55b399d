/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A terminal with a program on it, for measures: it presses keys and watches what is written.
 *
 *   screen ROWS COLS PROGRAM [WORD…]
 *
 * does what lines on stdin say, and answers each with a line:
 *
 * - start: the program starts on a terminal of its own, and the clock with it: its pid
 * - wait TEXT: until TEXT has been written behind what was waited for before: µs by the clock
 * - quiet MS: until nothing has been written for so long
 * - send TEXT: keys; \r, \e and \\ are Enter, Escape and a backslash
 * - mark: the clock and the count of bytes begin anew
 * - bytes: how many bytes have been written since then
 * - keys N MS: N keys, one each MS ms at most, of characters that nobody else writes; each is
 *   waited for: the 50th and 99th percentile and the longest wait, in µs
 *
 * "wait" and "keys" give up after LIMIT_MS and say "-". The end of stdin ends the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.h"

#define LIMIT_MS 120000
#define SEEN	 (256 * 1024)
#define KEYS_MAX 10000

static int master = -1;
static pid_t child;
static char seen[SEEN]; /* what has been written and not been waited for */
static size_t nseen;
static long long clock_us, bytes;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "screen: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* What is written within ms; 0: nothing, or the end. */
static size_t take(int ms)
{
	struct pollfd p = {.fd = master, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	if (nseen > SEEN / 2) {
		memmove(seen, seen + nseen - SEEN / 4, SEEN / 4);
		nseen = SEEN / 4;
	}
	n = read(master, seen + nseen, SEEN / 2 - 1);
	if (n <= 0)
		return 0;
	nseen += (size_t)n;
	bytes += n;
	return (size_t)n;
}

/* µs by the clock, or -1. What stands before it is forgotten, and so is the text. */
static long long wait_for(const char *text, int limit_ms)
{
	long long until = now_us() + limit_ms * 1000LL;

	for (;;) {
		const char *at = memmem(seen, nseen, text, strlen(text));

		if (at) {
			size_t end = (size_t)(at - seen) + strlen(text);

			memmove(seen, seen + end, nseen - end);
			nseen -= end;
			return now_us() - clock_us;
		}
		if (now_us() > until)
			return -1;
		take(100);
	}
}

static void start(unsigned short rows, unsigned short cols, char **argv)
{
	struct winsize size = {.ws_row = rows, .ws_col = cols};

	clock_us = now_us();
	child = forkpty(&master, NULL, NULL, &size);
	if (child < 0)
		die("forkpty");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGHUP);
		execvp(argv[0], argv);
		_exit(127);
	}
	fcntl(master, F_SETFD, FD_CLOEXEC);
	printf("%d\n", (int)child);
}

static void say_us(long long us)
{
	if (us < 0)
		printf("-\n");
	else
		printf("%lld\n", us);
}

static void send_keys(const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (c == '\\' && text[1])
			c = *++text == 'r' ? '\r' : *text == 'e' ? '\033' : *text;
		if (write(master, &c, 1) != 1)
			die("write");
	}
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

/* Characters that stand nowhere else, so that one that is written is the one that was typed. */
static void press(int n, int ms)
{
	static const char keys[] = "#%^~{}";
	static long long took[KEYS_MAX];

	if (n > KEYS_MAX)
		n = KEYS_MAX;
	for (int i = 0; i < n; i++) {
		char text[2] = {keys[(size_t)i % (sizeof(keys) - 1)], '\0'};
		long long begun = now_us();

		/* A line that has become long goes, and that is not measured. */
		if (i && i % 24 == 0) {
			send_keys("\025");
			while (now_us() - begun < 50000)
				take(10);
		}
		nseen = 0;
		clock_us = now_us();
		send_keys(text);
		took[i] = wait_for(text, 10000);
		if (took[i] < 0) {
			printf("-\n");
			return;
		}
		while (now_us() - clock_us < ms * 1000LL)
			take(1);
	}
	qsort(took, (size_t)n, sizeof(*took), compare);
	printf("%lld %lld %lld\n", took[n / 2], took[n * 99 / 100], took[n - 1]);
}

static void obey(const char *line, unsigned short rows, unsigned short cols, char **argv)
{
	int n = 0, ms = 0;

	if (strcmp(line, "start") == 0) {
		start(rows, cols, argv);
	} else if (strncmp(line, "wait ", 5) == 0) {
		say_us(wait_for(line + 5, LIMIT_MS));
	} else if (sscanf(line, "quiet %d", &ms) == 1) {
		while (take(ms))
			;
		nseen = 0;
		printf("ok\n");
	} else if (strncmp(line, "send ", 5) == 0) {
		send_keys(line + 5);
		printf("ok\n");
	} else if (strcmp(line, "mark") == 0) {
		clock_us = now_us();
		bytes = 0;
		printf("ok\n");
	} else if (strcmp(line, "bytes") == 0) {
		printf("%lld\n", bytes);
	} else if (sscanf(line, "keys %d %d", &n, &ms) == 2) {
		press(n, ms);
	} else {
		printf("what?\n");
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	char line[4096];
	size_t n = 0;

	if (argc < 4) {
		fprintf(stderr, "Usage: screen ROWS COLS PROGRAM [WORD...]\n");
		return 2;
	}
	for (;;) {
		p[1].fd = master;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[1].revents && !take(0))
			break;
		if (!p[0].revents)
			continue;
		if (read(STDIN_FILENO, line + n, 1) != 1)
			break;
		if (line[n] != '\n' && n + 1 < sizeof(line)) {
			n++;
			continue;
		}
		line[n] = '\0';
		n = 0;
		obey(line, (unsigned short)atoi(argv[1]), (unsigned short)atoi(argv[2]), argv + 3);
	}
	if (child > 0) {
		kill(child, SIGHUP);
		close(master);
		waitpid(child, NULL, 0);
	}
	return 0;
}
