"""What can be said about answers without a look at the image? Builds a project of synthetic rooms and measures it.

    python tests/oracle/bias.py spatialmill OUT [--rooms 64] [--samples 150000] [--small PROJECT ...]

Everything that is fitted is fitted on four fifths of the rooms and judged on the others.

    counting choice   no rule over the values of the options beats .30 (chance .25): the least, the largest, a number where it is offered,
                      the best rank for each set of options, each spacing, each least and largest one, with and without the relation
    existence         naive Bayes and the majority by words reach at most .53 (chance .50)
    numbers           no number is the answer to more than 40 % of the open countings, nor to those about one relation
    letters, yes/no   none is more frequent than 60 %, neither here nor in a small PROJECT (built already), where there are ten samples
    nouns, boxes      what names and 2D boxes alone tell of each axis is printed, and what the column `shortcut` says of it

Prints OK, or FAIL with what is too much, and exits with 1. Needs nothing but Python.
"""

import argparse
import collections
import json
import math
import pathlib
import re
import subprocess
import sys

MILL = """
[[source]]
name = "rooms"
kind = "synthetic"
root = "rooms"
split = "train"
rooms = {rooms}
frames_per_room = 6
width = 320
height = 240

[build]
memory = "1 GiB"

[ask]
position_facts_per_frame = 60.0
size_facts_per_frame = 60.0
existence_groups_per_frame = 80.0
counting_groups_per_frame = 80.0
count_zero_share = 0.6
"""

FIRST = {"left": "right", "above": "below", "near": "far", "wider": "thinner", "taller": "shorter", "larger": "smaller"}
AXIS = {name: axis for pair, axis in zip(FIRST.items(), ("lateral", "vertical", "depth", "width", "height", "volume")) for name in pair}
FOLDS = 5


def rows(program, project, sql):
    command = [program, "--project", project, "sql", "--quiet", "--format", "json", "-c", sql]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        yield from (json.loads(line) for line in running.stdout if line.strip())
    if running.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {running.returncode}")


def fold(row):
    return sum(row["scene_id"].encode()) % FOLDS


def right_of_held_out(samples, predictor):
    """The share that a predictor, fitted on other rooms, gets right. `predictor(train)` gives a function of a sample."""
    right = 0
    for held in range(FOLDS):
        guess = predictor([sample for sample in samples if fold(sample) != held])
        right += sum(guess(sample) == sample["truth"] for sample in samples if fold(sample) == held)
    return right / max(len(samples), 1)


def majority(key):
    """The most frequent truth of each key; of those not seen before, of all."""

    def fitted(train):
        seen = collections.defaultdict(collections.Counter)
        for sample in train:
            seen[key(sample)][sample["truth"]] += 1
        overall = collections.Counter(sample["truth"] for sample in train).most_common(1)
        fallback = overall[0][0] if overall else None
        return lambda sample: seen[key(sample)].most_common(1)[0][0] if key(sample) in seen else fallback

    return fitted


def naive_bayes(features):
    def fitted(train):
        counts, classes = collections.defaultdict(collections.Counter), collections.Counter()
        for sample in train:
            classes[sample["truth"]] += 1
            for feature in features(sample):
                counts[sample["truth"]][feature] += 1

        def guess(sample):
            def score(name):
                n = classes[name]
                return math.log(n) + sum(math.log((counts[name][feature] + 1) / (n + 2)) for feature in features(sample))

            return max(sorted(classes), key=score)

        return guess

    return fitted


