/*
 * In which rack this host is, by its own address.
 */
#ifndef MURDER_IO_OWN_RACK_H
#define MURDER_IO_OWN_RACK_H

#include <stdbool.h>

#include "core/addr.h"
#include "core/limits.h"

/* Writes the label of the subnet of so many bits (1 to 128) around a, such as
 * "10.1.2.0/24": up to 32 bits it is one of IPv4, beyond of IPv6. False, and
 * "", if a is of the other family or loopback, which says nothing. */
bool own_rack_label(
    char out[LIMIT_RACK_BYTES + 1], const struct addr *a, unsigned bits);

/* The address from which this host would talk to the tracker of that URL;
 * nothing is sent, but its name is looked up, which may block. False if there
 * is no way to it. */
bool own_rack_addr(struct addr *a, const char *url);

#endif
