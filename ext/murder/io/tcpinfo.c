/*
 * By linux/tcp.h, whose struct tcp_info has more than the C library's, and
 * which does not get along with netinet/tcp.h in one file.
 */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "io/tcpinfo.h"

uint32_t
tcpinfo_unacked(int fd)
{
	int n = 0;

	if (ioctl(fd, SIOCOUTQ, &n) != 0 || n < 0)
		return 0;
	return (uint32_t)n;
}

struct duration
tcpinfo_shortest_trip(int fd)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
	    info.tcpi_min_rtt == UINT32_MAX)
		return (struct duration){0};
	return (struct duration){.ns = info.tcpi_min_rtt * 1000ul};
}