def counting(samples):
    """The best rule over option values, by name, and the share that it gets right."""
    for sample in samples:
        sample["values"] = sorted(int(option) for option in sample["options"])
        sample["truth"] = sample["values"].index(int(sample["answer_value"]))
    n = len(samples)
    rules = {f"rank {rank}": lambda values, rank=rank: rank for rank in range(4)}
    for number in range(10):
        for rank in range(4):
            rules[f"{number} if offered, else rank {rank}"] = lambda v, number=number, rank=rank: v.index(number) if number in v else rank
    rules["nearest to the mean"] = lambda v: min(range(4), key=lambda i: abs(v[i] - sum(v) / 4))
    rules["farthest from the others"] = lambda v: max(range(4), key=lambda i: sum(abs(v[i] - other) for other in v))
    scores = {name: sum(rule(sample["values"]) == sample["truth"] for sample in samples) / n for name, rule in rules.items()}
    scores["best rank of each set, held out"] = right_of_held_out(samples, majority(lambda sample: tuple(sample["values"])))
    # What a reader sees of the numbers, each alone and beside the relation that is asked about.
    seen = {
        "set": lambda values: tuple(values),
        "spacing": lambda values: tuple(b - a for a, b in zip(values, values[1:])),
        "least": lambda values: values[0],
        "largest": lambda values: values[-1],
        "nothing": lambda _: None,
    }
    for name, look in seen.items():
        scores[f"best rank by {name}, held out"] = right_of_held_out(samples, majority(lambda sample, look=look: look(sample["values"])))
        scores[f"best rank by {name} and relation, held out"] = right_of_held_out(
            samples, majority(lambda sample, look=look: (look(sample["values"]), sample["relation"]))
        )
    lettered = [{**sample, "truth": sample["ground_truth"]} for sample in samples]
    scores["best letter by order, held out"] = right_of_held_out(lettered, majority(lambda sample: tuple(sample["options"])))
    scores["best letter by order and relation, held out"] = right_of_held_out(
        lettered, majority(lambda sample: (tuple(sample["options"]), sample["relation"]))
    )
    return max(scores.items(), key=lambda item: item[1]), scores


def existence(samples):
    def words(sample):
        kind, other, relation = *sample["categories"], sample["relation"]
        yield from (f"k {kind}", f"o {other}", f"r {relation}", f"kr {kind} {relation}", f"or {other} {relation}", f"kor {kind} {other} {relation}")
        yield from (f"w {word}" for word in set(re.findall(r"[a-z]+", sample["question"].lower())))

    return {
        "naive Bayes over words": right_of_held_out(samples, naive_bayes(words)),
        "majority by category and relation": right_of_held_out(samples, majority(lambda s: (s["categories"][0], s["relation"]))),
        "majority by reference and relation": right_of_held_out(samples, majority(lambda s: (s["categories"][1], s["relation"]))),
        "majority by both and relation": right_of_held_out(samples, majority(lambda s: (*s["categories"], s["relation"]))),
    }


def nouns(questions):
    """By axis: the share of comparisons whose relation the two names give."""
    by_axis = collections.defaultdict(list)
    for question in questions:
        first, second = question["categories"]
        relation = question["relation"]
        # The same two things, whichever way round.
        swapped = first > second
        holds = (relation in FIRST) != swapped
        by_axis[AXIS[relation]].append({"scene_id": question["scene_id"], "pair": (min(first, second), max(first, second)), "truth": holds})
    return {axis: right_of_held_out(facts, majority(lambda fact: fact["pair"])) for axis, facts in sorted(by_axis.items())}


