"""What Megatron-Energon makes of the samples of this export: a cooker, and the task encoder that uses it.

    python3 cooker.py       in this folder, shows the first samples

Needs `pip install megatron-energon` (7 or newer) and pillow. A sample of the shards is <id>.json with the conversation and every column, and its
pictures: <id>.jpg or .png, or <id>.0.jpg, <id>.1.jpg, ... where there are several.
"""

import torch
from megatron.energon import (
    Cooker,
    DefaultTaskEncoder,
    Sample,
    SampleDecoder,
    basic_sample_keys,
    edataclass,
    stateless,
)


@edataclass
class Conversation(Sample):
    """A question about pictures, and its answer."""

    #: Each (3, height, width), 0 to 1, in the order of the `<image>` of the first turn.
    images: list[torch.Tensor]
    #: `{"from": "human" or "gpt", "value": text}`.
    conversations: list[dict]
    #: Every column of the dataset: task, relation, answer_form, options, boxes in pixels, licence, ...
    columns: dict


@stateless
def cook(crude: dict) -> Conversation:
    pictures = [key for key in crude if key.rsplit(".", 1)[-1] in ("jpg", "png")]
    # One is `jpg`; several are `0.jpg`, `1.jpg`, ..., `10.jpg`.
    pictures.sort(key=lambda key: int(key.split(".")[0]) if "." in key else 0)
    columns = crude["json"]
    return Conversation(
        **basic_sample_keys(crude),
        images=[crude[key] for key in pictures],
        conversations=columns["conversations"],
        columns=columns,
    )


class Encoder(DefaultTaskEncoder):
    """Leaves samples as they are: a trainer's own encoder overrides `encode_sample` and `batch`."""

    decoder = SampleDecoder(image_decode="torchrgb")
    cookers = [Cooker(cook)]

    def batch(self, samples: list[Conversation]) -> list[Conversation]:
        return samples


if __name__ == "__main__":
    import pathlib

    from megatron.energon import WorkerConfig, get_loader, get_val_dataset

    # `train` in its order, once.
    dataset = get_val_dataset(
        str(pathlib.Path(__file__).parent.resolve()),
        split_part="train",
        batch_size=1,
        worker_config=WorkerConfig(rank=0, world_size=1, num_workers=0),
        task_encoder=Encoder(),
    )
    for _, [sample] in zip(range(3), get_loader(dataset)):
        print(sample.__key__, [tuple(image.shape) for image in sample.images])
        for turn in sample.conversations:
            print(f"  {turn['from']}: {turn['value']}")
