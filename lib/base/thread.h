/* Threads, locks, once, clocks. */
#ifndef SNI_BASE_THREAD_H
#define SNI_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

typedef pthread_mutex_t sni_mutex;
#define SNI_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#define sni_mutex_init(m) pthread_mutex_init((m), NULL)
#define sni_mutex_deinit(m) pthread_mutex_destroy(m)
#define sni_mutex_lock(m) pthread_mutex_lock(m)
#define sni_mutex_unlock(m) pthread_mutex_unlock(m)

/* Waiting for what another thread does under the mutex. */
typedef pthread_cond_t sni_condition;
int sni_condition_init(sni_condition *condition);
#define sni_condition_deinit(c) pthread_cond_destroy(c)
#define sni_condition_wait(c, m) pthread_cond_wait((c), (m))
/* Until a time of sni_time_ns at the latest. */
void sni_condition_wait_until(sni_condition *condition, sni_mutex *mutex, int64_t time_ns);
#define sni_condition_wake_all(c) pthread_cond_broadcast(c)

/* Monotonic time in nanoseconds. */
int64_t sni_time_ns(void);
/* A small number unique to the calling thread in this process. */
uint64_t sni_thread_number(void);

#endif
