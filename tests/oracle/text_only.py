"""Can answers be guessed from the text alone? Of every task, on scenes that a guesser has not seen.

    python tests/oracle/text_only.py spatialmill PROJECT [PROJECT ...] [--samples 6000] [--task NAME ...]

Reads `dataset` of built projects and never opens an image; samples that say themselves that names give the answer (`shortcut` is noun) are left out. Guessers are fitted on some places (all scans of one flat are one place; where there is no
scene, an image is a place) and judged on the others, in five folds. A task's samples are judged by answer form and number of options:

    letters   the letter that was right most often
    options   the option, by how often its words were right where they were offered
    values    the number, by logistic regression on its size, its rank among the options, and whether it is close to the others
    words     logistic regression (conditional logit) on n-grams of the question crossed with the option, which holds the prior of categories,
              and all of the above

A guesser may be right by chance: the table has the 95 % confidence interval of each one's accuracy (questions count once, whatever the number of their
formats), and a task fails where chance lies below the 99.9 % interval of one of them. Of tasks that ask for a number it says how far "always the median" of
the other places comes, with and without a median for each category: mean relative accuracy as VSI-Bench has it, which is no failure.

What is known to be guessed is listed in KNOWN with the reason and the most that it may be; the table marks it with ?, and a failure with !.

Needs numpy. Exits with 1 where a task fails.
"""

import argparse
import collections
import json
import re
import subprocess
import sys
import zlib

import numpy as np

FOLDS = 5
# What the text is known to tell: by task and guesser the most that may be guessed.
KNOWN = {
    # A choice offers four numbers, of which small datasets have two or three: nothing of theirs stands four times to the left of a table.
    ("object_counting", "options"): 0.5,
    ("object_counting", "values"): 0.5,
    ("object_counting", "words"): 0.5,
    # Things of one use stand in one room: what is closest to a toilet is no bed. Each candidate is right as often as the others, so the options alone tell nothing.
    ("relative_distance", "words"): 0.45,
    # People start their walk where they enter, and see what stands there first.
    ("appearance_order", "words"): 0.4,
    # A home has many chairs and one stove.
    ("scene_counting", "words"): 0.5,
}
# As many features as hashes tell apart.
WIDTH = 1 << 17
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
SQL = """
SELECT d.task, d.answer_form, d.question, d.options, d.answer_index, d.ground_truth, d.answer_value, d.question_id, d.sample_id, d.relation,
    coalesce(s.place_id, d.scene_id, d.frame_ids[1]) AS place
FROM dataset AS d LEFT JOIN scenes AS s ON s.scene_id = d.scene_id
WHERE d.answer_form IN ('choice', 'yes_no', 'number') AND d.shortcut <> 'noun'
"""


