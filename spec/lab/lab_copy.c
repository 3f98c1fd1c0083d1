/*
 * A plain copy over TCP, as fast as one flow goes: what a link can carry, and
 * the fan-out copy others are compared with.
 *
 * Usage: lab_copy serve PORT FILE       to everybody who connects
 *        lab_copy fetch HOST PORT FILE  says "done" when the other side closed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int
fail(const char *what)
{
	(void)fprintf(stderr, "lab_copy: %s: %s\n", what, strerror(errno));
	return 1;
}

static void
send_file(int to, int file)
{
	struct stat st;
	off_t at = 0;

	if (fstat(file, &st) == -1)
		exit(fail("file"));
	while (at < st.st_size)
		if (sendfile(to, file, &at, (size_t)(st.st_size - at)) <= 0)
			exit(fail("sendfile"));
	exit(0);
}

/* The children are left to lab_run, which counts their time. */
static int
serve(uint16_t port, const char *path)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int file = open(path, O_RDONLY), on = 1, to;
	int s = socket(AF_INET, SOCK_STREAM, 0);

	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (file == -1 || s == -1 ||
	    bind(s, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(s, 1024) == -1)
		return fail(path);
	(void)puts("serving");
	(void)fflush(stdout);
	while ((to = accept(s, NULL, NULL)) != -1 || errno == EINTR) {
		if (to != -1 && fork() == 0)
			send_file(to, file);
		(void)close(to);
	}
	return fail("accept");
}

static int
fetch(const char *host, uint16_t port, const char *path)
{
	static char buffer[256 << 10];
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int s = socket(AF_INET, SOCK_STREAM, 0);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n;

	if (file == -1 || inet_pton(AF_INET, host, &a.sin_addr) != 1 ||
	    connect(s, (struct sockaddr *)&a, sizeof(a)) == -1)
		return fail(host);
	while ((n = read(s, buffer, sizeof(buffer))) > 0)
		if (write(file, buffer, (size_t)n) != n)
			return fail(path);
	if (n < 0 || close(file) == -1)
		return fail(path);
	(void)puts("done");
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve((uint16_t)atoi(argv[2]), argv[3]);
	if (argc == 5 && strcmp(argv[1], "fetch") == 0)
		return fetch(argv[2], (uint16_t)atoi(argv[3]), argv[4]);
	(void)fputs(
	    "usage: lab_copy serve PORT FILE | fetch HOST PORT FILE\n", stderr);
	return 2;
}
