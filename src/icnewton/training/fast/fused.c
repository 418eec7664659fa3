/* A layer of linear attention with residual, forward and backward, a few prompts at a time so that
   all of it stays in cache.

       X = LayerNorm(S) or S,   [Q K V] = X W + w,
       M_h = K_h^T V_h over the context,   Y_h = Q_h M_h,
       S' = S + Y O + o, every entry within [-clip, clip]

   Row-major float32. The biases w and o are null where there are none; clip is infinite where there
   is none. S is (m, D), W (D, 3D), O (D, D), heads have p = D / heads columns, the context is the
   first c tokens. Each of the four products has two products for its gradients; M and Y are formed
   again rather than kept. D and p must be multiples of LANES. Prompts are shared out among the
   threads of OpenMP, if compiled for it; a thread works in its own slice of `scratch`, and
   gradients are summed for every CHUNK prompts, whoever worked on them, so that sums do not depend
   on the number of threads. */

#ifdef _OPENMP
#include <omp.h>
#else
#define omp_get_thread_num() ((void)threads, 0)
#endif

#ifdef __AVX512F__
enum { LANES = 16 };
#else
enum { LANES = 8 };
#endif
enum { ROWS = 6, CHUNK = 64, ROOM = 48 };

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define INLINE static inline __attribute__((always_inline))

/* C (rows, columns * LANES) = [C +] A B for rows <= ROWS, columns <= 2; A has strides (ai, ak). */
INLINE void tile(const int rows, const int columns, int inner, const float *a, long ai, long ak,
                 const float *b, long bs, float *c, long cs, int add) {
    vector sum[ROWS][2];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < columns; j++)
            sum[i][j] = add ? *(vector *)(c + i * cs + j * LANES) : (vector){0};
    for (int k = 0; k < inner; k++)
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
            for (int j = 0; j < columns; j++)
                sum[i][j] += a[i * ai + k * ak] * *(const vector *)(b + k * bs + j * LANES);
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int j = 0; j < columns; j++) *(vector *)(c + i * cs + j * LANES) = sum[i][j];
}

