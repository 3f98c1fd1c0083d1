/*
 * The core's addresses as the socket calls want them, and back.
 */
#ifndef MURDER_IO_SOCKADDR_H
#define MURDER_IO_SOCKADDR_H

#include <sys/socket.h>

#include "core/addr.h"

/* Fills in *ss for a and gives its length. */
socklen_t sockaddr_from(struct sockaddr_storage *ss, const struct addr *a);

/* Reads *ss; an IPv4-mapped address becomes IPv4. ERR_UNSUPPORTED if it is
 * neither IPv4 nor IPv6. */
int sockaddr_to(struct addr *a, const struct sockaddr_storage *ss);

#endif
