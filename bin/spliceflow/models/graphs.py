"""ONNX graphs of the SpliceAI family: full pass, reference tile and incremental variant.

All three are built from the same :class:`MemberWeights` and compute the same function.

* The *member* graph is what a bundle stores: base codes in, logits and probabilities out, in
  standard ONNX operators, for anyone's runtime.
* The *reference* graph scores a tile and also returns the activations that variants in the
  tile read.
* The *variant* graph computes only what an exchanged allele changes and what the outputs
  need; everything else it gathers from the reference's activations.

Convolutions are written in 4-D form, input (N, C, 1, W) and kernel (1, K), because ONNX
Runtime's fast kernels serve 4-D convolutions only.

Activation layout: tensors pass between operators as (N, C / block, W, block). With
``block=1`` this is the ordinary (N, C, W). With the block size of the CPU kernels of ONNX
Runtime (8 or 16) it is their native channel-blocked layout, so that gathers and
concatenations along the sequence work on it directly and no layout conversion is ever run.

``half`` stores weights and activations as float16 (logits stay float32), for GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.fast_convolution import phases, split_taps
from spliceflow.models.kept_activations import kept_names, taps_after_units

OPSET = 17
IR_VERSION = 9
BLOCKED_DOMAIN = "com.microsoft.nchwc"
OUTPUTS = 3
N_CODE = 4


@dataclass(frozen=True)
class MemberWeights:
    """Weights of one ensemble member with the batch norms folded where that is exact.

    Attributes:
        config: shape of the network.
        arrays: float32 arrays by name. ``embedding`` (5, C): the first convolution as a table
            over base codes, the row of N being its bias. Per residual unit u:
            ``unit{u}.scale`` and ``.shift`` (C,) of the first batch norm, ``unit{u}.conv1.weight``
            (C, C, K) and ``.bias`` (C,) with the second batch norm folded in,
            ``unit{u}.conv2.weight`` and ``.bias``. Per tap t: ``tap{t}.weight`` (3, C), the skip
            convolution and the output convolution in one. ``output.bias`` (3,).
    """

    config: DilatedCnn
    arrays: dict[str, np.ndarray]

    @classmethod
    def from_state_dict(cls, config: DilatedCnn, state: dict[str, np.ndarray]) -> MemberWeights:
        """Fold a state dict with OpenSpliceAI's names; products are taken in float64."""
        value = {name: np.asarray(array, dtype=np.float64) for name, array in state.items()}
        arrays: dict[str, np.ndarray] = {}
        kernel = value["initial_conv.weight"][:, :, 0]
        bias = value["initial_conv.bias"]
        arrays["embedding"] = np.vstack([kernel.T + bias, bias])
        unit_names, skip_names = config.layer_names()
        for unit, name in enumerate(unit_names):
            scale, shift = _batch_norm(value, f"{name}.batchnorm1", config.batch_norm_eps)
            arrays[f"unit{unit}.scale"], arrays[f"unit{unit}.shift"] = scale, shift
            scale, shift = _batch_norm(value, f"{name}.batchnorm2", config.batch_norm_eps)
            arrays[f"unit{unit}.conv1.weight"] = (
                value[f"{name}.conv1.weight"] * scale[:, None, None]
            )
            arrays[f"unit{unit}.conv1.bias"] = value[f"{name}.conv1.bias"] * scale + shift
            arrays[f"unit{unit}.conv2.weight"] = value[f"{name}.conv2.weight"]
            arrays[f"unit{unit}.conv2.bias"] = value[f"{name}.conv2.bias"]
        output = value["final_conv.weight"][:, :, 0]
        output_bias = value["final_conv.bias"].copy()
        for tap, name in enumerate(["initial_skip.conv", *skip_names]):
            arrays[f"tap{tap}.weight"] = output @ value[f"{name}.weight"][:, :, 0]
            output_bias += output @ value[f"{name}.bias"]
        arrays["output.bias"] = output_bias
        return cls(config, {name: array.astype(np.float32) for name, array in arrays.items()})

    @classmethod
    def from_member_graph(cls, config: DilatedCnn, model: onnx.ModelProto) -> MemberWeights:
        """Read the weights back from a member graph of a bundle."""
        stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        channels = config.channels
        arrays = {"embedding": stored["embedding"], "output.bias": stored["tap0.bias"]}
        for unit in range(config.units):
            for name in ("scale", "shift"):
                arrays[f"unit{unit}.{name}"] = stored[f"unit{unit}.{name}"].reshape(channels)
            for name in (f"unit{unit}.conv1", f"unit{unit}.conv2"):
                arrays[f"{name}.weight"] = stored[f"{name}.weight"][:, :, 0]
                arrays[f"{name}.bias"] = stored[f"{name}.bias"]
        for tap in range(len(taps_after_units(config))):
            arrays[f"tap{tap}.weight"] = stored[f"tap{tap}.weight"][:, :, 0, 0]
        return cls(config, arrays)


