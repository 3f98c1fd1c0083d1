/*
 * What the kernel knows of a TCP connection.
 */
#ifndef MURDER_IO_TCPINFO_H
#define MURDER_IO_TCPINFO_H

#include <stdint.h>

#include "core/tick.h"

/* Bytes that went into the socket and are not acknowledged yet, sent or not; 0
 * where the kernel does not tell. */
uint32_t tcpinfo_unacked(int fd);

/* The shortest round trip so far; 0 where the kernel does not tell. */
struct duration tcpinfo_shortest_trip(int fd);

#endif