def rows(program, project):
    command = [program, "--quiet", "--project", project, "sql", "--format", "json", "--max-rows", "10000000", "-c", SQL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        yield from (json.loads(line) for line in running.stdout if line.strip())
    if running.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")


def hashed(*words):
    return zlib.crc32("\t".join(map(str, words)).encode())


class Sample:
    """A question with its options, the right one, and what a guesser may know of each option."""

    def __init__(self, row):
        self.task, self.form, self.place, self.question = row["task"], row["answer_form"], row["place"], row["question_id"]
        text = re.sub(r"</?\w+>", "", row["question"]).split("\nA. ")[0].lower()
        self.words = re.findall(r"[\w'-]+", text)
        # The options of a choice in one line stand in the question as well.
        self.options = ["yes", "no"] if self.form == "yes_no" else [option.lower() for option in row.get("options") or []]
        self.right = ["yes", "no"].index(row["ground_truth"]) if self.form == "yes_no" else row.get("answer_index")
        self.value, self.relation, self.order = row.get("answer_value"), row["relation"], hashed(row["sample_id"])
        if self.form == "number":
            self.value = float(row["ground_truth"].split(" ")[0])
        numbers = [NUMBER.findall(option) for option in self.options]
        self.numbers = [float(found[0]) for found in numbers] if all(len(found) == 1 for found in numbers) else None

    def of_values(self, option):
        if self.numbers is None:
            return []
        value, others = self.numbers[option], sorted(self.numbers)
        size = round(np.log(abs(value) + 0.1) * 4)
        near = min((abs(value - other) for at, other in enumerate(self.numbers) if at != option), default=0.0)
        middle = round(np.log((abs(value) + 0.1) / (abs(np.mean(others)) + 0.1)) * 4)
        rank = others.index(value)
        return [("size", size), ("rank", rank), ("near", round(np.log(near + 0.1) * 2)), ("middle", middle), ("rank", rank, size), ("twin", others.count(value))]

    def of_words(self, option):
        text = self.options[option]
        pairs = [f"{a} {b}" for a, b in zip(self.words, self.words[1:])]
        found = [("option", text), ("letter", option)] + [("word", word) for word in text.split()] + self.of_values(option)
        size = [] if self.numbers is None else [self.of_values(option)[0]]
        return found + [("crossed", text, words) for words in self.words + pairs] + [("sized", *size, words) for words in self.words if size]


def regression(features, epochs=6, rate=0.15, penalty=1e-4):
    """Conditional logit by AdaGrad over hashed features; `features(sample, option)` lists those of an option."""

    def hashes(sample, option):
        return np.unique(np.fromiter((hashed(*feature) % WIDTH for feature in features(sample, option)), dtype=np.int64))

    def fitted(train, cache):
        weights, squares, order = np.zeros(WIDTH), np.full(WIDTH, 1e-2), np.random.default_rng(0)

        def scores(sample):
            if id(sample) not in cache:
                cache[id(sample)] = [hashes(sample, option) for option in range(len(sample.options))]
            return cache[id(sample)], np.array([weights[found].sum() for found in cache[id(sample)]])

        for _ in range(epochs):
            for at in order.permutation(len(train)):
                found, score = scores(train[at])
                share = np.exp(score - score.max())
                share /= share.sum()
                share[train[at].right] -= 1
                for step, columns in zip(share, found):
                    slope = step + penalty * weights[columns]
                    squares[columns] += slope * slope
                    weights[columns] -= rate * slope / np.sqrt(squares[columns])
        return lambda sample: int(np.argmax(scores(sample)[1] + 1e-9 * tie(sample)))

    return fitted


def tie(sample):
    """Options in an order of chance, for guessers that know nothing of them."""
    return np.array([hashed(sample.order, option) % 1000 for option in range(len(sample.options))]) / 1000


def letters(train, _):
    seen = collections.Counter(sample.right for sample in train)
    return lambda sample: max(range(len(sample.options)), key=lambda option: seen[option])


def options(train, _):
    offered, right = collections.Counter(), collections.Counter()
    for sample in train:
        offered.update(sample.options)
        right[sample.options[sample.right]] += 1
    share = lambda sample, text: (right[text] + 1) / (offered[text] + len(sample.options))
    return lambda sample: int(np.argmax([share(sample, text) for text in sample.options] + 1e-9 * tie(sample)))


GUESSERS = {"letters": letters, "options": options, "values": regression(Sample.of_values), "words": regression(Sample.of_words)}


def folds(samples):
    places = sorted({sample.place for sample in samples}, key=lambda place: (hashed(place), place))
    fold = {place: at % FOLDS for at, place in enumerate(places)}
    for held in range(min(FOLDS, len(places))):
        yield [s for s in samples if fold[s.place] != held], [s for s in samples if fold[s.place] == held]


def judged(samples, guesser):
    """Of each question of places that were held out: the share of its samples that are guessed, and that chance would guess."""
    of, cache = collections.defaultdict(list), {}
    for train, held in folds(samples):
        if train and held:
            guess = guesser(train, cache)
            for sample in held:
                of[sample.question].append((guess(sample) == sample.right, 1 / len(sample.options)))
    return np.array([np.mean(pairs, axis=0) for pairs in of.values()])


def mra(guess, truth):
    if truth == 0:
        return float(guess == 0)
    return float(np.mean(abs(guess - truth) / abs(truth) <= 1 - np.linspace(0.5, 0.95, 10)))


def medians(samples):
    """Mean relative accuracy of the median of other places, and of its own for each set of rare words (the names) of a question."""
    said = collections.Counter(word for sample in samples for word in set(sample.words))
    names = lambda sample: tuple(sorted({word for word in sample.words if said[word] < 0.2 * len(samples)}))
    plain, named = [], []
    for train, held in folds(samples):
        if not train:
            continue
        of = collections.defaultdict(list)
        for sample in train:
            for name in names(sample):
                of[name].append(sample.value)
        overall = float(np.median([sample.value for sample in train]))
        for sample in held:
            own = [np.median(of[name]) for name in names(sample) if len(of[name]) >= 5]
            plain.append(mra(overall, sample.value))
            named.append(mra(np.mean(own) if own else overall, sample.value))
    return np.mean(plain), np.mean(named)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("projects", nargs="+")
    parser.add_argument("--samples", type=int, default=6000)
    parser.add_argument("--task", nargs="*", default=[])
    wanted = parser.parse_args()
    failed = []
    for project in wanted.projects:
        groups = collections.defaultdict(list)
        for row in rows(wanted.program, project):
            if not wanted.task or row["task"] in wanted.task:
                sample = Sample(row)
                groups[sample.task, sample.form, len(sample.options)].append(sample)
        print(f"{project}\n{'task':<26}{'form':<10}{'questions':>9}{'places':>7}{'chance':>8}" + "".join(f"{name:>18}" for name in GUESSERS))
        numbers = []
        for (task, form, count), samples in sorted(groups.items()):
            samples = sorted(samples, key=lambda sample: sample.order)[: wanted.samples]
            places = len({sample.place for sample in samples})
            if form == "number":
                numbers.append(f"{task:<26}{form:<10}{len({s.question for s in samples}):>9}{places:>7}   median: MRA %.2f, by names %.2f" % medians(samples))
                continue
            line = ""
            for name, guesser in GUESSERS.items():
                shares = judged(samples, guesser)
                if len(shares) < 20:
                    line += f"{'too few':>18}"
                    continue
                right, chance = shares.mean(axis=0)
                error = max(shares[:, 0].std(ddof=1), 1e-3) / len(shares) ** 0.5
                beats = right - 3.29 * error > chance
                known = beats and right - 3.29 * error <= KNOWN.get((task, name), 0.0)
                line += f"{right:>8.3f} +-{1.96 * error:.3f}{'?' if known else '!' if beats else ' '}"
                if beats and not known:
                    failed.append(f"{project}: {task}, {form} of {count} options: {name} guesses {right:.3f}, chance {chance:.3f}")
            chance = np.mean([1 / len(sample.options) for sample in samples])
            print(f"{task:<26}{form + (f' of {count}' if form == 'choice' else ''):<10} {len({s.question for s in samples}):>9}{places:>7}{chance:>8.3f}{line}", flush=True)
        print("\n".join(numbers), flush=True)
    print("\n".join(f"FAIL {line}" for line in failed) or "OK")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
