/*
 * old_kernel FIRST LAST PROGRAM [ARGUMENT]...: runs it as on a kernel that
 * lacks the system calls of these numbers: this kernel's own filter answers
 * them with ENOSYS, for the program and all it starts. On x86_64, 291 is
 * epoll_create1; what came after Linux 2.6.27 begins at 295.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	unsigned first = argc > 3 ? (unsigned)atoi(argv[1]) : 0;
	unsigned last = argc > 3 ? (unsigned)atoi(argv[2]) : 0;
	struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
				      offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {.len = 5, .filter = f};

	if (first == 0)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0)
		(void)execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 126;
}
