"""B2: questions worded to Arrow, to Parquet and to JSON lines, against Polars, DuckDB and plain Python. One core each.

    pip install duckdb numpy orjson polars pyarrow xxhash
    cargo bench --bench wording --no-run        # prints the path of the executable
    python benches/wording.py <executable> [questions] [runs]

A million questions of the four tasks, drawn as the defaults of `mill.toml` would mix them, about things with categories and
captions for names. Everybody starts with the questions in memory and stops with `question`, `answer` and `options` in memory,
in a Parquet file (zstd, level 1) or in a file of JSON lines, both in memory-backed storage where there is such a thing; each
time is of the whole way. Runs are interleaved; texts that differ from those made here are reported and their times not.

spatialmill gets the names of things and the name of a relation, and finds articles, plurals, capitals, verbs that agree, the
words for a relation and the options by itself. The other engines cannot, so they are spared it: their columns hold the words for
each slot, in the order of the wording, and the finished options, and they look the wording up and put it together. Those
words are made here, before any clock starts, by code that shares nothing but the packs of `queries/5_ask` with what is measured.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import tomllib

os.environ["POLARS_MAX_THREADS"] = "1"

import duckdb
import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import xxhash

ASK = pathlib.Path(__file__).parent.parent / "queries" / "5_ask"
RELATIONS = tomllib.loads((ASK / "topics.toml").read_text())
# A task's share and its answer forms with theirs, after the defaults of src/project/keys.rs.
COMPARISON = [("yes_no", 0.4), ("choice_of_object", 0.175), ("choice_of_relation", 0.175), ("open", 0.25)]
TASKS = {
    "position_comparison": (12 / 28, COMPARISON),
    "size_comparison": (8 / 28, COMPARISON),
    "existence_estimation": (4 / 28, [("yes_no", 1.0)]),
    "object_counting": (4 / 28, [("choice_of_number", 0.4), ("number", 0.6)]),
}
AXES = {"position_comparison": ["lateral", "vertical", "depth"], "size_comparison": ["width", "height", "volume"]}
# The questions of a frame lie together and are about the same things.
QUESTIONS_PER_FRAME, THINGS_PER_FRAME = 12, 8
# One, and several of it.
ONE = """
    a chair|chairs, an office chair|office chairs, an armchair|armchairs, a dining table|dining tables,
    a coffee table|coffee tables, a desk|desks, a sofa|sofas, a bed|beds, a pillow|pillows,
    a kitchen cabinet|kitchen cabinets, a shelf|shelves, a bookshelf|bookshelves, a lamp|lamps, a monitor|monitors,
    a TV|TVs, an LCD screen|LCD screens, a keyboard|keyboards, a mouse|mice, a laptop|laptops, a telephone|telephones,
    a trash can|trash cans, a box|boxes, a backpack|backpacks, a suitcase|suitcases, an umbrella|umbrellas, a cup|cups,
    a cup of tea|cups of tea, a wine glass|wine glasses, a bottle|bottles, a bowl|bowls, a plate|plates, a knife|knives,
    an oven|ovens, a refrigerator|refrigerators, a sink|sinks, a toilet|toilets, a bathtub|bathtubs, a mirror|mirrors,
    a window|windows, a door|doors, a potted plant|potted plants, a clock|clocks, an hourglass|hourglasses, a vase|vases,
    a picture|pictures, a person|people, a child|children, a dog|dogs, a sheep|sheep, a horse|horses, an elephant|elephants,
    a bicycle|bicycles, a unicycle|unicycles, a car|cars, a bus|buses, a bench|benches, a traffic light|traffic lights,
    a toothbrush|toothbrushes, a hair drier|hair driers, an ironing board|ironing boards, a piano|pianos,
    an ottoman|ottomans, a Persian rug|Persian rugs, a pair of scissors|pairs of scissors
