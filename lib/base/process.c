#define _GNU_SOURCE
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"

extern char **environ;

_Static_assert(SIGALRM == SNI_PROCESS_ALARM, "the number in the header is SIGALRM's");

/* Returns 0 or errno. */
static int spawn(const char *path, char *const *argv, int child_end, pid_t *out_pid) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawn_file_actions_adddup2(&actions, child_end, STDIN_FILENO);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, child_end, STDOUT_FILENO);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#ifdef __GLIBC__ /* what the program has open is none of the child's business */
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
#endif
    if (!error) error = posix_spawn(out_pid, path, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

sinter_status sni_process_start(const char *path, char *const *argv, sni_process *out_process) {
    int ends[2];
    out_process->pid = 0;
    out_process->used = 0;
    /* A socket rather than pipes: writing to it after the child's end can be asked to raise no signal. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return sni_fail(SINTER_IO, "cannot start %s: socketpair: errno %d", path, errno);
    int error = spawn(path, argv, ends[1], &out_process->pid);
    close(ends[1]);
    out_process->socket = ends[0];
    if (!error) return SINTER_OK;
    close(ends[0]);
    out_process->pid = 0;
    return sni_fail(SINTER_IO, "cannot start %s: errno %d", path, error);
}

static bool send_all(int socket, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool sni_process_send(sni_process *process, const char *text) {
    return process->pid != 0 && send_all(process->socket, text, strlen(text)) && send_all(process->socket, "\n", 1);
}

bool sni_process_send_bytes(sni_process *process, const void *data, size_t size_bytes) {
    return process->pid != 0 && send_all(process->socket, data, size_bytes);
}

void sni_process_wait_any(const sni_process *processes, int count, int64_t timeout_ns) {
    struct pollfd wait[SNI_PROCESS_MOST];
    nfds_t waited = 0;
    for (int i = 0; i < count && i < SNI_PROCESS_MOST; ++i) {
        if (processes[i].pid == 0) continue;
        if (memchr(processes[i].buffer, '\n', processes[i].used)) return; /* a line that came with the one before */
        wait[waited++] = (struct pollfd){.fd = processes[i].socket, .events = POLLIN};
    }
    poll(wait, waited, (int)(timeout_ns / 1000000));
}

/* Takes a line out of the buffer when there is one. */
static bool take_line(sni_process *p, char *out_line) {
    char *newline = memchr(p->buffer, '\n', p->used);
    if (newline == NULL) return false;
    size_t length = (size_t)(newline - p->buffer);
    memcpy(out_line, p->buffer, length);
    out_line[length] = 0;
    p->used -= length + 1;
    memmove(p->buffer, newline + 1, p->used);
    return true;
}

sni_process_answer sni_process_receive(sni_process *p, int64_t timeout_ns, char out_line[SNI_PROCESS_LINE]) {
    int64_t until = sni_time_ns() + timeout_ns;
    while (p->pid != 0 && !take_line(p, out_line)) {
        int64_t left = until - sni_time_ns();
        struct pollfd wait = {.fd = p->socket, .events = POLLIN};
        if (p->used == sizeof p->buffer) return SNI_PROCESS_ENDED;
        /* Without time left it takes what is there. */
        int wait_ms = left > 0 ? (int)(left / 1000000 < 60000 ? left / 1000000 + 1 : 60000) : 0;
        int ready = poll(&wait, 1, wait_ms);
        if (ready < 0 && errno != EINTR) return SNI_PROCESS_ENDED;
        if (ready <= 0 && left <= 0) return SNI_PROCESS_TIMED_OUT;
        if (ready <= 0) continue;
        ssize_t got = recv(p->socket, p->buffer + p->used, sizeof p->buffer - p->used, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return SNI_PROCESS_ENDED;
        p->used += (size_t)got;
    }
    return p->pid != 0 ? SNI_PROCESS_GOT_LINE : SNI_PROCESS_ENDED;
}

int sni_process_end(sni_process *process) {
    int ended = 0, signal_number = 0;
    if (process->pid == 0) return 0;
    close(process->socket);
    /* One that ended by itself is a zombie until it is waited for; give it a moment to become one. */
    pid_t gone = 0;
    for (int i = 0; i < 20 && gone == 0; ++i) {
        gone = waitpid(process->pid, &ended, WNOHANG);
        if (gone == 0) poll(NULL, 0, 1);
    }
    if (gone == 0) {
        kill(process->pid, SIGKILL);
        while (waitpid(process->pid, &ended, 0) < 0 && errno == EINTR) {
        }
    } else if (gone > 0 && WIFSIGNALED(ended)) {
        signal_number = WTERMSIG(ended);
    }
    process->pid = 0;
    return signal_number;
}

sinter_status sni_process_own_path(char **out_path) {
    char path[4096];
    *out_path = NULL;
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) return sni_fail(SINTER_IO, "the program's own path is not known: errno %d", errno);
    path[length] = 0;
    *out_path = sni_strdup(path);
    return *out_path != NULL ? SINTER_OK : sni_out_of_memory("a path");
}
