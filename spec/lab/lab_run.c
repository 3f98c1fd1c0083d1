/*
 * First process of a program in the lab: enters a network namespace, makes a
 * pid namespace, waits for the word, runs the program in it and tells on
 * standard output, with CLOCK_MONOTONIC in nanoseconds, what becomes of it:
 *
 *   start NS              it runs
 *   say NS LINE           it said this on its standard output
 *   exit NS STATUS        it ended (128 + signal when killed); what it left
 *                         in the background goes on
 *   end CPU_US RSS_KIB    nothing is left: CPU time of all, largest memory
 *
 * Words on standard input: g start, t SIGTERM to the program, k SIGKILL to
 * everything; the end of the input means k.
 *
 * Usage: lab_run NETNS DIRECTORY LOG PROGRAM [ARGUMENT]...
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096

struct state {
	pid_t program;
	bool ending;
	int said;       /* the program's standard output; -1: closed */
	int64_t cpu_us; /* of those that ended */
	long rss_kib;
	size_t n;
	char line[LINE_BYTES];
};

static int64_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
fail(const char *what)
{
	(void)fprintf(stderr, "lab_run: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void
enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || setns(fd, CLONE_NEWNET) == -1)
		fail(netns);
	if (unshare(CLONE_NEWPID) == -1)
		fail("unshare");
}

static void
become(char **argv, int said)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);
	int log = open(argv[3], O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (null == -1 || log == -1 || chdir(argv[2]) == -1)
		fail(argv[2]);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	(void)dup2(null, 0);
	(void)dup2(said, 1);
	(void)dup2(log, 2);
	(void)execvp(argv[4], argv + 4);
	fail(argv[4]);
}

static void
start(struct state *s, char **argv)
{
	int pipe_fd[2];

	if (pipe2(pipe_fd, O_CLOEXEC) == -1)
		fail("pipe");
	(void)printf("start %lld\n", (long long)now());
	s->program = fork();
	if (s->program == -1)
		fail("fork");
	if (s->program == 0)
		become(argv, pipe_fd[1]);
	(void)close(pipe_fd[1]);
	s->said = pipe_fd[0];
}

static void
listen_to_program(struct state *s)
{
	long long at = now();
	ssize_t n = read(s->said, s->line + s->n, sizeof(s->line) - s->n);
	char *end;

	if (n <= 0) {
		(void)close(s->said);
		s->said = -1;
		return;
	}
	s->n += (size_t)n;
	while ((end = memchr(s->line, '\n', s->n)) != NULL) {
		size_t length = (size_t)(end - s->line);

		(void)printf("say %lld %.*s\n", at, (int)length, s->line);
		s->n -= length + 1;
		memmove(s->line, end + 1, s->n);
	}
	if (s->n == sizeof(s->line))
		s->n = 0; /* no line of ours is that long */
}

/* Reaps; false when nobody is left. */
static bool
reap(struct state *s)
{
	struct rusage u;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &u)) > 0) {
		s->cpu_us +=
		    u.ru_utime.tv_usec + u.ru_stime.tv_usec +
		    1000000LL * (u.ru_utime.tv_sec + u.ru_stime.tv_sec);
		if (u.ru_maxrss > s->rss_kib)
			s->rss_kib = u.ru_maxrss;
		if (pid == s->program)
			(void)printf("exit %lld %d\n", (long long)now(),
			    WIFEXITED(status) ? WEXITSTATUS(status)
					      : 128 + WTERMSIG(status));
	}
	return pid == 0 || errno != ECHILD;
}

static void
obey(struct state *s)
{
	char word = 'k';

	if (read(0, &word, 1) != 1)
		word = 'k';
	if (word == 't')
		(void)kill(s->program, SIGTERM);
	if (word != 'k')
		return;
	s->ending = true;
	(void)kill(-1, SIGKILL);
}

static void
watch(struct state *s, int signals)
{
	struct pollfd fds[3] = {{.fd = signals, .events = POLLIN},
	    {.fd = 0, .events = POLLIN}, {.fd = s->said, .events = POLLIN}};
	struct signalfd_siginfo info;

	while (poll(fds, 3, -1) > 0 || errno == EINTR) {
		if (fds[2].revents != 0)
			listen_to_program(s);
		if (fds[1].revents != 0 && !s->ending)
			obey(s);
		if (fds[0].revents != 0 &&
		    (read(signals, &info, sizeof(info)) < 0 || !reap(s)))
			break;
		(void)fflush(stdout);
		fds[2].fd = s->said;
		if (s->ending)
			fds[1].fd = -1;
	}
	while (s->said != -1)
		listen_to_program(s);
}

static void
first_process(char **argv)
{
	struct state s = {.said = -1};
	sigset_t child;
	int signals;
	char word;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	signals = signalfd(-1, &child, SFD_CLOEXEC);
	if (signals == -1)
		fail("signalfd");
	(void)puts("ready");
	(void)fflush(stdout);
	if (read(0, &word, 1) != 1 || word != 'g')
		_exit(0);
	start(&s, argv);
	(void)fflush(stdout);
	watch(&s, signals);
	(void)printf("end %lld %ld\n", (long long)s.cpu_us, s.rss_kib);
	(void)fflush(stdout);
	_exit(0);
}

int
main(int argc, char **argv)
{
	pid_t first;
	int status;

	if (argc < 5) {
		(void)fputs("usage: lab_run NETNS DIRECTORY LOG PROGRAM "
			    "[ARGUMENT]...\n",
		    stderr);
		return 2;
	}
	enter(argv[1]);
	first = fork();
	if (first == -1)
		fail("fork");
	if (first == 0)
		first_process(argv);
	while (waitpid(first, &status, 0) == -1 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
