/*
 * Time a call of a kernel, in programs that were built to profile.
 */
#ifndef LATHE_PROFILE_H
#define LATHE_PROFILE_H

enum { LATHE_PROFILE_CALLS = 4096 };

/* Seconds since the first lathe_mark by call; the caller zeroes them. */
extern double lathe_profile_seconds[LATHE_PROFILE_CALLS];

/* Every thread of the region calls it after call CALL, whose end is a barrier; -1: before the
 * first. The time since the mark before is CALL's. */
void lathe_mark(int call);

#endif
