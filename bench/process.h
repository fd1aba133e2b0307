/* What a process has used so far, from /proc: it is measured from outside, whatever it is written in. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* CPU seconds (user and system) of the process; with `and_children` also of those it has now and those it has
 * waited for. 0 for pid 0. */
double process_cpu(pid_t pid, bool and_children);
/* CPU seconds that the whole machine was busy, since it started; 0 when it cannot be read. */
double machine_cpu(void);
/* VmRSS in MB (1,000,000 bytes); 0 when it cannot be read. */
double process_memory(pid_t pid); /* MB; of a process with children the shares of all (Pss) */

#endif
