/* The tape: the one trace of this process. The first instance that the program makes opens it,
 * whatever is recorded later goes into it, and the end of the process closes it. (Not the end of
 * the last instance: many programs make one to see what there is, end it, and make the one that
 * they work with.)
 *
 * The environment says what is wanted, and is read once, when the tape is opened:
 *   FREEHOLD_RECORD_FILE    the file; %p in it becomes the number of the process. Without %p, a
 *   file
 *                           of that name that is there already is left alone, and the process puts
 *                           its number before the ending: run.fhtrace, run.1234.fhtrace. So the
 *                           first process of a program that makes an instance has the plain name.
 *                           Not set, or empty: nothing is recorded.
 *   FREEHOLD_RECORD_FRAMES  n: recording ends with the n-th frame. a..b: with the b-th, and of
 *   those
 *                           before the a-th only what makes, names and ends things is recorded.
 *   FREEHOLD_RECORD_LIST    a file to which each process adds a line when its recording begins and
 *                           one when it ends; `freehold record` reads it. See tape.c.
 *
 * What cannot be recorded is lost, and is never the program's trouble. */

#ifndef FREEHOLD_LAYER_TAPE_H
#define FREEHOLD_LAYER_TAPE_H

#include <freehold/trace_event.h>

#include <stdbool.h>
#include <stdint.h>

/* Opens the tape; does so once. Any thread. */
void fhi_tape_open(void);

/* What was recorded is in the file when this returns. Any thread. */
void fhi_tape_flush(void);

/* Records an event. Its text may be of any length: what does not fit is cut off. `text_size` is
 * ignored where text is, and thread and time are filled in. Any thread; nothing while no tape
 * runs. */
void fhi_tape_record(const fh_trace_event *event);

/* The tape runs. Any thread. */
bool fhi_tape_runs(void);

/* It runs, and this frame is one of those that are wanted: false means that events of work (SUBMIT,
 * USED, PASSED) need not be put together. */
bool fhi_tape_wants_work(void);

/* Records a sentence for people: something that the recording could not follow. */
void fhi_tape_problem(const char *sentence);

/* A frame ended, and what belongs to it was recorded. After the last that was wanted the tape is
 * closed. */
void fhi_tape_end_frame(void);

/* The next id, from 1 on; each noun by itself. Any thread. */
uint64_t fhi_tape_id(fh_trace_noun noun);

#endif
