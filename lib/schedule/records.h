/* Tuning records: which schedule was measured best for a program on a kind of device.
 *
 * A record is a line (line.h) in the file <device's tuning key>.jsonl of a directory. Directories are layers; the first
 * one that has a record for a key wins, and within a file the last record:
 *
 *     user      <cache directory>/tuning, where `sinter tune` writes
 *     system    /etc/sinter/tuning, then sinter/tuning in each directory of XDG_DATA_DIRS
 *     shipped   share/sinter/tuning of the installation
 *
 * Damaged lines and records of another format are passed over with one warning a process. A record whose schedule a
 * strategy does not know is the caller's to refuse. */
#ifndef SNI_SCHEDULE_RECORDS_H
#define SNI_SCHEDULE_RECORDS_H

#include "schedule/program_key.h"

/* Raise it when the meaning of a record changes. */
#define SNI_RECORD_FORMAT 1

typedef enum sni_layer { SNI_LAYER_USER, SNI_LAYER_SYSTEM, SNI_LAYER_SHIPPED } sni_layer;
const char *sni_layer_name(sni_layer layer);

typedef struct sni_record {
    sni_program_key key;
    char strategy[64];
    char schedule[512];  /* as sni_schedule_print writes it */
    int64_t ns, rule_ns; /* of one launch: this schedule's, and that of what the rule chooses */
    char date[16];       /* 2026-01-31 */
    sni_layer layer;     /* where it was read */
} sni_record;

typedef struct sni_records sni_records; /* immutable */

/* The records of all layers for a device. user_dir NULL: without the user's. OUT_OF_MEMORY. */
sinter_status sni_records_load(const char *tuning_key, const char *user_dir, sni_records **out_records);
void sni_records_release(sni_records *records); /* NULL is allowed */
size_t sni_records_count(const sni_records *records);
/* NULL: there is none (or records is NULL). */
const sni_record *sni_records_find(const sni_records *records, const sni_program_key *key);

/* Appends a record to the file in dir, which is made when it is not there; its date becomes today. Several processes may
 * do so at once. IO, OUT_OF_MEMORY. */
sinter_status sni_record_append(const char *dir, const char *tuning_key, const sni_record *record);

#endif
