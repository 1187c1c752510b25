/*
 * team: from how many samples on a call of a program is worth more than one thread.
 *
 * Threads that wait between calls sleep, and all kernels but the last end in a barrier. A second
 * thread takes half of the work at best; where that half is less than to wake it and to meet it at
 * every barrier, one thread runs the whole call. The bits are the same.
 */
#include "program.h"

#include <math.h>

/* What a thread does in a second, and what it costs to have another one: of the processor that the
 * other figures of speed are of; a factor of 2 makes no difference but near the border. */
static const double flops_a_second = 50e9, bytes_a_second = 20e9;
static const double seconds_to_wake = 20e-6, seconds_a_barrier = 0.5e-6;

/* Bytes of weights that CALL reads whatever the number of samples. */
static double weight_bytes(const struct call *call)
{
    double bytes = 0;
    for (int i = 0; i < call->operands.count; i++) {
        const struct region *region = call->operands.items[i].region;
        if (region && region->space != SPACE_CALLER && region->space != SPACE_WORK)
            bytes += 4.0 * (double)region->floats;
    }
    return bytes;
}

/* One thread's time for COUNT samples. */
static double seconds_alone(const struct program *program, int count)
{
    double seconds = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        double bytes = count * call->bytes + weight_bytes(call);
        seconds += fmax(count * call->flops / flops_a_second, bytes / bytes_a_second);
    }
    return seconds;
}

void choose_team(struct program *program)
{
    double cost = seconds_to_wake + seconds_a_barrier * program->calls.count;
    int count = 1;
    while (count <= program->batch && seconds_alone(program, count) / 2 < cost)
        count++;
    program->team_from = count;
}