"""
# Several already, and what has no number.
SEVERAL = ["scissors", "curtains", "stairs", "kitchen cabinets", "shoes", "skis", "clothes"]
MASS = ["furniture", "luggage", "paper"]
COLOURS = ["red", "blue", "green", "yellow", "orange", "white", "black", "brown", "grey", "striped", "old", "empty"]
PLACES = [
    "by the window", "near the door", "on the floor", "in the corner", "against the wall", "next to the stairs",
    "with a broken leg", "on the left wall",
]
SLOT_NAMES = ("subject", "object", "category")
PARTS = ("question", "answer")
# No wording has more.
SLOTS = {"question": 9, "answer": 6}
# To columns in memory, to Parquet, to JSON lines.
WAYS = ["arrow", "parquet", "jsonl"]


class Noun:
    """A name and every form of it that a sentence may need."""

    def __init__(self, name, indefinite, plural=None, number="one"):
        self.name, self.a, self.categories = name, f"{indefinite} {name}", plural or name
        self.the, self.is_plural, self.countable = f"the {name}", number == "several", number == "one"


def make_nouns():
    pairs = [one.strip().split("|") for one in ONE.split(",")]
    categories = [Noun(*reversed(one.split(" ", 1)), many) for one, many in pairs]
    categories += [Noun(name, "some", number="several") for name in SEVERAL]
    categories += [Noun(name, "some", number="mass") for name in MASS]
    captions = [
        Noun(f"{colour} {noun.name} {place}", "some", number="several" if noun.is_plural else "one")
        for colour in COLOURS for noun in categories for place in PLACES
    ]
    return categories, captions


class Section:
    """The wordings that a task, section, axis and answer can be said in, and the ids of their pairs."""

    def __init__(self, task, section, axis, answers):
        pack = tomllib.loads((ASK / task / "phrases.toml").read_text())[section]
        form, _, of = section.partition("_of_")
        self.prefix = f"{task}/{form}/{of and of + '-'}"
        self.side = "" if answers == "answers" else f"{answers}-"
        self.questions, self.answers = (self.wordings(pack[name], axis) for name in ("questions", answers))

    def wordings(self, entries, axis):
        """Those for an axis, numbered before the others are left out."""
        entries = [entry if isinstance(entry, dict) else {"text": entry} for entry in entries]
        return [(n, entry["text"]) for n, entry in enumerate(entries, 1) if axis in entry.get("topics", [axis])]

    def template(self, u, v):
        (m, question), (n, answer) = one_of(self.questions, u), one_of(self.answers, v)
        return f"{self.prefix}{m}/{self.side}{n}", question, answer


class Asked:
    """A question as spatialmill gets it, and the words for its slots."""

    def __init__(self, relation, answer, subject, object_, category, options, key):
        self.relation, self.answer, self.options, self.key = relation, answer, options, key
        self.subject, self.object, self.category = subject, object_, category
        self.axis = next(words for words in RELATIONS.values() if relation in words)
        opposite = next(other for other in self.axis if other not in ("either", relation))
        if answer in self.axis:
            self.holds = answer
        else:
            self.holds = opposite if answer == "object" or (answer == "no" and subject) else relation
        self.hash = xxhash.xxh3_64_intdigest(key.encode())

    def pick(self, words, slot):
        turned = (self.hash << slot * 9 | self.hash >> 64 - slot * 9) & (1 << 64) - 1
        return words[(turned >> 32) * len(words) >> 32]

    def option(self, option):
        if option in ("subject", "object"):
            return getattr(self, option).the
        return self.pick(self.axis[option]["option"], 6) if option in self.axis else option

    def noun(self, role):
        """Whom a role stands for; nothing for what is no thing."""
        if role in ("first", "second", "answer", "other"):
            options = self.options or []
            role = {
                "first": lambda: options[0],
                "second": lambda: options[1],
                "answer": lambda: self.answer,
                "other": lambda: next(option for option in options if option != self.answer),
            }[role]()
        return getattr(self, role)

    def word(self, slot):
        """What a slot says."""
        role, agrees, forms = slot.partition(":")
        if agrees:
            one, many = forms.split("|")
            several = self.answer != "1" if role == "n" else self.noun(role).is_plural
            return many if several else one
        match slot.split(" "):
            case ["the", role]:
                return self.noun(role).the
            case ["The", role]:
                return capital(self.noun(role).the)
            case ["a", "category"]:
                return self.category.a
            case ["A", "category"]:
                return capital(self.category.a)
            case ["n", "category"]:
                return f"{self.answer} {self.category.name if self.answer == '1' else self.category.categories}"
            case ["number", "category"]:
                number = "no" if self.answer == "0" else in_words(self.answer)
                return f"{number} {self.category.name if self.answer == '1' else self.category.categories}"
            case ["plural", "category"]:
                return self.category.categories
            case ["category"]:
                return self.category.name
            case ["asked", "relation"]:
                return self.pick(self.axis[self.relation]["relation"], 1)
            case ["true", "relation"]:
                return self.pick(self.axis[self.holds]["relation"], 2)
            case ["asked", "comparative"]:
                return self.pick(self.axis[self.relation]["comparative"], 4)
            case ["either"]:
                return self.pick(self.pick(self.axis["either"], 6), 5)
            case ["letter"]:
                return "ABCD"[self.options.index(self.answer)]
            case ["option", number]:
                return self.option(self.options[int(number)])
            case ["option"]:
                return self.option(self.answer)
            case ["Option"]:
                return capital(self.option(self.answer))
            case ["n"]:
                return self.answer
            case ["number"]:
                return in_words(self.answer)
        raise ValueError(f"this benchmark has no words for {{{slot}}}")


def capital(text):
    return text[0].upper() + text[1:]


def in_words(n):
    return "zero one two three four five six seven eight nine ten eleven twelve".split()[int(n)]


def split(wording, options):
    """The texts of a wording and the slots between them. A list of options is as many slots, with their letters as texts."""
    letters = "ABCD"[:options]
    inline = ["("] + [", ("] * (options - 2) + [" or (" if options == 2 else ", or ("]
    wording = wording.replace("{options}", "\n".join(f"{letter}. {{option {i}}}" for i, letter in enumerate(letters)))
    inline = "".join(f"{before}{letter}) {{option {i}}}" for i, (before, letter) in enumerate(zip(inline, letters)))
    wording = wording.replace("{options inline}", inline)
    return re.split("[{}]", wording)[::2], re.split("[{}]", wording)[1::2]


def draw_questions(n):
    """Task, section, axis, the question and two numbers that pick its wordings; the same ones in each run."""
    draw = np.random.default_rng(11)
    categories, captions = make_nouns()
    countable = [noun for noun in categories if noun.countable]
    kinds = [(task, section, share * part) for task, (share, sections) in TASKS.items() for section, part in sections]
    kind_of_row = draw.choice(len(kinds), n, p=[share for *_, share in kinds]).tolist()
    keys = draw.bytes(16 * n).hex()
    for row, u in enumerate(draw.random((n, 9)).tolist()):
        if row % QUESTIONS_PER_FRAME == 0:
            # A third of all things are told from others of their category by a caption.
            names = [one_of(captions if u < 1 / 3 else categories, v) for u, v in draw.random((THINGS_PER_FRAME, 2)).tolist()]
        task, section, _ = kinds[kind_of_row[row]]
        axis = one_of(AXES.get(task) or list(RELATIONS), u[0])
        relation, other = sorted((word for word in RELATIONS[axis] if word != "either"), reverse=u[1] < 0.5)
        subject, object_, category = one_of(names, u[2]), one_of(names, u[3]), None
        if task in ("existence_estimation", "object_counting"):
            subject, category = None, one_of(countable if task == "object_counting" else categories, u[2])
        options = None
        match section:
            case "yes_no":
                answer = one_of(["yes", "no"], u[4])
            case "choice_of_object":
                answer, options = one_of(["subject", "object"], u[4]), ["subject", "object"]
            case "choice_of_relation":
                answer, options = relation, [relation, other]
            case "open":
                answer = relation
            case "number" | "choice_of_number":
                number = int(12 * u[4] ** 2)
                lowest = number - int(u[5] * (min(number, 3) + 1))
                answer = str(number)
                options = [str(lowest + i) for i in range(4)] if section == "choice_of_number" else None
        if options:
            turn = int(u[6] * len(options))
            options = options[turn:] + options[:turn]
        asked = Asked(relation, answer, subject, object_, category, options, keys[32 * row:32 * row + 32])
        yield task, section, axis, asked, u[7], u[8]


def make_questions(n):
    """What spatialmill gets, what the others get (words by row, texts by template) and the right answer."""
    sections, templates, words = {}, {}, []
    arguments = ("template_id", "relation", "answer", "slots", "options", "marks", "text_format", "image_format", "key")
    ours = {name: [] for name in arguments}
    worded = {name: [] for name in (*PARTS, "options")}
    for task, section, axis, asked, u, v in draw_questions(n):
        kind = task, section, axis, asked.answer if section == "yes_no" else "answers"
        if kind not in sections:
            sections[kind] = Section(*kind)
        template_id, *wordings = sections[kind].template(u, v)
        if template_id not in templates:
            templates[template_id] = [split(wording, len(asked.options or [])) for wording in wordings]
            assert all(len(slots) <= SLOTS[part] for part, (_, slots) in zip(PARTS, templates[template_id])), template_id
        said = [[asked.word(slot) for slot in slots] for _, slots in templates[template_id]]
        words.append(said)
        for part, (texts, _), slots in zip(PARTS, templates[template_id], said):
            worded[part].append("".join(text + word for text, word in zip(texts, slots + [""])))
        worded["options"].append(asked.options and [asked.option(option) for option in asked.options])
        kinds = {"subject": "object", "object": "object", "category": "category"}
        slots = [{"name": role, "kind": kinds[role], "text": noun.name} for role in SLOT_NAMES if (noun := getattr(asked, role))]
        # Nothing is marked: all engines word plain texts.
        row = template_id, asked.relation, asked.answer, slots, asked.options, [], "natural", "original", asked.key
        for column, value in zip(ours.values(), row):
            column.append(value)
    theirs = {"template_id": ours["template_id"], "options": worded["options"]}
    texts = {"template_id": list(templates)}
    for k, part in enumerate(PARTS):
        for i in range(SLOTS[part]):
            theirs[f"{part}_{i}"] = [said[k][i] if i < len(said[k]) else "" for said in words]
        for i in range(SLOTS[part] + 1):
            split_texts = (wordings[k][0] for wordings in templates.values())
            texts[f"{part}_text_{i}"] = [split[i] if i < len(split) else "" for split in split_texts]
    return to_arrow(ours), to_arrow(theirs), to_arrow(texts), to_arrow(worded)


def one_of(items, u):
    return items[int(u * len(items))]


def to_arrow(columns):
    numbers = [("value", pa.float64()), ("unit", pa.string()), ("decimals", pa.int32()), ("items", pa.list_(pa.string()))]
    slots = pa.list_(pa.struct([(name, pa.string()) for name in ("name", "kind", "text")] + numbers))
    mark = pa.struct([("colour", pa.string()), ("label", pa.string())])
    types = {"slots": slots, "options": pa.list_(pa.string()), "marks": pa.list_(mark)}
    return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})


def pieces(part):
    """The columns that make up a question or an answer: a text, a word, a text, ..."""
    return [name for i in range(SLOTS[part]) for name in (f"{part}_text_{i}", f"{part}_{i}")] + [f"{part}_text_{SLOTS[part]}"]


class Polars:
    def __init__(self, questions, texts):
        questions, texts = pl.DataFrame(questions).lazy(), pl.DataFrame(texts).lazy()
        self.worded = questions.join(texts, on="template_id", how="left", maintain_order="left").select(
            *(pl.concat_str(pieces(part)).alias(part) for part in PARTS), "options"
        )

    def arrow(self):
        return self.worded.collect(engine="streaming")

    def parquet(self, file):
        self.worded.sink_parquet(file, compression="zstd", compression_level=1)

    def jsonl(self, file):
        self.worded.sink_ndjson(file)


class DuckDB:
    def __init__(self, questions, texts):
        self.connection = duckdb.connect()
        self.connection.sql("SET threads = 1")
        self.connection.sql("CREATE TABLE questions AS FROM questions")
        self.connection.sql("CREATE TABLE texts AS FROM texts")
        # `concat` takes less than half the time of `format`.
        worded = ", ".join(f"concat({', '.join(pieces(part))}) AS {part}" for part in PARTS)
        self.worded = f"SELECT {worded}, options FROM questions JOIN texts USING (template_id)"

    def arrow(self):
        return self.connection.sql(self.worded).to_arrow_table()

    def parquet(self, file):
        self.connection.sql(f"COPY ({self.worded}) TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")

    def jsonl(self, file):
        self.connection.sql(f"COPY ({self.worded}) TO '{file}' (FORMAT json)")


class Python:
    def __init__(self, questions, texts):
        self.wordings = {
            row["template_id"]: ["{}".join(row[f"{part}_text_{i}"] for i in range(SLOTS[part] + 1)) for part in PARTS]
            for row in texts.to_pylist()
        }
        columns = lambda part: zip(*(questions[f"{part}_{i}"].to_pylist() for i in range(SLOTS[part])))
        self.questions = list(zip(questions["template_id"].to_pylist(), *map(columns, PARTS)))
        self.options = questions["options"].to_pylist()

    def rows(self):
        for (template_id, question_words, answer_words), options in zip(self.questions, self.options):
            question, answer = self.wordings[template_id]
            yield question.format(*question_words), answer.format(*answer_words), options

    def arrow(self):
        question, answer, options = zip(*self.rows())
        return to_arrow({"question": question, "answer": answer, "options": options})

    def parquet(self, file):
        pa.parquet.write_table(self.arrow(), file, compression="zstd", compression_level=1)

    def jsonl(self, file):
        with open(file, "wb") as out:
            for question, answer, options in self.rows():
                row = {"question": question, "answer": answer, "options": options}
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def main():
    executable = sys.argv[1]
    n, runs = (int(v) for v in (sys.argv[2:] + ["1000000", "7"][len(sys.argv) - 2:])[:2])
    ours, theirs, texts, worded = make_questions(n)
    right = pl.DataFrame(worded)
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        file = os.path.join(folder, "questions.parquet")
        pa.parquet.write_table(ours, file)
        engines = {engine.__name__.lower(): engine(theirs, texts) for engine in (Polars, DuckDB, Python)}

        def read(path):
            return pl.read_parquet(path) if path.endswith(".parquet") else pl.read_ndjson(path, schema=right.schema)

        def our_run():
            seconds = json.loads(subprocess.run([executable, file], capture_output=True, text=True, check=True).stdout)
            # Its columns in memory are those of its Parquet file.
            for to, written in zip(WAYS, ("worded.parquet", "worded.parquet", "worded.jsonl")):
                yield to, seconds[to], read(os.path.join(folder, written))

        def their_run(engine):
            for to in WAYS:
                path = os.path.join(folder, f"theirs.{to}")
                start = time.perf_counter()
                found = engine.arrow() if to == "arrow" else getattr(engine, to)(path)
                seconds = time.perf_counter() - start
                yield to, seconds, pl.DataFrame(found) if to == "arrow" else read(path)

        times, wrong = {(to, name): [] for to in WAYS for name in ["spatialmill", *engines]}, set()
        for _ in range(runs):
            for name in ["spatialmill", *engines]:
                for to, seconds, answer in our_run() if name == "spatialmill" else their_run(engines[name]):
                    times[to, name].append(seconds)
                    if not answer.equals(right):
                        wrong.add((to, name))
    print(f"{n} questions, {len(texts)} templates, {runs} interleaved runs, one core each")
    for (to, name), seconds in times.items():
        if (to, name) in wrong:
            print(f"{to:8} {name:12} gives other texts")
            continue
        low, middle, high = min(seconds), float(np.median(seconds)), max(seconds)
        print(f"{to:8} {name:12} {low:.3f} {middle:.3f} {high:.3f} s (min, median, max)  {n / middle / 1e6:.2f} M rows/s")


if __name__ == "__main__":
    main()
