$ -- The weights of a 3 x 3 convolution, transformed, in the order in which they are read:
$ -- [K_CHUNK blocks of output channels][position][K_TILE of these][cb][ci][K_TILE][ki].
$ include("winograd_transforms.c.t", _ENV)
static void ${name}(${parameters})
{
    enum { V = ${V}, N = ${N}, R = ${R}, TAPS = R * R, IN_BLOCKS = ${IN_BLOCKS},
           BLOCKS = ${BLOCKS}, K_TILE = ${K_TILE}, K_CHUNK = ${K_CHUNK},
           POSITION = K_CHUNK * IN_BLOCKS * V * V, /* weights of a chunk */
           TAP_FIRST = ${TAP_FIRST}, TAP_ROW = ${TAP_ROW}, TAP_COLUMN = ${TAP_COLUMN},
           KERNEL = ${KERNEL}, IN_C = ${IN_C} };
#pragma omp for nowait
    for (int block = 0; block < BLOCKS; block++) {
        const int kb = block / IN_BLOCKS, cb = block % IN_BLOCKS;
        float *to = transformed + (size_t)(kb / K_CHUNK) * (N * N) * POSITION +
                    ((kb % K_CHUNK / K_TILE * IN_BLOCKS + cb) * V * K_TILE + kb % K_TILE) * V;
        for (int c = 0; c < V; c++) {
$ if folded then -- channel f / 4 of rows and columns 2 i + f / 2 % 2, 2 j + f % 2
            const int f = cb * V + c;
            const float *from = weight + ((size_t)kb * IN_C + f / 4) * (KERNEL * KERNEL * V);
$ else
            const float *from = weight + ((size_t)block * TAPS + TAP_FIRST) * (V * V) + c * V;
$ end
            vf half[N][R];
            LATHE_UNROLL(${R})
            for (int s = 0; s < R; s++) {
                vf x[R], y[N];
                LATHE_UNROLL(${R})
                for (int r = 0; r < R; r++) {
$ if folded then
                    const int row = 2 * r + f / 2 % 2, column = 2 * s + f % 2;
                    x[r] = (vf){0};
                    if (row < KERNEL && column < KERNEL && f < 4 * IN_C)
                        x[r] = lathe_load(from + (row * KERNEL + column) * V);
$ else
                    x[r] = lathe_load(from + (r * TAP_ROW + s * TAP_COLUMN) * (V * V));
$ end
                }
                ${name}_filter(x, y);
                LATHE_UNROLL(${N})
                for (int i = 0; i < N; i++)
                    half[i][s] = y[i];
            }
            LATHE_UNROLL(${N})
            for (int i = 0; i < N; i++) {
                vf y[N];
                ${name}_filter(half[i], y);
                LATHE_UNROLL(${N})
                for (int j = 0; j < N; j++)
                    lathe_store(to + (size_t)(i * N + j) * POSITION + c * K_TILE * V, y[j]);
            }
        }
    }
}

