"""Whether a change keeps every answer, ranking and confidence, to the digit.

    python tests/benchmarks/same_answers.py ask INDEX QUESTIONS.json OUT.json [--limit 300]
    python tests/benchmarks/same_answers.py compare BEFORE.json AFTER.json

`ask` is run at both commits, over one index and one file in SQuAD's format. It writes all that
`SearchEngine.ask` gives but its times, floats in full. `compare` ends with exit code 1 if a
question differs.
"""

import argparse
import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from engine.search import SearchEngine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    ask = actions.add_parser("ask")
    ask.add_argument("index")
    ask.add_argument("questions", type=Path)
    ask.add_argument("out", type=Path)
    ask.add_argument("--limit", type=int, default=300)
    comparing = actions.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.action == "compare":
        return compare(arguments.before, arguments.after)
    results = ask_all(arguments.index, arguments.questions, arguments.limit)
    arguments.out.write_text(json.dumps(results, ensure_ascii=False), encoding="utf-8")
    print(f"{len(results)} questions asked")
    return 0


def ask_all(index: str, file: Path, limit: int) -> list[dict[str, Any]]:
    """What is answered to `limit` questions, spread over the file."""
    questions = [
        qa["question"]
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    step = max(1, len(questions) // limit)
    results = []
    with SearchEngine.open(index) as engine:
        for question in islice(questions[::step], limit):
            asked = engine.ask(question, top_k=5)
            result = asked.to_dict()
            trace = asked.trace if isinstance(asked.trace, dict) else asked.trace.to_dict()
            result["trace"] = {ranking: list(keys) for ranking, keys in trace.items()}
            del result["timings_ms"]
            results.append(result)
    return results


def compare(before: Path, after: Path) -> int:
    one, other = (json.loads(path.read_text(encoding="utf-8")) for path in (before, after))
    differing = [a["question"] for a, b in zip(one, other, strict=True) if a != b]
    print(f"{len(differing)} of {len(one)} questions differ", *differing[:10], sep="\n  ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