def lopsided(program, project):
    """Answers above 60 %, where there are ten samples, by kind of question."""
    counts = collections.defaultdict(collections.Counter)
    sql = "SELECT task, relation, answer_form, ground_truth, count(*) AS n FROM dataset WHERE answer_form IN ('yes_no', 'choice') GROUP BY 1, 2, 3, 4"
    for row in rows(program, project, sql):
        of = (row["task"], "choice") if row["answer_form"] == "choice" else (row["task"], "yes_no", AXIS[row["relation"]])
        counts[of][row["ground_truth"]] += row["n"]
    found = []
    for of, answers in sorted(counts.items()):
        (answer, most), n = answers.most_common(1)[0], sum(answers.values())
        print(f"  {', '.join(of)}: {answer} {most / n:.3f} of {n}")
        if n >= 10 and most / n > 0.6:
            found.append((of, f"{project.name}: {', '.join(of)}: {answer} in {most / n:.2f} of {n} samples"))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--rooms", type=int, default=64)
    parser.add_argument("--samples", type=int, default=150_000)
    parser.add_argument("--small", type=pathlib.Path, nargs="*", default=[])
    arguments = parser.parse_args()
    program, project = arguments.program, arguments.out
    project.mkdir(parents=True, exist_ok=True)
    (project / "mill.toml").write_text(MILL.format(rooms=arguments.rooms))
    subprocess.run([program, "--project", project, "build", "--quiet"], check=True)

    wrong = []

    def hold(what, value, most):
        print(f"{what}: {value:.3f} (at most {most})")
        if value > most:
            wrong.append(f"{what}: {value:.3f}")

    n = next(rows(program, project, "SELECT count(*) AS n FROM dataset"))["n"]
    print(f"{n} samples")
    if n < arguments.samples:
        wrong.append(f"{n} samples are fewer than {arguments.samples}")
    columns = "d.scene_id, d.relation, d.options, d.answer_value, d.ground_truth, d.question, q.categories"
    joined = f"SELECT {columns} FROM dataset AS d JOIN questions AS q ON q.question_id = d.question_id"
    choices = list(rows(program, project, f"{joined} WHERE d.task = 'object_counting' AND d.answer_form = 'choice'"))
    (rule, best), scores = counting(choices)
    print(f"{len(choices)} counting choices, answers {sorted(collections.Counter(int(s['answer_value']) for s in choices).items())}")
    for name, score in sorted(scores.items(), key=lambda item: -item[1])[:6]:
        print(f"  {name}: {score:.3f}")
    hold(f"counting choice by the rule `{rule}`", best, 0.30)
    by_category = right_of_held_out(choices, majority(lambda sample: (tuple(sample["values"]), sample["categories"][0])))
    print(f"  (who also knows that there are more chairs than beds: {by_category:.3f})")

    asked = [{**sample, "truth": sample["ground_truth"]} for sample in rows(program, project, f"{joined} WHERE d.task = 'existence_estimation'")]
    print(f"{len(asked)} questions of existence")
    for name, score in existence(asked).items():
        hold(f"existence by {name}", score, 0.53)

    by_relation = collections.defaultdict(collections.Counter)
    for row in rows(program, project, "SELECT relation, ground_truth FROM dataset WHERE task = 'object_counting' AND answer_form = 'number'"):
        by_relation[row["relation"]][row["ground_truth"]] += 1
    numbers = sum(by_relation.values(), collections.Counter())
    print(f"numbers: {sorted(numbers.items(), key=lambda item: int(item[0]))}")
    number, times = numbers.most_common(1)[0]
    hold(f"the number {number}", times / sum(numbers.values()), 0.40)
    hold("the best number of each relation", sum(of.most_common(1)[0][1] for of in by_relation.values()) / sum(numbers.values()), 0.40)

    questions = list(rows(program, project, "SELECT scene_id, relation, categories, answerable_from_boxes FROM questions WHERE task LIKE '%comparison'"))
    for axis, score in nouns(questions).items():
        of_axis = [question for question in questions if AXIS[question["relation"]] == axis]
        boxes = sum(question["answerable_from_boxes"] for question in of_axis) / len(of_axis)
        print(f"{axis}: names alone {score:.3f}, boxes alone {boxes:.3f}, of {len(of_axis)} questions")
    for row in rows(program, project, "SELECT shortcut, count(*) AS n FROM dataset GROUP BY 1 ORDER BY 1"):
        print(f"shortcut {row['shortcut']}: {row['n'] / n:.3f}")

    for built in [project, *arguments.small]:
        print(f"{built.name}: answers by kind of question")
        wrong += [text for _, text in lopsided(program, built)]
    for text in wrong:
        print(f"FAIL {text}")
    print("OK" if not wrong else f"{len(wrong)} faults")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
