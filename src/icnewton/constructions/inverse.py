"""Matrix inversion by linear attention (Lemma 4.1 and Sec. 3.4).

A step of order p is X_{t+1} = X_t sum_{m<p} (I - A X_t)^m. Tokens are d columns that hold X, A, I
and work blocks. The constructions differ by order and by symmetry of A:

    | construction         | layers a step | layers before | heads | width    |
    |----------------------|---------------|---------------|-------|----------|
    | order 2, any A       | 2             | 0             | 2     | 4d       |
    | order 2, A symmetric | 1             | 0             | 2     | 3d       |
    | order 3, any A       | 1             | 2             | 7     | 6d       |
    | order 3, A symmetric | 1             | 1             | 7     | 5d       |
    | order 4, any A       | 2             | 1             | 2     | 4d       |
    | order 4, A symmetric | 2             | 0             | 2     | 3d       |
    | order 2, Chebyshev   | 1             | 1             | 3     | 3d       |
    | order 3, Chebyshev   | 1             | 1             | 4     | 4d       |

The first is the lemma's. A step of order 4 is two Newton steps. Chebyshev steps are for symmetric A
with a known spectrum and make X_0 themselves, so that the model is a function of A alone.

A layer is trilinear, so it can at most triple the degree of the residual I - X A. Order 3 is the
most that one layer can do, and no construction does order 4 with one layer a step.
"""

from itertools import islice

from icnewton.algorithms.parts.chebyshev import chebyshev_constants
from icnewton.constructions import Construction
from icnewton.constructions.parts.budget import BUDGET, afford_depth
from icnewton.constructions.parts.heads import Head, compile_layers
from icnewton.models.built_formats import InverseFormat, MatrixFormat
from icnewton.models.model import Model, assemble
from icnewton.models.stream import Stream

Layers = list[list[Head]]


def build_inverse(
    *,
    d: int,
    steps: int,
    symmetric: bool,
    order: int = 2,
    step: str = "newton",
    spectrum: tuple[float, float] | None = None,
    budget: int = BUDGET,
) -> Model:
    """``model(A, X0) -> X``, all ``(batch, d, d)`` float64: ``steps`` steps of order p from X0.

    ``symmetric`` promises A = A^T; X0 is arbitrary in every case. ``step="chebyshev"`` makes
    ``model(A) -> X`` for symmetric A with eigenvalues within ``spectrum``, of order 2 or 3. Raises
    ValueError on d < 1, steps < 0, other orders and steps, and weights of more than ``budget``
    bytes.
    """
    if d < 1 or steps < 0:
        found = f"d = {d}, steps = {steps}"
        raise ValueError(f"d must be at least 1 and steps at least 0, found {found}")
    if step not in ("newton", "chebyshev"):
        raise ValueError(f"step must be 'newton' or 'chebyshev', found {step!r}")
    if step == "chebyshev":
        return _scaled(d, steps, symmetric, order, spectrum, budget)
    if order not in (2, 3, 4):
        raise ValueError(f"order must be 2, 3 or 4, found {order}")
    if spectrum is not None:
        raise ValueError(f"a newton step needs no spectrum, found {spectrum=}")
    work, prepare, layers = _plan(d, symmetric, order)
    afford_depth(len(prepare) + steps * len(layers))
    format = InverseFormat(d, work)
    return assemble(
        format,
        compile_layers(format.stream, [*prepare, *layers * steps], budget=budget),
        family="inverse",
        kind="built",
        claim=("L4.1s" if symmetric else "L4.1") if order == 2 else f"order {order} of (3.4)",
        layers_per_step=len(layers),
        origin={"d": d, "steps": steps, "symmetric": symmetric, "order": order},
    )


def _scaled(
    d: int,
    steps: int,
    symmetric: bool,
    order: int,
    spectrum: tuple[float, float] | None,
    budget: int,
) -> Model:
    """X_0 = c_0 I + c_1 A in one layer, then Chebyshev steps."""
    if not symmetric or order not in (2, 3) or spectrum is None:
        found = f"{symmetric=}, {order=}, {spectrum=}"
        raise ValueError(
            f"a chebyshev step needs symmetric A, order 2 or 3 and spectrum, found {found}"
        )
    afford_depth(1 + steps)
    format = MatrixFormat(d, ("R",) if order == 3 else ())
    constant, slope, scales = chebyshev_constants(*spectrum, order)
    A, I = format.stream.rows("A", "I")
    X_0 = constant * I + slope * A
    start, step = [Head({"X": X_0}, key=I, query=I)], scaled_newton_step
    if order == 3:
        step = scaled_cubic_step
        start += [Head({"R": -X_0}, key=A, query=I), Head({"R": I}, key=I, query=I)]
    layers = [start, *(step(format.stream, "A", scale) for scale in islice(scales, steps))]
    return assemble(
        format,
        compile_layers(format.stream, layers, budget=budget),
        family="inverse",
        kind="built",
        claim=f"chebyshev step of order {order}",
        layers_per_step=1,
        origin={"d": d, "steps": steps, "order": order, "spectrum": list(spectrum)},
    )


