/* What the system calls this process and its threads. */

#ifndef FREEHOLD_BASE_PROCESS_H
#define FREEHOLD_BASE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* A number that no other living process has; a child of fork() has another than its parent. */
uint64_t fhi_process_id(void);

/* The program's name, without its folder, cut where it does not fit; "" where the system does not
 * tell. */
void fhi_process_name(char *out_name, size_t size);

/* The calling thread's name: what debuggers show; "" where it has none. */
void fhi_thread_name(char *out_name, size_t size);

#endif
