/* A layer of linear attention with residual, forward and backward, a few prompts at a time so that
   all of it stays in cache.

       X = LayerNorm(S) or S,   [Q K V] = X W + w,
       M_h = K_h^T V_h over the context,   Y_h = Q_h M_h,
       S' = S + Y O + o, every entry within [-clip, clip]

   Row-major float32. The biases w and o are null where there are none; inside, which says which
   entries were within the clip, is null where there is none. S is (m, D), W (D, 3D), O (D, D),
   heads have p = D / heads columns, the context is the first c tokens. Each of the four products
   has two products for its gradients; M and Y are formed again rather than kept. D must be a
   multiple of LANES, p of 8. Prompts are shared out among the threads of OpenMP, if compiled for
   it; a thread works in its own slice of `scratch`, and gradients are summed for every CHUNK
   prompts, whoever worked on them, so that sums do not depend on the number of threads. */

#include "kernel.h"

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

/* Short prompts are taken several at a time, ROOM tokens or so: weights are then read from the
 * cache once for all of them. */
static int together(int m) { return m < ROOM ? ROOM / m : 1; }

/* Numbers in a thread's slice of scratch that holds some streams. */
static long slice(int streams, int m, int D) { return (long)streams * D * (m < ROOM ? ROOM : m); }

/* S' of g prompts; x has room for 2 g m D numbers. */
static void several(int g, int m, int c, int D, int p, float clip, const float *s,
                    const float *gain, const float *bias, const float *W, const float *O,
                    const float *w, const float *o, float *u, float *out, unsigned char *inside,
                    float *x) {
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
    if (inside) limit((long)rows * D, clip, out, inside);
}

/* dS of g prompts from dS' = dout; the sums dgain, dbias, dW, dO, dw and do grow; x has room for 7
 * g m D numbers. */
static void several_gradients(int g, int m, int c, int D, int p, const float *s, const float *gain,
                              const float *bias, const float *WT, const float *OT, const float *w,
                              const float *u, const unsigned char *inside, const float *dout,
                              float *ds, float *sums, float *x) {
    const int rows = g * m;
    const long t = 3 * D;
    float *y = x + rows * D, *dy = y + rows * D, *du = dy + rows * D, M[p * p];
    float *dgain = sums, *dbias = dgain + D, *dW = dbias + D, *dO = dW + D * t, *dw = dO + D * D,
          *d_o = dw + t;
    if (inside) {
        float *kept = du + rows * t;
        keep((long)rows * D, inside, dout, kept);
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
void linear_forward(int threads, int count, int m, int c, int D, int p, float clip,
                    const float *stream, const float *gain, const float *bias, const float *W,
                    const float *O, const float *w, const float *o, float *heads, float *result,
                    unsigned char *inside, float *scratch) {
    const long size = (long)m * D;
    const int g = together(m);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int b = 0; b < count; b += g)
        several(least(g, count - b), m, c, D, p, clip, stream + b * size, gain, bias, W, O, w, o,
                heads + 3 * b * size, result + b * size, inside ? inside + b * size : 0,
                scratch + slice(2, m, D) * omp_get_thread_num());
}

/* dS of count prompts; a row of sums (dgain, dbias, dW, dO, dw, do), zero at first, for every CHUNK
   of them. WT and OT are the transposes of W and O. Each of the threads has a slice of scratch for
   7 streams. */
void linear_backward(int threads, int count, int m, int c, int D, int p, const float *stream,
                     const float *gain, const float *bias, const float *WT, const float *OT,
                     const float *w, const float *heads, const unsigned char *inside,
                     const float *dresult, float *dstream, float *sums, float *scratch) {
    const long size = (long)m * D, row = 6 * D + 4 * D * D;
    const int g = together(m);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int chunk = 0; chunk < (count + CHUNK - 1) / CHUNK; chunk++) {
        const int end = least(count, (chunk + 1) * CHUNK);
        for (int b = chunk * CHUNK; b < end; b += g)
            several_gradients(least(g, end - b), m, c, D, p, stream + b * size, gain, bias, WT, OT,
                              w, heads + 3 * b * size, inside ? inside + b * size : 0,
                              dresult + b * size, dstream + b * size, sums + chunk * row,
                              scratch + slice(7, m, D) * omp_get_thread_num());
    }
}