def scaled_newton_step(stream: Stream, matrix: str, scale: float) -> list[Head]:
    """X <- scale * (2X - X A X) for symmetric A; scale 1 is Newton's step."""
    if scale == 1:
        return newton_layer(stream, matrix)
    X, I, A = stream.rows("X", "I", matrix)
    return [
        Head({"X": -scale * X}, key=A, query=X),
        Head({"X": (2 * scale - 1) * X}, key=I, query=I),
    ]


def scaled_cubic_step(stream: Stream, matrix: str, scale: float) -> list[Head]:
    """X <- X + scale * R (R + I) X and R <- I - X A for the new X, for symmetric A; R = I - X A.

    X and R are polynomials in A, so R is its own transpose. ``_cubic`` says why R carries the
    correction I - X A - R.
    """
    X, R, I, A = stream.rows("X", "R", "I", matrix)
    return [
        Head({"X": scale * R}, key=R + I, query=X),
        Head({"R": scale * R}, key=R, query=R),
        Head({"R": I - (1 + scale) * R}, key=I, query=I),
        Head({"R": -X}, key=A, query=I),
    ]


def _plan(d: int, symmetric: bool, order: int) -> tuple[tuple[str, ...], Layers, Layers]:
    """(work blocks, layers of preparation, layers of one step)."""
    if order == 3:
        work = ("R", "U") if symmetric else ("R", "U", "B")
        return work, *_cubic(InverseFormat(d, work).stream, "A" if symmetric else "B")
    if symmetric:
        return (), [], [newton_layer(InverseFormat(d, ()).stream, "A")] * (order // 2)
    stream = InverseFormat(d, ("Z",)).stream
    if order == 2:
        return ("Z",), [], _lemma(stream)
    A, I = stream.rows("A", "I")
    prepare = [Head({"Z": I}, key=A, query=I)]  # Z <- A^T
    return ("Z",), [prepare], [newton_layer(stream, "Z")] * 2


def newton_layer(stream: Stream, transposed: str) -> list[Head]:
    """One Newton step X <- 2X - X A X in one layer.

    ``transposed`` names a block that holds A^T, which is A itself if A is symmetric.
    """
    X, I, At = stream.rows("X", "I", transposed)
    return [Head({"X": -X}, key=At, query=X), Head({"X": X}, key=I, query=I)]


def _lemma(stream: Stream) -> Layers:
    """Lemma 4.1: Z <- X A, then X <- 2X - Z X and Z <- 0."""
    X, A, I, Z = stream.rows("X", "A", "I", "Z")
    return [
        [Head({"Z": X}, key=I, query=A)],
        [Head({"X": -Z}, key=I, query=X), Head({"X": X, "Z": -Z}, key=I, query=I)],
    ]


def _cubic(stream: Stream, transposed: str) -> tuple[Layers, Layers]:
    """Order 3 in one layer a step, with the residual R = I - X A and U = R^T kept as blocks:

        X <- (I + R + R^2) X = X + R (U + I)^T X
        R <- R U^T R + (I - X A) - R,  and U likewise.

    The last two terms of R vanish in exact arithmetic. They tie R to the residual r of the X that
    was really computed: let R = r + e with a rounding error e. To first order, a step makes the
    true residual r' = R^3 - e (1 + r + r^2), and

        e' = R' - r' = (r + r^2) e,

    where R <- R^3 alone has e' = (1 + r + r^2) e and never forgets. While r is near 1 an error
    doubles, but 1 - r triples; once r is small, e vanishes as r does. An error f of U^T has
    f' = e - f there, and counts only in products with R. Another multiple c of I - X A - R has
    e' = (1 - c) e and f' = e - c f: c = 1 is the only one that forgets e at once.
    """
    X, A, I, R, U, B = stream.rows("X", "A", "I", "R", "U", transposed)
    prepare = [[Head({"R": I, "U": I}, key=I, query=I), Head({"R": -X}, key=I, query=A)]]
    residual_transposed = Head({"U": -B}, key=X, query=I)
    if transposed == "A":
        prepare[0].append(residual_transposed)
    else:
        prepare[0].append(Head({transposed: I}, key=A, query=I))
        prepare.append([residual_transposed])
    step = [
        Head({"X": R}, key=U + I, query=X),
        Head({"R": R}, key=U, query=R),
        Head({"R": I - 2 * R}, key=I, query=I),
        Head({"R": -X}, key=I, query=A),
        Head({"U": U}, key=R, query=U),
        Head({"U": I - 2 * U}, key=I, query=I),
        Head({"U": -B}, key=X, query=I),
    ]
    return prepare, [step]


ENTRIES = {"inverse": Construction(build_inverse)}