def _batch_norm(
    value: dict[str, np.ndarray], name: str, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    scale = value[f"{name}.weight"] / np.sqrt(value[f"{name}.running_var"] + eps)
    return scale, value[f"{name}.bias"] - value[f"{name}.running_mean"] * scale


class _Builder:
    """Collects nodes and initializers of one graph in one activation layout."""

    def __init__(self, weights: MemberWeights, block: int, half: bool = False) -> None:
        self.weights = weights
        self.config = weights.config
        self.block = block
        self.half = half
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self._count = 0
        channels = self.config.channels
        self.to_kernel = self.constant("to_kernel", np.array([0, channels, 1, -1]))
        self.to_layout = self.constant("to_layout", np.array([0, channels // block, -1, block]))

    def constant(self, name: str, array: np.ndarray) -> str:
        if name not in self.initializers:
            if array.dtype in (np.float32, np.float64):
                array = array.astype(np.float16 if self.half else np.float32)
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def add(self, operator: str, inputs: list[str], name: str | None = None, **attributes) -> str:
        self._count += 1
        output = name or f"{operator.lower()}_{self._count}"
        domain = attributes.pop("domain", "")
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def embed(self, codes: str) -> str:
        """Codes int32 (N, W) → (N, C / block, W, block)."""
        channels, block = self.config.channels, self.block
        if block == 1:
            table = self.constant("embedding", self.weights.arrays["embedding"])
            y = self.add("Gather", [table, codes], axis=0)
            y = self.add("Transpose", [y], perm=[0, 2, 1])
            return self.add("Unsqueeze", [y, self.constant("axis_3", np.array([3]))])
        table = self.weights.arrays["embedding"].reshape(5, channels // block, block)
        rows = self.constant("embedding", table.transpose(1, 0, 2).reshape(-1, block))
        first = self.constant(
            "embedding_first_row",
            (5 * np.arange(channels // block, dtype=np.int32))[None, :, None],
        )
        axis = self.constant("axis_1", np.array([1]))
        indices = self.add("Add", [self.add("Unsqueeze", [codes, axis]), first])
        return self.add("Gather", [rows, indices], axis=0)

    def normalise(self, x: str, unit: int) -> str:
        """First batch norm of a unit and the activation."""
        scale = self.weights.arrays[f"unit{unit}.scale"]
        shift = self.weights.arrays[f"unit{unit}.shift"]
        channels = self.config.channels
        if self.block == 1:
            y = self.add(
                "Mul", [x, self.constant(f"unit{unit}.scale", scale.reshape(1, channels, 1, 1))]
            )
            y = self.add(
                "Add", [y, self.constant(f"unit{unit}.shift", shift.reshape(1, channels, 1, 1))]
            )
            return self.activate(y)
        return self._blocked_convolution(
            x,
            self.constant(f"unit{unit}.scale", scale.reshape(channels, 1, 1, 1)),
            self.constant(f"unit{unit}.shift", shift),
            width=1,
            dilation=1,
            group=channels,
            activate=True,
        )

    def activate(self, x: str) -> str:
        if self.config.negative_slope == 0:
            return self.add("Relu", [x])
        return self.add("LeakyRelu", [x], alpha=self.config.negative_slope)

    def convolve(self, x: str, unit: int, which: int, residual: str | None = None) -> str:
        """Dilated convolution 1 (then the activation) or 2 (plus ``residual``) of a unit."""
        name = f"unit{unit}.conv{which}"
        weight, bias = (self.weights.arrays[f"{name}.{part}"] for part in ("weight", "bias"))
        width, dilation = self.config.kernel_widths[unit], self.config.dilations[unit]
        bias_name = self.constant(f"{name}.bias", bias)
        if self.block == 1:
            y = self.add("Reshape", [x, self.to_kernel])
            y = self.add(
                "Conv",
                [y, self.constant(f"{name}.weight", weight[:, :, None, :]), bias_name],
                kernel_shape=[1, width],
                dilations=[1, dilation],
            )
            y = self.add("Reshape", [y, self.to_layout])
            return self.activate(y) if which == 1 else self.add("Add", [y, residual])
        return self._blocked_convolution(
            x,
            self.constant(f"{name}.weight", _blocked_kernel(weight, self.block)),
            bias_name,
            width=width,
            dilation=dilation,
            group=1,
            activate=which == 1,
            residual=residual,
        )

    def convolve_phases(
        self, xs: list[str], unit: int, which: int, residuals: list[str] | None = None
    ) -> list[str]:
        """:meth:`convolve` of a trunk that is cut into phases, with fewer multiplications."""
        if len(xs) == 1:
            return [self.convolve(xs[0], unit, which, residuals[0] if residuals else None)]
        name = f"unit{unit}.conv{which}"
        weight, bias = (self.weights.arrays[f"{name}.{part}"] for part in ("weight", "bias"))

        def convolve(
            xs: list[str], weight: np.ndarray, sums: list[str] | None, label: str, last: bool
        ) -> list[str]:
            if len(xs) == 1:
                return [
                    self._blocked_convolution(
                        xs[0],
                        self.constant(f"{label}.weight", _blocked_kernel(weight, self.block)),
                        self.constant(f"{name}.bias", bias) if last else "",
                        width=weight.shape[2],
                        dilation=self.config.dilations[unit],
                        group=1,
                        activate=last and which == 1,
                        residual=sums[0] if sums else None,
                    )
                ]
            even, rest_of_odd, rest_of_even = split_taps(weight)
            x0, x1 = xs[0::2], xs[1::2]
            both = [self.add("Add", pair) for pair in zip(x0, x1, strict=True)]
            shared = convolve(both, even, None, f"{label}.both", last=False)
            to_even, to_odd = shared, shared
            if sums:
                to_even = [self.add("Add", pair) for pair in zip(shared, sums[0::2], strict=True)]
                to_odd = [self.add("Add", pair) for pair in zip(shared, sums[1::2], strict=True)]
            y0 = convolve(x1, rest_of_odd, to_even, f"{label}.even", last)
            y1 = convolve(x0, rest_of_even, to_odd, f"{label}.odd", last)
            return [y for pair in zip(y0, y1, strict=True) for y in pair]

        return convolve(xs, weight.astype(np.float64), residuals, name, last=True)

    def cut(self, x: str, count: int, dilation: int) -> list[str]:
        """Cut (N, C / block, W, block) into phases: runs of ``dilation`` positions in turn."""
        if count == 1:
            return [x]
        run = dilation * self.block
        shape = np.array([0, self.config.channels // self.block, -1, count * run])
        rows = self.add("Reshape", [x, self.constant(f"runs_{count}_{dilation}", shape)])
        parts = [f"{rows}.{phase}" for phase in range(count)]
        sizes = self.constant(f"sizes_{count}_{dilation}", np.array([run] * count))
        self.nodes.append(helper.make_node("Split", [rows, sizes], parts, axis=3))
        return [self.add("Reshape", [part, self.to_layout]) for part in parts]

    def join(self, xs: list[str], dilation: int) -> str:
        """The inverse of :meth:`cut`."""
        if len(xs) == 1:
            return xs[0]
        shape = np.array([0, self.config.channels // self.block, -1, dilation * self.block])
        run = self.constant(f"run_{dilation}", shape)
        rows = self.add("Concat", [self.add("Reshape", [x, run]) for x in xs], axis=3)
        return self.add("Reshape", [rows, self.to_layout])

    def _blocked_convolution(
        self,
        x: str,
        weight: str,
        bias: str,
        *,
        width: int,
        dilation: int,
        group: int,
        activate: bool,
        residual: str | None = None,
    ) -> str:
        inputs = [self.add("Reshape", [x, self.to_kernel]), weight, bias]
        attributes: dict = {}
        if residual is not None:
            inputs.append(self.add("Reshape", [residual, self.to_kernel]))
        if activate and self.config.negative_slope == 0:
            attributes = {"activation": "Relu"}
        elif activate:
            attributes = {
                "activation": "LeakyRelu",
                "activation_params": [float(self.config.negative_slope)],
            }
        y = self.add(
            "Conv",
            inputs,
            domain=BLOCKED_DOMAIN,
            kernel_shape=[1, width],
            dilations=[1, dilation],
            strides=[1, 1],
            pads=[0, 0, 0, 0],
            group=group,
            **attributes,
        )
        return self.add("Reshape", [y, self.to_layout])

    def tap(self, x: str, tap: int, logits: str | None) -> str:
        """Add the contribution of a tap to the logits, (N, 3 or one block, W, 1 or block)."""
        weight = self.weights.arrays[f"tap{tap}.weight"]
        bias = self.weights.arrays["output.bias"]
        if tap > 0:
            bias = np.zeros_like(bias)
        if self.block == 1:
            y = self.add(
                "Conv",
                [
                    self.add("Reshape", [x, self.to_kernel]),
                    self.constant(f"tap{tap}.weight", weight[:, :, None, None]),
                    self.constant(f"tap{tap}.bias", bias),
                ],
                kernel_shape=[1, 1],
            )
            return y if logits is None else self.add("Add", [y, logits])
        padded = np.zeros((self.block, weight.shape[1]), np.float32)
        padded[:OUTPUTS] = weight
        padded_bias = np.zeros(self.block, np.float32)
        padded_bias[:OUTPUTS] = bias
        inputs = [
            self.add("Reshape", [x, self.to_kernel]),
            self.constant(f"tap{tap}.weight", _blocked_kernel(padded[:, :, None], self.block)),
            self.constant(f"tap{tap}.bias", padded_bias),
        ]
        if logits is not None:
            inputs.append(logits)
        return self.add(
            "Conv",
            inputs,
            domain=BLOCKED_DOMAIN,
            kernel_shape=[1, 1],
            dilations=[1, 1],
            strides=[1, 1],
            pads=[0, 0, 0, 0],
            group=1,
        )

    def logits(self, y: str) -> str:
        """The summed taps as the graph output ``logits``, (N, W, 3) or blocked (N, W, block)."""
        if self.block == 1:
            y = self.add("Reshape", [y, self.constant("logit_rows", np.array([0, OUTPUTS, -1]))])
            if self.half:
                y = self.add("Cast", [y], to=TensorProto.FLOAT)
            return self.add("Transpose", [y], "logits", perm=[0, 2, 1])
        shape = self.constant("logit_rows", np.array([0, -1, self.block]))
        return self.add("Reshape", [y, shape], "logits")

    def keep(self, x: str, name: str) -> str:
        """Make the newest value ``x`` the graph output ``name``; return it in the layout.

        An output behind a Reshape would be copied, so the output is what the Reshape reads:
        the same memory in the kernels' shape (N, C, 1, W).
        """
        newest = self.nodes[-1]
        if newest.op_type == "Reshape":
            newest.input[0] = name
            newest = self.nodes[-2]
        newest.output[0] = name
        return x if newest is not self.nodes[-1] else name

    def slice(self, x: str, start: str, end: str) -> str:
        """Positions ``start`` to ``end`` of (N, C / block, W, block)."""
        return self.add("Slice", [x, start, end, self.constant("axis_2", np.array([2]))])

    def crop(self, x: str, bases: int) -> str:
        """Leave out ``bases`` positions at both ends."""
        if bases == 0:
            return x
        return self.slice(
            x,
            self.constant(f"from_{bases}", np.array([bases])),
            self.constant(f"to_{bases}", np.array([-bases])),
        )

    def model(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, name, inputs, outputs, list(self.initializers.values())
        )
        domains = [helper.make_opsetid("", OPSET)]
        if self.block > 1:
            domains.append(helper.make_opsetid(BLOCKED_DOMAIN, 1))
        return helper.make_model(
            graph, opset_imports=domains, ir_version=IR_VERSION, producer_name="spliceflow"
        )


def _blocked_kernel(weight: np.ndarray, block: int) -> np.ndarray:
    """(O, I, K) → the blocked kernels' order: O/b, I/b, 1, K, b inputs, b outputs."""
    outputs, inputs, width = weight.shape
    parts = weight.reshape(outputs // block, block, inputs // block, block, 1, width)
    return parts.transpose(0, 2, 4, 5, 3, 1).reshape(outputs, inputs, 1, width)


def member_graph(weights: MemberWeights, half: bool = False) -> onnx.ModelProto:
    """The full pass in standard operators.

    Input ``codes`` int32 (batch, length); outputs ``logits`` float32 (batch, length - context,
    3) and ``probabilities`` of the same shape, in the order neither, acceptor, donor.
    """
    build = _Builder(weights, block=1, half=half)
    config = weights.config
    x = build.embed("codes")
    remaining = config.context // 2
    y = build.tap(build.crop(x, remaining), 0, None)
    tap = 1
    for unit in range(config.units):
        span = (config.kernel_widths[unit] - 1) * config.dilations[unit]
        a = build.convolve(build.normalise(x, unit), unit, 1)
        x = build.convolve(a, unit, 2, build.crop(x, span))
        remaining -= span
        if config.has_skip_after(unit):
            y = build.tap(build.crop(x, remaining), tap, y)
            tap += 1
    logits = build.logits(y)
    build.add("Softmax", [logits], "probabilities", axis=2)
    shape = ["batch", "outputs", OUTPUTS]
    # The weights keep the names of MemberWeights, in their own shapes, so that the engine can
    # read them back from the file.
    return build.model(
        "member",
        [helper.make_tensor_value_info("codes", TensorProto.INT32, ["batch", "length"])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape),
        ],
    )


def reference_graph(weights: MemberWeights, block: int, half: bool = False) -> onnx.ModelProto:
    """Score a tile and return the activations that variants in it read.

    Input ``codes`` int32 (batch, length). Outputs ``logits`` (batch, length - context, 3 or
    block; the first three columns count) and the activations of :func:`kept_names`, each
    of shape (batch, C, 1, its length) or (batch, C / block, its length, block), which are the
    same memory.
    """
    build = _Builder(weights, block, half)
    config = weights.config
    x = build.keep(build.embed("codes"), "x0")
    remaining = config.context // 2
    y = build.tap(build.crop(x, remaining), 0, None)
    tap = 1
    for unit in range(config.units):
        span = (config.kernel_widths[unit] - 1) * config.dilations[unit]
        a = build.keep(build.convolve(build.normalise(x, unit), unit, 1), f"a{unit}")
        x = build.keep(build.convolve(a, unit, 2, build.crop(x, span)), f"x{unit + 1}")
        remaining -= span
        if config.has_skip_after(unit):
            y = build.tap(build.crop(x, remaining), tap, y)
            tap += 1
    build.logits(y)
    kept = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)]
    outputs += [helper.make_tensor_value_info(name, kept, None) for name in kept_names(config)]
    return build.model(
        "reference",
        [helper.make_tensor_value_info("codes", TensorProto.INT32, ["batch", "length"])],
        outputs,
    )


def variant_graph(weights: MemberWeights, block: int, half: bool = False) -> onnx.ModelProto:
    """Logits around an exchanged allele from the reference's activations.

    The changed segment grows with each convolution until what the outputs need is narrower;
    ``spliceflow.scoring.planner`` says how far on either side. Inputs:

    * ``alleles`` int32 (batch, len ALT): codes of the exchanged allele;
    * ``anchor`` int32 (batch, 1, 1): 0-based position in the tile's codes of the first base of
      REF;
    * for every kept activation its tensor of one tile, ``{name}.rows`` int32
      (1, C / block, left + right): the rows to gather, relative to the anchor, of the
      activation viewed as (C / block * length, block); and ``{name}.sides`` int64 (2,): left
      and right. Where the unit works on phases (see
      :mod:`spliceflow.models.fast_convolution`), left and right of each phase in turn;
    * for every unit u ``residual{u}.start`` and ``.end`` int64 (1,): what the identity carries
      on, within (each phase of) the input of the unit;
    * for every tap t ``tap{t}.start`` and ``.end``, ``tap{t}.rows`` and ``tap{t}.sides``: what of
      the trunk the outputs see, and what they see of the reference beside it.

    Output ``logits`` float32 (batch, outputs, 3 or block).
    """
    build = _Builder(weights, block, half)
    config = weights.config
    channels = config.channels
    int32, int64, float32 = TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT
    kept_type = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("alleles", int32, ["batch", "allele"]),
        helper.make_tensor_value_info("anchor", int32, ["batch", 1, 1]),
    ]
    row_shape = build.constant("row_shape", np.array([-1, block]))
    declared: set[str] = set()
    views: dict[str, str] = {}

    def bounds(label: str) -> tuple[str, str]:
        names = f"{label}.start", f"{label}.end"
        inputs.extend(helper.make_tensor_value_info(name, int64, [1]) for name in names)
        return names

    def beside(kept: str, centres: list[str], label: str) -> list[str]:
        """Put the reference's activations on both sides of the variant's own, each phase."""
        if kept not in declared:
            declared.add(kept)
            inputs.append(
                helper.make_tensor_value_info(
                    kept, kept_type, [1] + [f"{kept}.{axis}" for axis in (1, 2, 3)]
                )
            )
            views[kept] = build.add("Reshape", [kept, row_shape])
        inputs.append(
            helper.make_tensor_value_info(
                f"{label}.rows", int32, [1, channels // block, f"{label}.flank"]
            )
        )
        inputs.append(helper.make_tensor_value_info(f"{label}.sides", int64, [2 * len(centres)]))
        rows = build.add("Add", ["anchor", f"{label}.rows"])
        flanks = build.add("Gather", [views[kept], rows], axis=0)
        sides = [f"{label}.side{side}" for side in range(2 * len(centres))]
        build.nodes.append(helper.make_node("Split", [flanks, f"{label}.sides"], sides, axis=2))
        return [
            build.add("Concat", [left, centre, right], axis=2)
            for left, centre, right in zip(sides[0::2], centres, sides[1::2], strict=True)
        ]

    def tap(x: str, number: int, units: int, y: str | None) -> str:
        start, end = bounds(f"tap{number}")
        seen = beside(f"x{units}", [build.slice(x, start, end)], f"tap{number}")
        return build.tap(seen[0], number, y)

    x = build.embed("alleles")
    y = tap(x, 0, 0, None)
    number = 1
    xs, cut = [x], (1, 1)
    for unit in range(config.units):
        wanted = phases(config, unit, block), config.dilations[unit]
        if wanted != cut:
            xs, cut = build.cut(build.join(xs, cut[1]), *wanted), wanted
        xs = beside(f"x{unit}", xs, f"x{unit}")
        normalised = [build.normalise(x, unit) for x in xs]
        a = beside(f"a{unit}", build.convolve_phases(normalised, unit, 1), f"a{unit}")
        start, end = bounds(f"residual{unit}")
        residuals = [build.slice(x, start, end) for x in xs]
        xs = build.convolve_phases(a, unit, 2, residuals)
        if config.has_skip_after(unit):
            y = tap(build.join(xs, cut[1]), number, unit + 1, y)
            number += 1
    build.logits(y)
    return build.model("variant", inputs, [helper.make_tensor_value_info("logits", float32, None)])
