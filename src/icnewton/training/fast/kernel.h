/* What the compiled layers share: products of matrices whose columns fill vector registers, and
   LayerNorm. All matrices are row-major float32. */

#ifndef ICNEWTON_KERNEL
#define ICNEWTON_KERNEL

#ifdef _OPENMP
#include <omp.h>
#else
#define omp_get_thread_num() ((void)threads, 0)
#endif

#ifdef __AVX512F__
enum { LANES = 16, ROWS = 9 };
#else
enum { LANES = 8, ROWS = 6 };
#endif
enum { CHUNK = 64, ROOM = 48 };

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int integers __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define INLINE static inline __attribute__((always_inline))

/* C (rows, columns * LANES) = [C +] A B for rows <= ROWS, columns <= 2; A has strides (ai, ak). */
INLINE void tile(const int rows, const int columns, int inner, const float *a, long ai, long ak,
                 const float *b, long bs, float *c, long cs, int add) {
    vector sum[9][2];
#pragma GCC unroll 9
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < columns; j++)
            sum[i][j] = add ? *(vector *)(c + i * cs + j * LANES) : (vector){0};
    for (int k = 0; k < inner; k++)
#pragma GCC unroll 9
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
            for (int j = 0; j < columns; j++)
                sum[i][j] += a[i * ai + k * ak] * *(const vector *)(b + k * bs + j * LANES);
#pragma GCC unroll 9
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < columns; j++) *(vector *)(c + i * cs + j * LANES) = sum[i][j];
}

