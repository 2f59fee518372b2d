"""Tiny ONNX networks with the inputs and outputs of each model family, for tests that need a network and no weights.

    python tests/oracle/contract_networks.py udfs/models/tests/networks

Needs `onnx` and `numpy`. The files are the same on every run. They store no weights: what they answer is arithmetic on the picture, so
that a wrong channel order, size or scale shows in the answer, and yet plausible, so that a pipeline can go on with it:

    yolox            bright cells, called person, bicycle or car as they are more red, green or blue
    detr, rtdetr     the four quarters of the picture, surer where it is bright
    sam2, sam        an ellipse in the prompt box
    *_depth, metric3d, depth_anything   a floor, nearer at the bottom, a little farther where the picture is bright
    incidence, intrinsics   a camera of about 60 degrees, a little longer where the picture is bright
    perspective      roll and pitch of a few degrees
    work_N           the floor of metric_depth after N units of work, for benchmarks

Inputs and outputs are named by the roles of the family. `n` is the batch.
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Network:
    """Nodes in the order in which they are called for; `net.Add(a, b)` is the name of the sum."""

    def __init__(self, inputs):
        self.inputs = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
        self.nodes, self.constants = [], []

    def __getattr__(self, op):
        def node(*inputs, out=None, **attributes):
            names = [name if isinstance(name, str) else self.constant(name) for name in inputs]
            out = out or f"t{len(self.nodes)}"
            self.nodes.append(helper.make_node(op, names, [out], **attributes))
            return out

        return node

    def constant(self, value):
        value = np.asarray(value, np.float32 if np.asarray(value).dtype.kind == "f" else np.int64)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def model(self, name, outputs):
        infos = [helper.make_tensor_value_info(out, kind, shape) for out, (kind, shape) in outputs.items()]
        graph = helper.make_graph(self.nodes, name, self.inputs, infos, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="contract_networks")
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        return model


F, I = TensorProto.FLOAT, TensorProto.INT64


def side(net, of, axis):
    """The length of an axis, as a float."""
    return net.Cast(net.Gather(net.Shape(of), axis), to=F)


def ramp(net, length):
    """(i + 0.5) / length for each i below a length."""
    return net.Div(net.Add(net.Range(0.0, length, 1.0), 0.5), length)


def grey(net, image, keep=1):
    return net.ReduceMean(image, axes=[1], keepdims=keep)


def yolox():
    height, width = 96, 128
    net = Network({"image": (F, ["n", 3, height, width])})
    rows = []
    for stride, weight, cells in ((8, 1.0, 1.9), (16, 0.9, 1.3), (32, 0.8, 0.9)):
        mean = net.AveragePool("image", kernel_shape=[stride, stride], strides=[stride, stride])
        light = grey(net, net.Div(mean, 255.0))
        # Bright, and as bright as any cell next to it.
        peak = net.MaxPool(light, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        at_peak = net.Cast(net.Equal(light, peak), to=F)
        bright = net.Clip(net.Mul(net.Sub(light, 0.5), 4.0), 0.0, 1.0)
        objectness = net.Mul(net.Mul(bright, at_peak), weight)
        # Red first. An average may exceed white by a rounding.
        classes = net.Clip(net.Div(net.Gather(mean, [2, 1, 0], axis=1), 255.0), 0.0, 1.0)
        classes = net.Pad(classes, [0, 0, 0, 0, 0, 77, 0, 0], 0.0)
        # In the middle of the cell; lower than wide where it is darker. No wider than that, or boxes in letterboxed pictures would
        # end far outside them.
        zero = net.Mul(light, 0.0)
        sides = net.Concat(net.Add(zero, 0.5), net.Add(zero, 0.5), net.Add(zero, float(np.log(cells))), net.Add(net.Mul(light, 0.5), float(np.log(cells) - 0.5)), axis=1)
        grid = net.Concat(sides, objectness, classes, axis=1)
        rows.append(net.Reshape(grid, [0, 85, -1]))
    net.Transpose(net.Concat(*rows, axis=2), perm=[0, 2, 1], out="output")
    return {"yolox": net.model("yolox", {"output": (F, ["n", 252, 85])})}


def work(steps):
    """Depth of a floor that takes so many products of matrices, one after the other, to say."""
    net = Network({"image": (F, ["n", 3, 48, 64])})
    light = net.Reshape(net.Mul(net.ReduceMean("image", axes=[1, 2, 3], keepdims=0), 0.0), [-1, 1, 1])
    # Each product is the matrix itself again: all cells are equal, and a row of the other adds up to 1.
    other = net.ConstantOfShape([256, 256], value=numpy_helper.from_array(np.array([1 / 256], np.float32)))
    matrix = net.Add(light, net.ConstantOfShape([256, 256], value=numpy_helper.from_array(np.array([1], np.float32))))
    for _ in range(steps):
        matrix = net.MatMul(matrix, other)
    nothing = net.Unsqueeze(net.Mul(net.ReduceMean(matrix, axes=[1, 2], keepdims=1), 0.0), [1])
    net.Add(floor(net, 4.0, 0.5), nothing, out="depth")
    return net.model("work", {"depth": (F, ["n", 1, 48, 64])})


def works():
    return {f"work_{steps}": work(steps) for steps in (1, 10, 50)}


def quarters(net):
    """Of a picture of 64 x 64: the mean colours [n, 4, 3], and boxes [n, 4, 4] (cx, cy, w, h) that are larger where it is light."""
    mean = net.AveragePool("image", kernel_shape=[32, 32], strides=[32, 32])
    colours = net.Transpose(net.Reshape(mean, [0, 3, 4]), perm=[0, 2, 1])
    light = net.ReduceMean(colours, axes=[2], keepdims=1)
    centres = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]], np.float32)
    spread = net.Mul(net.Sigmoid(light), np.array([0.3, 0.4], np.float32))
    zero = net.Mul(spread, 0.0)
    return colours, light, net.Concat(net.Add(zero, centres), spread, axis=2)


def detr():
    net = Network({"image": (F, ["n", 3, 64, 64]), "pixel_mask": (I, ["n", 64, 64])})
    colours, _, boxes = quarters(net)
    seen = net.ReduceMean(net.Cast("pixel_mask", to=F), axes=[1, 2], keepdims=1)
    net.Mul(boxes, seen, out="boxes")
    logits = net.Mul(colours, 3.0)
    net.Concat(logits, net.Mul(net.ReduceMean(logits, axes=[2], keepdims=1), 0.0), axis=2, out="logits")
    return {"detr": net.model("detr", {"logits": (F, ["n", 4, 4]), "boxes": (F, ["n", 4, 4])})}


def rtdetr():
    net = Network({"image": (F, ["n", 3, 64, 64]), "size": (I, ["n", 2])})
    colours, light, boxes = quarters(net)
    net.Clip(net.Squeeze(light, [2]), 0.0, 1.0, out="scores")
    net.ArgMax(colours, axis=2, keepdims=0, out="labels")
    middle, sides = net.Slice(boxes, [0], [2], [2]), net.Slice(boxes, [2], [4], [2])
    corners = net.Concat(net.Sub(middle, net.Mul(sides, 0.5)), net.Add(middle, net.Mul(sides, 0.5)), axis=2)
    size = net.Cast("size", to=F)
    net.Mul(corners, net.Unsqueeze(net.Concat(size, size, axis=1), [1]), out="boxes")
    outputs = {"labels": (I, ["n", 4]), "boxes": (F, ["n", 4, 4]), "scores": (F, ["n", 4])}
    return {"rtdetr": net.model("rtdetr", outputs)}


def ellipses(net, pixels, cells, scales):
    """Logits [n, m, cells, cells] of ellipses in the box between the two points, each so many times as large as the box."""
    first = net.Slice("point_coords", [0], [1], [1])
    last = net.Slice("point_coords", [1], [2], [1])
    middle, half = net.Mul(net.Add(first, last), 0.5), net.Mul(net.Sub(last, first), 0.5)
    grid = net.Mul(ramp(net, float(cells)), float(pixels))
    across = net.Reshape(grid, [1, 1, 1, cells])
    down = net.Reshape(grid, [1, 1, cells, 1])
    part = lambda of, at: net.Reshape(net.Slice(of, [at], [at + 1], [2]), [-1, 1, 1, 1])
    # Half of 3.5 pixels at the least: any box then has the middle of a cell, which is four wide.
    off = lambda place, at: net.Div(net.Sub(place, part(middle, at)), net.Max(part(half, at), 3.5))
    distance = net.Add(net.Mul(off(across, 0), off(across, 0)), net.Mul(off(down, 1), off(down, 1)))
    squares = np.array(scales, np.float32).reshape(1, -1, 1, 1) ** 2
    earlier = net.Mul("mask_input", "has_mask_input")
    # Only boxes, whose points are labelled 2 and 3, give anything: 1 for the two, less for others.
    are_corners = net.Reshape(net.ReduceMin(net.Cast(net.Equal("point_labels", np.array([2.0, 3.0], np.float32)), to=F),
                                            axes=[1], keepdims=1), [-1, 1, 1, 1])
    inside = net.Mul(net.Sub(squares, distance), net.Mul(are_corners, 6.0))
    return net.Add(net.Sub(inside, net.Sub(1.0, are_corners)), earlier)


PROMPT = {
    "point_coords": (F, ["n", "p", 2]),
    "point_labels": (F, ["n", "p"]),
    "mask_input": (F, ["n", 1, 32, 32]),
    "has_mask_input": (F, [1]),
}


def sam2():
    net = Network({"image": (F, ["n", 3, 128, 128])})
    light = grey(net, "image")
    for role, stride in (("high_res_feats_0", 4), ("high_res_feats_1", 8), ("image_embed", 16)):
        net.AveragePool(light, kernel_shape=[stride, stride], strides=[stride, stride], out=role)
    features = {
        "high_res_feats_0": (F, ["n", 1, 32, 32]),
        "high_res_feats_1": (F, ["n", 1, 16, 16]),
        "image_embed": (F, ["n", 1, 8, 8]),
    }
    encoder = net.model("sam2_encoder", features)
    net = Network(features | PROMPT)
    net.Add(ellipses(net, 128, 32, [0.95, 0.7, 1.2]), net.Mul("high_res_feats_0", 0.5), out="masks")
    light = net.Add(net.ReduceMean("image_embed", axes=[2, 3], keepdims=0),
                    net.ReduceMean("high_res_feats_1", axes=[2, 3], keepdims=0))
    net.Add(net.Mul(net.Sigmoid(light), 0.1), np.array([0.8, 0.6, 0.7], np.float32), out="iou_predictions")
    outputs = {"masks": (F, ["n", 3, 32, 32]), "iou_predictions": (F, ["n", 3])}
    return {"sam2_encoder": encoder, "sam2_decoder": net.model("sam2_decoder", outputs)}


def sam():
    net = Network({"image": (F, ["n", 3, 128, 128])})
    net.AveragePool(grey(net, "image"), kernel_shape=[16, 16], strides=[16, 16], out="image_embeddings")
    features = {"image_embeddings": (F, ["n", 1, 8, 8])}
    encoder = net.model("sam_encoder", features)
    net = Network(features | PROMPT | {"orig_im_size": (F, [2])})
    light = net.Resize("image_embeddings", "", np.array([1, 1, 4, 4], np.float32), mode="linear")
    low = net.Add(ellipses(net, 128, 32, [0.95, 0.7, 1.2, 0.9]), net.Mul(light, 0.5), out="low_res_masks")
    # As SAM's own export: to the encoder's size, the padding off, and to the picture's.
    count = net.Slice(net.Shape(low), [0], [2], [0])
    large = net.Resize(low, "", "", net.Concat(count, [128, 128], axis=0), mode="linear")
    scale = net.Div(128.0, net.ReduceMax("orig_im_size", keepdims=1))
    unpadded = net.Cast(net.Floor(net.Add(net.Mul("orig_im_size", scale), 0.5)), to=I)
    cut = net.Slice(large, [0, 0], unpadded, [2, 3])
    net.Resize(cut, "", "", net.Concat(count, net.Cast("orig_im_size", to=I), axis=0), mode="linear", out="masks")
    scores = net.Sigmoid(net.ReduceMean("image_embeddings", axes=[2, 3], keepdims=0))
    net.Add(net.Mul(scores, 0.1), np.array([0.8, 0.6, 0.7, 0.65], np.float32), out="iou_predictions")
    outputs = {
        "masks": (F, ["n", 4, "height", "width"]),
        "iou_predictions": (F, ["n", 4]),
        "low_res_masks": (F, ["n", 4, 32, 32]),
    }
    return {"sam_encoder": encoder, "sam_decoder": net.model("sam_decoder", outputs)}


def floor(net, far, light_weight, keep=1):
    """Metres [n, (1,) h, w]: `far` at the top and a quarter of it at the bottom."""
    down = net.Unsqueeze(ramp(net, side(net, "image", 2)), [1])
    plane = net.Mul(net.Sub(1.0, net.Mul(down, 0.75)), far)
    return net.Add(net.Mul(grey(net, "image", keep), light_weight), plane)


def metric_depth():
    net = Network({"image": (F, ["n", 3, 48, 64])})
    net.Identity(floor(net, 4.0, 0.5), out="depth")
    return {"metric_depth": net.model("metric_depth", {"depth": (F, ["n", 1, 48, 64])})}


def depth_anything():
    net = Network({"image": (F, ["n", 3, "height", "width"])})
    net.Identity(floor(net, 6.0, 0.2, keep=0), out="depth")
    return {"depth_anything": net.model("depth_anything", {"depth": (F, ["n", "height", "width"])})}


def metric3d():
    net = Network({"image": (F, ["n", 3, 154, 266])})
    net.Identity(floor(net, 20.0, 1.0), out="depth")
    return {"metric3d": net.model("metric3d", {"depth": (F, ["n", 1, 154, 266])})}


def relative_depth():
    net = Network({"image": (F, ["n", 3, 48, 64])})
    net.Reciprocal(floor(net, 5.0, 0.004, keep=0), out="inverse_depth")
    return {"relative_depth": net.model("relative_depth", {"inverse_depth": (F, ["n", 48, 64])})}


def camera(net):
    """fx, fy, cx, cy in pixels of the input's 64 x 48, counted from its corner: each [n, 1]."""
    light = net.ReduceMean("image", axes=[1, 2, 3], keepdims=0)
    light = net.Unsqueeze(light, [1])
    return [net.Add(net.Mul(light, 2.0), 56.0), net.Add(net.Mul(light, 2.0), 55.0), net.Add(light, 31.0), net.Add(light, 25.0)]


