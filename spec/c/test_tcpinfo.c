/*
 * What the kernel tells of a connection over loopback.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/tcpinfo.h"
#include "unit.h"

/* More than the buffers of both ends take. */
#define MUCH (64u << 20)

/* Two ends of a connection; fd[1] takes at most 4 KiB unread, about. */
static void
connect_to_self(int fd[2])
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0), small = 4096;

	assert_true(listener >= 0);
	assert_int_equal(
	    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
	    0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&a, n), 0);
	fd[1] = accept(listener, NULL, NULL);
	assert_true(fd[1] >= 0);
	(void)close(listener);
}

TEST(what_nobody_reads_is_not_acknowledged_sent_or_not)
{
	static char much[MUCH];
	uint32_t taken, unacked;
	int fd[2];
	ssize_t n;

	connect_to_self(fd);
	assert_int_equal(tcpinfo_unacked(fd[0]), 0);
	n = send(fd[0], much, sizeof(much), MSG_DONTWAIT);
	assert_true(n > 0 && n < (ssize_t)sizeof(much));
	taken = (uint32_t)n;
	unacked = tcpinfo_unacked(fd[0]);
	assert_in_range(unacked, taken / 2, taken);
	for (uint32_t got = 0; got < taken; got += (uint32_t)n) {
		n = recv(fd[1], much, sizeof(much), 0);
		assert_true(n > 0);
	}
	for (int i = 0; i < 1000 && tcpinfo_unacked(fd[0]) > 0; i++)
		(void)usleep(1000); /* the last acknowledgement may wait */
	assert_int_equal(tcpinfo_unacked(fd[0]), 0);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

TEST(a_round_trip_on_this_machine_is_short_and_known)
{
	int fd[2];

	connect_to_self(fd);
	assert_in_range(tcpinfo_shortest_trip(fd[0]).ns, 1, TICK_S(1).ns);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

TEST(of_what_is_no_connection_nothing_is_known)
{
	assert_int_equal(tcpinfo_unacked(-1), 0);
	assert_int_equal(tcpinfo_shortest_trip(-1).ns, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_nobody_reads_is_not_acknowledged_sent_or_not),
	    cmocka_unit_test(a_round_trip_on_this_machine_is_short_and_known),
	    cmocka_unit_test(of_what_is_no_connection_nothing_is_known),
	};

	return cmocka_run_group_tests_name("tcpinfo", tests, NULL, NULL);
}