/* As many rows as they come, in blocks of nearly one height: short ones would wait for themselves. */
INLINE void strip(const int columns, int m, int inner, const float *a, long ai, long ak,
                  const float *b, long bs, float *c, long cs, int add) {
    for (int blocks = (m + ROWS - 1) / ROWS, rows; blocks > 0; blocks--) {
        rows = (m + blocks - 1) / blocks;
        switch (rows) {
        case 9: tile(9, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 8: tile(8, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 7: tile(7, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 6: tile(6, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 5: tile(5, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 4: tile(4, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 3: tile(3, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 2: tile(2, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        case 1: tile(1, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
        }
        m -= rows, a += rows * ai, c += rows * cs;
    }
}

typedef float half __attribute__((vector_size(32), aligned(4), may_alias));

/* Eight columns of C, for heads of eight rows. */
INLINE void narrow_tile(const int rows, int inner, const float *a, long ai, long ak, const float *b,
                        long bs, float *c, long cs, int add) {
    half sum[9];
#pragma GCC unroll 9
    for (int i = 0; i < rows; i++) sum[i] = add ? *(half *)(c + i * cs) : (half){0};
    for (int k = 0; k < inner; k++)
#pragma GCC unroll 9
        for (int i = 0; i < rows; i++) sum[i] += a[i * ai + k * ak] * *(const half *)(b + k * bs);
#pragma GCC unroll 9
    for (int i = 0; i < rows; i++) *(half *)(c + i * cs) = sum[i];
}

INLINE void narrow_strip(int m, int inner, const float *a, long ai, long ak, const float *b,
                         long bs, float *c, long cs, int add) {
    for (; m >= ROWS; m -= ROWS, a += ROWS * ai, c += ROWS * cs)
        narrow_tile(ROWS, inner, a, ai, ak, b, bs, c, cs, add);
    for (; m > 0; m--, a += ai, c += cs) narrow_tile(1, inner, a, ai, ak, b, bs, c, cs, add);
}

/* C (m, n) = [C +] A (m, inner) B (inner, n) for n a multiple of 8; with (ai, ak) = (1, stride) A
   is read as a transpose. */
static void product(int m, int inner, int n, const float *a, long ai, long ak, const float *b,
                    long bs, float *c, long cs, int add) {
    int j = 0;
    for (; j + 2 * LANES <= n; j += 2 * LANES)
        strip(2, m, inner, a, ai, ak, b + j, bs, c + j, cs, add);
    for (; j + LANES <= n; j += LANES) strip(1, m, inner, a, ai, ak, b + j, bs, c + j, cs, add);
    if (j < n) narrow_strip(m, inner, a, ai, ak, b + j, bs, c + j, cs, add);
}

/* The sum of all lanes, four at a time. */
INLINE float total(vector v) {
    typedef float quarter __attribute__((vector_size(16)));
    quarter parts[LANES / 4];
    __builtin_memcpy(parts, &v, sizeof v);
    quarter sum = parts[0];
#pragma GCC unroll 4
    for (int l = 1; l < LANES / 4; l++) sum += parts[l];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The normalised row (s - mean) / deviation; returns 1 / deviation. */
static float normalise(int D, const float *s, float *row) {
    vector sum = {0}, square = {0};
    for (int j = 0; j < D; j += LANES) sum += *(const vector *)(s + j);
    const float mean = total(sum) / D;
    for (int j = 0; j < D; j += LANES) {
        const vector centred = *(const vector *)(s + j) - mean;
        *(vector *)(row + j) = centred;
        square += centred * centred;
    }
    const float inverse = 1 / __builtin_sqrtf(total(square) / D + 1e-5f);
    for (int j = 0; j < D; j += LANES) *(vector *)(row + j) *= inverse;
    return inverse;
}

static void layer_norm(int m, int D, const float *s, const float *gain, const float *bias,
                       float *x) {
    for (int i = 0; i < m; i++, s += D, x += D) {
        normalise(D, s, x);
        for (int j = 0; j < D; j += LANES)
            *(vector *)(x + j) =
                *(vector *)(x + j) * *(const vector *)(gain + j) + *(const vector *)(bias + j);
    }
}

/* dS += the gradient through LayerNorm of dX; dgain and dbias grow. */
static void layer_norm_gradient(int m, int D, const float *s, const float *gain, const float *dx,
                                float *ds, float *dgain, float *dbias) {
    float row[D];
    for (int i = 0; i < m; i++, s += D, dx += D, ds += D) {
        const float inverse = normalise(D, s, row);
        vector sum = {0}, dot = {0};
        for (int j = 0; j < D; j += LANES) {
            const vector x = *(vector *)(row + j), g = *(const vector *)(dx + j),
                         scaled = g * *(const vector *)(gain + j);
            *(vector *)(dgain + j) += g * x;
            *(vector *)(dbias + j) += g;
            sum += scaled;
            dot += scaled * x;
        }
        const float mean = total(sum) / D, slope = total(dot) / D;
        for (int j = 0; j < D; j += LANES)
            *(vector *)(ds + j) +=
                inverse * (*(const vector *)(dx + j) * *(const vector *)(gain + j) - mean -
                           *(vector *)(row + j) * slope);
    }
}

/* Every row of c is the row b. */
static void repeat(int rows, int n, const float *b, float *c) {
    for (int i = 0; i < rows; i++, c += n) __builtin_memcpy(c, b, sizeof(float) * n);
}

/* c = s, and to every row the row b. */
static void residual(int rows, int D, const float *s, const float *b, float *c) {
    for (int i = 0; i < rows; i++, s += D, c += D)
        for (int j = 0; j < D; j += LANES)
            *(vector *)(c + j) = *(const vector *)(s + j) + *(const vector *)(b + j);
}

/* Every entry within [-clip, clip]; inside says which entries were. An entry that was cut to the
   clip by an earlier layer may still be there, and counts as inside. */
static void limit(long count, float clip, float *c, unsigned char *inside) {
    for (long i = 0; i < count; i++) {
        inside[i] = __builtin_fabsf(c[i]) <= clip;
        c[i] = c[i] > clip ? clip : c[i] < -clip ? -clip : c[i];
    }
}

/* d where an entry was inside, or else 0. */
static void keep(long count, const unsigned char *inside, const float *d, float *restrict kept) {
    for (long i = 0; i < count; i++) kept[i] = inside[i] ? d[i] : 0;
}

/* b += the rows of c. */
static void add_rows(int rows, int n, const float *c, float *b) {
    for (int i = 0; i < rows; i++, c += n)
        for (int j = 0; j < n; j += LANES) *(vector *)(b + j) += *(const vector *)(c + j);
}

static int least(int a, int b) { return a < b ? a : b; }

#endif