def incidence():
    net = Network({"image": (F, ["n", 3, 48, 64])})
    net.Concat(*camera(net), axis=1, out="intrinsics")
    intrinsics = net.model("intrinsics", {"intrinsics": (F, ["n", 4])})
    net = Network({"image": (F, ["n", 3, 48, 64])})
    fx, fy, cx, cy = (net.Unsqueeze(value, [2, 3]) for value in camera(net))
    zero = net.Mul(grey(net, "image"), 0.0)
    columns = net.Reshape(net.Mul(ramp(net, 64.0), 64.0), [1, 1, 1, 64])
    rows = net.Reshape(net.Mul(ramp(net, 48.0), 48.0), [1, 1, 48, 1])
    x = net.Add(net.Div(net.Sub(columns, cx), fx), zero)
    y = net.Add(net.Div(net.Sub(rows, cy), fy), zero)
    rays = net.Concat(x, y, net.Add(zero, 1.0), axis=1)
    net.Div(rays, net.ReduceL2(rays, axes=[1], keepdims=1), out="incidence")
    return {"intrinsics": intrinsics, "incidence": net.model("incidence", {"incidence": (F, ["n", 3, 48, 64])})}


def perspective():
    net = Network({"image": (F, ["n", 3, 32, 32])})
    light = net.AveragePool(grey(net, "image"), kernel_shape=[16, 16], strides=[16, 16])
    quarters = net.Tanh(net.Div(net.Reshape(light, [0, 4]), 100.0))
    part = lambda at: net.Squeeze(net.Slice(quarters, [at], [at + 1], [1]), [1])
    net.Mul(net.Sub(part(0), part(1)), 20.0, out="roll")
    net.Sub(net.Mul(net.Sub(part(0), part(2)), 20.0), 5.0, out="pitch")
    return {"perspective": net.model("perspective", {"roll": (F, ["n"]), "pitch": (F, ["n"])})}


ALL = [works, yolox, detr, rtdetr, sam2, sam, metric_depth, depth_anything, metric3d, relative_depth, incidence, perspective]


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for make in ALL:
        for name, model in make().items():
            data = model.SerializeToString(deterministic=True)
            (folder / f"{name}.onnx").write_bytes(data)
            print(f"{name}.onnx {len(data)} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where the .onnx files go")
    write(parser.parse_args().folder)
