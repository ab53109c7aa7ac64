/* Another process that is talked to in lines: it may hang or crash, and the caller goes on. */
#ifndef SNI_BASE_PROCESS_H
#define SNI_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

enum { SNI_PROCESS_MOST = 64 };   /* that can be waited for together */
enum { SNI_PROCESS_LINE = 4096 }; /* the longest line that is received, with its terminator */

typedef struct sni_process {
    pid_t pid;  /* 0: none */
    int socket; /* both of the child's standard input and output */
    size_t used;
    char buffer[SNI_PROCESS_LINE];
} sni_process;

typedef enum sni_process_answer {
    SNI_PROCESS_GOT_LINE,
    SNI_PROCESS_TIMED_OUT,
    SNI_PROCESS_ENDED /* it closed its output, or sent a line that is too long */
} sni_process_answer;

/* Starts the program at path with argv (ends with NULL; argv[0] is its name); its standard error goes nowhere. IO. */
sinter_status sni_process_start(const char *path, char *const *argv, sni_process *out_process);
/* Sends text with a newline. false: the process does not listen any more. */
bool sni_process_send(sni_process *process, const char *text);
/* Sends bytes as they are. */
bool sni_process_send_bytes(sni_process *process, const void *data, size_t size_bytes);
/* Waits until one of the processes has something to receive or has ended, at most timeout_ns. Those with pid 0 are passed
 * over. */
void sni_process_wait_any(const sni_process *processes, int count, int64_t timeout_ns);
/* Waits for the next line (without its newline), at most timeout_ns. */
sni_process_answer sni_process_receive(sni_process *process, int64_t timeout_ns, char out_line[SNI_PROCESS_LINE]);
/* Kills it if it still runs, and forgets it. Returns the number of the signal that had ended it before, or 0. */
int sni_process_end(sni_process *process);
#define SNI_PROCESS_ALARM 14 /* SIGALRM: a process that set itself a time limit */
/* The path of the program that runs now, for starting it again; sni_free. IO. */
sinter_status sni_process_own_path(char **out_path);

#endif
