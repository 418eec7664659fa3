/* The first layer of linear attention, forward and backward, prompt by prompt. Its input is B c_i
   of few coordinates c_i, and its residual K z_i.

       G = sum_j c_j c_j^T over the context,   A_h = L_h G,   P = sum_h A_h U_h  (R, D),
       s'_i = K^T z_i + P^T c_i, every entry within [-clip, clip]

   L_h is (R, R), U_h (R, D), K (R, D); R is a multiple of 8. z is null where it is c, and
   inside, which says which entries were within the clip, where there is none. */

#include "kernel.h"

/* A thread's room; n = h R. */
typedef struct {
    float *G, *A, *P, *dG, *dA, *dP, *turned, *kept;
} room;

static long slice(int m, int D, int R, int n) {
    return 2L * R * R + 2L * R * n + 3L * R * D + (long)m * D;
}

static room rooms(int D, int R, int n, float *at) {
    room r;
    float **parts[] = {&r.G, &r.A, &r.P, &r.dG, &r.dA, &r.dP, &r.turned, &r.kept};
    const long sizes[] = {R * R, R * n, R * D, R * R, R * n, R * D, R * D, 0};
    for (int i = 0; i < 8; i++) *parts[i] = at, at += sizes[i];
    return r;
}

static void grow(int count, const float *a, float *c) {
    for (int i = 0; i < count; i++) c[i] += a[i];
}

/* G, A and P of a prompt. */
static void mix(const room *r, int c, int D, int R, int n, const float *x, const float *L,
                const float *U) {
    product(R, c, R, x, 1, R, x, R, r->G, R, 0);
    for (int h = 0; h < n; h += R) product(R, R, R, L + h * R, R, 1, r->G, R, r->A + h, n, 0);
    product(R, n, D, r->A, n, 1, U, D, r->P, D, 0);
}

static void one(const room *r, int m, int c, int D, int R, int n, float clip, const float *x,
                const float *z, const float *L, const float *U, const float *K, float *out,
                unsigned char *inside) {
    mix(r, c, D, R, n, x, L, U);
    if (z)
        product(m, R, D, z, R, 1, K, D, out, D, 0);
    else
        grow(R * D, K, r->P);
    product(m, R, D, x, R, 1, r->P, D, out, D, z != 0);
    if (inside) limit((long)m * D, clip, out, inside);
}

/* dc, if it is wanted; the sums grow, of L, U and K. turned is the transpose of U. */
static void one_gradient(const room *r, int m, int c, int D, int R, int n, const float *x,
                         const float *z, const float *L, const float *U, const float *turned,
                         const unsigned char *inside, const float *dout, float *dx, float *sums) {
    float *dL = sums, *dU = dL + R * n, *dK = dU + (long)n * D;
    if (inside) {
        keep((long)m * D, inside, dout, r->kept);
        dout = r->kept;
    }
    mix(r, c, D, R, n, x, L, U);
    product(R, m, D, x, 1, R, dout, D, r->dP, D, 0);
    if (z)
        product(R, m, D, z, 1, R, dout, D, dK, D, 1);
    else
        grow(R * D, r->dP, dK);
    product(n, R, D, r->A, 1, n, r->dP, D, dU, D, 1);
    product(R, D, n, r->dP, D, 1, turned, n, r->dA, n, 0);
    for (int h = 0; h < n; h += R) {
        product(R, R, R, r->dA + h, n, 1, r->G, R, dL + h * R, R, 1);
        product(R, R, R, L + h * R, 1, R, r->dA + h, n, r->dG, R, h > 0);
    }
    if (!dx) return;
    for (int i = 0; i < R; i++)
        for (int j = 0; j < D; j++) r->turned[j * R + i] = r->P[i * D + j];
    product(m, D, R, dout, D, 1, r->turned, R, dx, R, 0);
    product(c, R, R, x, R, 1, r->dG, R, dx, R, 1);
    for (int i = 0; i < R; i++)
        for (int j = 0; j < i; j++) {
            const float above = r->dG[j * R + i];
            r->dG[j * R + i] = r->dG[i * R + j];
            r->dG[i * R + j] = above;
        }
    product(c, R, R, x, R, 1, r->dG, R, dx, R, 1);
}

/* S' of count prompts. Each of the threads has a slice of scratch. */
void first_forward(int threads, int count, int m, int c, int D, int R, int n, float clip,
                   const float *x, const float *z, const float *L, const float *U, const float *K,
                   float *result, unsigned char *inside, float *scratch) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int b = 0; b < count; b++) {
        const room r = rooms(D, R, n, scratch + slice(m, D, R, n) * omp_get_thread_num());
        const long at = (long)b * m * R;
        one(&r, m, c, D, R, n, clip, x + at, z ? z + at : 0, L, U, K, result + (long)b * m * D,
            inside ? inside + (long)b * m * D : 0);
    }
}

/* dc of count prompts, unless dx is null; a row of sums, zero at first, for every CHUNK of them. */
void first_backward(int threads, int count, int m, int c, int D, int R, int n, const float *x,
                    const float *z, const float *L, const float *U, const float *turned,
                    const unsigned char *inside, const float *dresult, float *dx, float *sums,
                    float *scratch) {
    const long row = (long)R * n + (long)n * D + R * D;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int chunk = 0; chunk < (count + CHUNK - 1) / CHUNK; chunk++)
        for (int b = chunk * CHUNK; b < least(count, (chunk + 1) * CHUNK); b++) {
            const room r = rooms(D, R, n, scratch + slice(m, D, R, n) * omp_get_thread_num());
            const long at = (long)b * m * R, stream = (long)b * m * D;
            one_gradient(&r, m, c, D, R, n, x + at, z ? z + at : 0, L, U, turned,
                         inside ? inside + stream : 0, dresult + stream, dx ? dx + at : 0,
                         sums + chunk * row);
        }
}
