/*
 * Listening sockets of httpd.c; private to it.
 */
#ifndef MURDER_IO_HTTPD_LISTEN_H
#define MURDER_IO_HTTPD_LISTEN_H

#include <stdint.h>

#include "core/addr.h"

/* Listens on a, or on every address of the host if a is NULL (IPv6 and IPv4
 * by one socket; IPv4 alone where there is no IPv6). The descriptor, or -1
 * after one printed line that names the address and the port. */
int httpd_listen(const struct addr *a, uint16_t port);

#endif
