/*
 * What the programs need of the kernel.
 */
#ifndef MURDER_IO_KERNEL_H
#define MURDER_IO_KERNEL_H

#include <stdbool.h>

/* Whether this kernel can run murder: it has epoll_create1(2), so it is Linux
 * 2.6.27 or newer. Says so on standard error if it cannot. Called first by
 * every program, by --version too, which is what murder:distribute_files runs.
 */
bool kernel_suffices(void);

#endif