INLINE void strip(const int columns, int m, int inner, const float *a, long ai, long ak,
                  const float *b, long bs, float *c, long cs, int add) {
    for (; m >= ROWS; m -= ROWS, a += ROWS * ai, c += ROWS * cs)
        tile(ROWS, columns, inner, a, ai, ak, b, bs, c, cs, add);
    switch (m) {
    case 5: tile(5, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
    case 4: tile(4, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
    case 3: tile(3, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
    case 2: tile(2, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
    case 1: tile(1, columns, inner, a, ai, ak, b, bs, c, cs, add); break;
    }
}

/* C (m, n) = [C +] A (m, inner) B (inner, n); with (ai, ak) = (1, stride) A is read as a transpose.
 */
static void product(int m, int inner, int n, const float *a, long ai, long ak, const float *b,
                    long bs, float *c, long cs, int add) {
    int j = 0;
    for (; j + 2 * LANES <= n; j += 2 * LANES)
        strip(2, m, inner, a, ai, ak, b + j, bs, c + j, cs, add);
    if (j < n) strip(1, m, inner, a, ai, ak, b + j, bs, c + j, cs, add);
}

INLINE float total(vector v) {
    float sum = 0;
    for (int l = 0; l < LANES; l++) sum += v[l];
    return sum;
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

/* Y_h = Q_h (K_h^T V_h), from u = [Q K V]. */
static void attend(int m, int c, int D, int p, const float *u, float *y) {
    const long s = 3 * D;
    float M[p * p];
    for (int h = 0; h < D; h += p) {
        product(p, c, p, u + D + h, 1, s, u + 2 * D + h, s, M, p, 0);
        product(m, p, p, u + h, s, 1, M, p, y + h, D, 0);
    }
}

/* dQ, dK and dV of one prompt, from dY; M has room for p p numbers. Only the c tokens of the
 * context have dK and dV. */
static void attend_gradient(int m, int c, int D, int p, const float *u, const float *dy, float *du,
                            float *M) {
    const long t = 3 * D;
    __builtin_memset(du + c * t, 0, sizeof(float) * (m - c) * t);
    for (int h = 0; h < D; h += p) {
        const float *q = u + h, *k = q + D, *v = k + D;
        product(p, c, p, v, 1, t, k, t, M, p, 0); /* M^T */
        product(m, p, p, dy + h, D, 1, M, p, du + h, t, 0);
        product(p, m, p, q, 1, t, dy + h, D, M, p, 0); /* dM */
        product(c, p, p, k, t, 1, M, p, du + 2 * D + h, t, 0);
        product(p, m, p, dy + h, 1, D, q, t, M, p, 0); /* dM^T */
        product(c, p, p, v, t, 1, M, p, du + D + h, t, 0);
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

/* Every entry within [-clip, clip]. */
static void limit(long count, float clip, float *c) {
    for (long i = 0; i < count; i++) c[i] = c[i] > clip ? clip : c[i] < -clip ? -clip : c[i];
}

/* d where c is inside the clip, or else 0. */
static void inside(long count, float clip, const float *c, const float *d, float *restrict kept) {
    for (long i = 0; i < count; i++) kept[i] = __builtin_fabsf(c[i]) < clip ? d[i] : 0;
}

/* b += the rows of c. */
static void add_rows(int rows, int n, const float *c, float *b) {
    for (int i = 0; i < rows; i++, c += n)
        for (int j = 0; j < n; j += LANES) *(vector *)(b + j) += *(const vector *)(c + j);
}

/* Short prompts are taken several at a time, ROOM tokens or so: weights are then read from the
 * cache once for all of them. */
static int together(int m) { return m < ROOM ? ROOM / m : 1; }

/* Numbers in a thread's slice of scratch that holds some streams. */
static long slice(int streams, int m, int D) { return (long)streams * D * (m < ROOM ? ROOM : m); }

static int least(int a, int b) { return a < b ? a : b; }

/* S' of g prompts; x has room for 2 g m D numbers. */
static void several(int g, int m, int c, int D, int p, float clip, const float *s,
                    const float *gain, const float *bias, const float *W, const float *O,
                    const float *w, const float *o, float *u, float *out, float *x) {
    const int rows = g * m;
    float *y = x + rows * D;
    if (gain) layer_norm(rows, D, s, gain, bias, x);
    if (w) repeat(rows, 3 * D, w, u);
    product(rows, D, 3 * D, gain ? x : s, D, 1, W, 3 * D, u, 3 * D, w != 0);
    for (int b = 0; b < g; b++) attend(m, c, D, p, u + 3 * b * m * D, y + b * m * D);
    if (o)
        residual(rows, D, s, o, out);
    else
        __builtin_memcpy(out, s, sizeof(float) * rows * D);
    product(rows, D, D, y, D, 1, O, D, out, D, 1);
    if (clip < __builtin_inff()) limit((long)rows * D, clip, out);
}

/* dS of g prompts from dS' = dout; the sums dgain, dbias, dW, dO, dw and do grow; x has room for 7
 * g m D numbers. */
static void several_gradients(int g, int m, int c, int D, int p, float clip, const float *s,
                              const float *gain, const float *bias, const float *WT,
                              const float *OT, const float *w, const float *u, const float *out,
                              const float *dout, float *ds, float *sums, float *x) {
    const int rows = g * m;
    const long t = 3 * D;
    float *y = x + rows * D, *dy = y + rows * D, *du = dy + rows * D, M[p * p];
    float *dgain = sums, *dbias = dgain + D, *dW = dbias + D, *dO = dW + D * t, *dw = dO + D * D,
          *d_o = dw + t;
    if (clip < __builtin_inff()) {
        float *kept = du + rows * t;
        inside((long)rows * D, clip, out, dout, kept);
        dout = kept;
    }
    if (gain) layer_norm(rows, D, s, gain, bias, x);
    for (int b = 0; b < g; b++) attend(m, c, D, p, u + b * m * t, y + b * m * D);
    product(D, rows, D, y, 1, D, dout, D, dO, D, 1);
    product(rows, D, D, dout, D, 1, OT, D, dy, D, 0);
    for (int b = 0; b < g; b++)
        attend_gradient(m, c, D, p, u + b * m * t, dy + b * m * D, du + b * m * t, M);
    product(D, rows, t, gain ? x : s, 1, D, du, t, dW, t, 1);
    if (w) add_rows(rows, t, du, dw), add_rows(rows, D, dout, d_o);
    __builtin_memcpy(ds, dout, sizeof(float) * rows * D);
    product(rows, t, D, du, t, 1, WT, D, gain ? y : ds, D, !gain);
    if (gain) layer_norm_gradient(rows, D, s, gain, y, ds, dgain, dbias);
}

/* S' of count prompts and, for the gradient, heads = [Q K V] of every token. gain is null where
   there is no LayerNorm. Each of the threads has a slice of scratch for 2 streams. */
void forward(int threads, int count, int m, int c, int D, int p, float clip, const float *stream,
             const float *gain, const float *bias, const float *W, const float *O, const float *w,
             const float *o, float *heads, float *result, float *scratch) {
    const long size = (long)m * D;
    const int g = together(m);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int b = 0; b < count; b += g)
        several(least(g, count - b), m, c, D, p, clip, stream + b * size, gain, bias, W, O, w, o,
                heads + 3 * b * size, result + b * size,
                scratch + slice(2, m, D) * omp_get_thread_num());
}

/* dS of count prompts; a row of sums (dgain, dbias, dW, dO, dw, do), zero at first, for every CHUNK
   of them. WT and OT are the transposes of W and O. Each of the threads has a slice of scratch for
   7 streams. */
void backward(int threads, int count, int m, int c, int D, int p, float clip, const float *stream,
              const float *gain, const float *bias, const float *WT, const float *OT,
              const float *w, const float *heads, const float *result, const float *dresult,
              float *dstream, float *sums, float *scratch) {
    const long size = (long)m * D, row = 6 * D + 4 * D * D;
    const int g = together(m);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int chunk = 0; chunk < (count + CHUNK - 1) / CHUNK; chunk++) {
        const int end = least(count, (chunk + 1) * CHUNK);
        for (int b = chunk * CHUNK; b < end; b += g)
            several_gradients(least(g, end - b), m, c, D, p, clip, stream + b * size, gain, bias,
                              WT, OT, w, heads + 3 * b * size, result + b * size,
                              dresult + b * size, dstream + b * size, sums + chunk * row,
                              scratch + slice(7, m, D) * omp_get_thread_num());
    }
}
