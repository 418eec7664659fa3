"""Where prompts come from: what the conditions of all problems share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

from icnewton.protocols import PROTOCOLS, Protocol
from icnewton.typed import Within, settle

SHARED = ("protocol", "d", "n", "kappa")


@dataclass(frozen=True)
class Condition:
    """A protocol at a size and a condition number; a problem's own conditions add their values.

    protocol: the law of the examples.
    d, n: dimension and number of examples.
    kappa: condition number of their covariance.

    problem: the problem's name.
    stream_word: the name of the class in random streams.

    Raises ValueError in one sentence for values out of their limits, and for protocols that are
    not made for the problem.
    """

    problem: ClassVar[str]
    stream_word: ClassVar[str]

    protocol: Annotated[str, "Law of the examples."]
    d: Annotated[int, Within(1, 1000), "Dimension of an example."]
    n: Annotated[int, Within(1, 100_000), "Labelled examples of a prompt."]
    kappa: Annotated[float, Within(1, 1e12), "Condition number of the covariance."]

    def __post_init__(self) -> None:
        settle(self)
        made_for = self.law.problems
        if made_for and self.problem not in made_for:
            raise ValueError(
                f"protocol must be one for {self.problem} problems, found {self.protocol!r}, "
                f"which is for {', '.join(made_for)} ones"
            )

    @property
    def law(self) -> Protocol:
        """The entry of the protocol."""
        return PROTOCOLS[self.protocol]

    @property
    def stream(self) -> str:
        """What the condition is called in names of random streams."""
        named = {"protocol": self.law.stream or self.protocol}
        values = {f.name: named.get(f.name, getattr(self, f.name)) for f in fields(self)}
        words = ", ".join(f"{name}={value!r}" for name, value in values.items())
        return f"{self.stream_word}({words})"

    @classmethod
    def own(cls) -> list[str]:
        """The names of the values that conditions of other problems do not have."""
        return [field.name for field in fields(cls) if field.name not in SHARED]

    @classmethod
    def named(cls, values: Mapping[str, Any], sizes: tuple[int, int]) -> str:
        """A readable word for a condition of these values, as ``normalised_kappa10_noise0.1``.

        d and n are in it where they are not ``sizes``.
        """
        usual: dict[str, Any] = {field.name: field.default for field in fields(cls)}
        whole = usual | dict(zip(("d", "n"), sizes, strict=True)) | dict(values)
        words = [whole["protocol"], f"kappa{whole['kappa']:g}"]
        words += [f"{key}{whole[key]:g}" for key in cls.own()]
        for key, size in zip(("d", "n"), sizes, strict=True):
            if whole[key] != size:
                words.append(f"{key}{whole[key]}")
        return "_".join(words)

    def name(self, sizes: tuple[int, int]) -> str:
        """The word of this condition."""
        return self.named(vars(self), sizes)

    def title(self, sizes: tuple[int, int]) -> str:
        """The same in words, for figures."""
        words = [self.law.title, f"κ = {self.kappa:g}", *self.own_words()]
        for key, usual in zip(("d", "n"), sizes, strict=True):
            if getattr(self, key) != usual:
                words.append(f"{key} = {getattr(self, key)}")
        return ", ".join(words)

    def own_words(self) -> list[str]:
        """The problem's own values in words."""
        return [f"{key} = {getattr(self, key):g}" for key in self.own()]

    def to_json(self) -> dict[str, Any]:
        """Plain values, the problem's name among them."""
        return {"problem": self.problem} | vars(self)
