#include <errno.h>
#include <sys/epoll.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "io/kernel.h"
#include "io/log.h"

bool
kernel_suffices(void)
{
	struct utsname name;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd != -1)
		close(fd);
	if (fd != -1 || errno != ENOSYS)
		return true; /* whatever is wrong, it is not its age */
	log_error("the kernel of this host, Linux %s, is too old: murder needs "
		  "2.6.27 or newer",
	    uname(&name) == 0 ? name.release : "?");
	return false;
}
