/*
 * Scaling of images by triangle filters.
 */
#ifndef LATHE_RESAMPLE_H
#define LATHE_RESAMPLE_H

/* How each place i of a resized line reads the line before: TAPS neighbours from FIRST[i] on, with
 * the weights WEIGHTS[i * TAPS], ... */
struct lathe_filter {
    int taps;
    int *first;
    float *weights;
};

/* The filter that makes a line of TO pixels, each as long as SCALE pixels before, of the middle of
 * a line of FROM: a triangle, as wide as two of the larger pixels, so that shrinking averages and
 * enlarging is linear between neighbours. With SCALE = FROM / TO that is what Pillow's BILINEAR and
 * PyTorch's interpolate(antialias=True) do. */
struct lathe_filter lathe_filter_new(int from, int to, double scale);
void lathe_filter_free(struct lathe_filter *filter);

/* OUTPUT[i], i < COUNT: FILTER's sum over the line INPUT. */
void lathe_filter_line(const struct lathe_filter *filter, const float *input, int count,
                       float *output);
/* Lines of WIDTH floats: line i < COUNT of OUTPUT is FILTER's sum over the lines of INPUT. */
void lathe_filter_lines(const struct lathe_filter *filter, const float *input, int width, int count,
                        float *output);

#endif
