/* The first layer of linear attention, forward and backward, prompt by prompt. Its input is B c_i
   of few coordinates c_i, and its residual K z_i.

       G = sum_j c_j c_j^T over the context,   A_h = L_h G,   P = sum_h A_h U_h  (R, D),
       s'_i = K^T z_i + P^T c_i, every entry within [-clip, clip]

   L_h is (R, R), U_h (R, D), K (R, D); R is a multiple of 8, for columns, and only the first r rows
   and coordinates hold anything but zeros. z is null where it is c, and inside, which says which
   entries were within the clip, where there is none. */

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
static void mix(const room *own, int c, int D, int R, int r, int n, const float *x, const float *L,
                const float *U) {
    product(r, c, R, x, 1, R, x, R, own->G, R, 0);
    for (int h = 0; h < n; h += R) {
        product(r, r, R, L + h * R, R, 1, own->G, R, own->A + h, n, 0);
        product(r, r, D, own->A + h, n, 1, U + (long)h * D, D, own->P, D, h > 0);
    }
}

static void one(const room *own, int m, int c, int D, int R, int r, int n, float clip, const float *x,
                const float *z, const float *L, const float *U, const float *K, float *out,
                unsigned char *inside) {
    mix(own, c, D, R, r, n, x, L, U);
    if (z)
        product(m, r, D, z, R, 1, K, D, out, D, 0);
    else
        grow(r * D, K, own->P);
    product(m, r, D, x, R, 1, own->P, D, out, D, z != 0);
    if (inside) limit((long)m * D, clip, out, inside);
}

/* dc, if it is wanted; the sums grow, of L, U and K. turned is the transpose of U. */
static void one_gradient(const room *own, int m, int c, int D, int R, int r, int n, const float *x,
                         const float *z, const float *L, const float *U, const float *turned,
                         const unsigned char *inside, const float *dout, float *dx, float *sums) {
    float *dL = sums, *dU = dL + R * n, *dK = dU + (long)n * D;
    if (inside) {
        keep((long)m * D, inside, dout, own->kept);
        dout = own->kept;
    }
    mix(own, c, D, R, r, n, x, L, U);
    product(r, m, D, x, 1, R, dout, D, own->dP, D, 0);
    if (z)
        product(r, m, D, z, 1, R, dout, D, dK, D, 1);
    else
        grow(r * D, own->dP, dK);
    product(r, D, n, own->dP, D, 1, turned, n, own->dA, n, 0);
    for (int h = 0; h < n; h += R) {
        product(r, r, D, own->A + h, 1, n, own->dP, D, dU + (long)h * D, D, 1);
        product(r, r, R, own->dA + h, n, 1, own->G, R, dL + h * R, R, 1);
        product(r, r, R, L + h * R, 1, R, own->dA + h, n, own->dG, R, h > 0);
    }
    if (!dx) return;
    for (int j = 0; j < D; j++)
        for (int i = 0; i < R; i++) own->turned[j * R + i] = i < r ? own->P[i * D + j] : 0;
    product(m, D, R, dout, D, 1, own->turned, R, dx, R, 0);
    product(c, r, R, x, R, 1, own->dG, R, dx, R, 1);
    for (int i = 0; i < r; i++)
        for (int j = 0; j < i; j++) {
            const float above = own->dG[j * R + i];
            own->dG[j * R + i] = own->dG[i * R + j];
            own->dG[i * R + j] = above;
        }
    product(c, r, R, x, R, 1, own->dG, R, dx, R, 1);
}

/* S' of count prompts. Each of the threads has a slice of scratch. */
void first_forward(int threads, int count, int m, int c, int D, int R, int r, int n, float clip,
                   const float *x, const float *z, const float *L, const float *U, const float *K,
                   float *result, unsigned char *inside, float *scratch) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int b = 0; b < count; b++) {
        const room own = rooms(D, R, n, scratch + slice(m, D, R, n) * omp_get_thread_num());
        const long at = (long)b * m * R;
        one(&own, m, c, D, R, r, n, clip, x + at, z ? z + at : 0, L, U, K, result + (long)b * m * D,
            inside ? inside + (long)b * m * D : 0);
    }
}

/* dc of count prompts, unless dx is null; a row of sums, zero at first, for every CHUNK of them. */
void first_backward(int threads, int count, int m, int c, int D, int R, int r, int n, const float *x,
                    const float *z, const float *L, const float *U, const float *turned,
                    const unsigned char *inside, const float *dresult, float *dx, float *sums,
                    float *scratch) {
    const long row = (long)R * n + (long)n * D + R * D;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int chunk = 0; chunk < (count + CHUNK - 1) / CHUNK; chunk++)
        for (int b = chunk * CHUNK; b < least(count, (chunk + 1) * CHUNK); b++) {
            const room own = rooms(D, R, n, scratch + slice(m, D, R, n) * omp_get_thread_num());
            const long at = (long)b * m * R, stream = (long)b * m * D;
            one_gradient(&own, m, c, D, R, r, n, x + at, z ? z + at : 0, L, U, turned,
                         inside ? inside + stream : 0, dresult + stream, dx ? dx + at : 0,
                         sums + chunk * row);
        }
}
